"""Linear probe at several depths of one frozen backbone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmpretrain.evaluation.metrics import Accuracy
from mmpretrain.models.heads import ClsHead
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from peco.models.utils.pool_features import pool_features
from peco.registry import MODELS


@MODELS.register_module()
class MultiDepthLinearHead(ClsHead):
    """One BatchNorm without affine and one linear layer for each output of the backbone.

    The depths share nothing, so one run probes them all. The backbone should be frozen
    (``frozen_stages=num_layers``); its outputs are detached in any case.

    Args:
        num_classes: Number of classes.
        in_channels: Channels of every output.
        num_depths: Number of the backbone's outputs.
        depths: Names of the depths for the log, in the order of the backbone's ``out_indices``;
            by default 1 to ``num_depths``, the block numbers where every block is an output.
        num_extra_tokens: Tokens before the patches, for a backbone with ``out_type='raw'``.
        **kwargs: Arguments of mmpretrain's ``ClsHead``: ``loss``, ``topk``, ``cal_acc``,
            ``init_cfg``.

    Example:
        >>> import torch
        >>> from mmpretrain.structures import DataSample
        >>> from peco.models.heads import MultiDepthLinearHead
        >>> head = MultiDepthLinearHead(
        ...     num_classes=4, in_channels=8, num_depths=2, depths=(6, 12))
        >>> samples = [DataSample().set_gt_label(i) for i in range(3)]
        >>> sorted(head.loss((torch.rand(3, 8), torch.rand(3, 8)), samples))
        ['loss_depth12', 'loss_depth6']
    """

    def __init__(self,
                 num_classes: int,
                 in_channels: int,
                 num_depths: int,
                 depths: Sequence[int] | None = None,
                 num_extra_tokens: int = 0,
                 **kwargs) -> None:
        kwargs.setdefault('init_cfg', dict(type='Normal', layer='Linear', std=0.01))
        kwargs.setdefault('loss', dict(type='mmpretrain.CrossEntropyLoss'))
        super().__init__(**kwargs)
        depths = tuple(range(1, num_depths + 1) if depths is None else depths)
        if num_classes < 1 or num_depths < 1 or len(set(depths)) != num_depths or len(
                depths) != num_depths:
            raise ValueError('MultiDepthLinearHead needs num_classes > 0 and num_depths > 0 '
                             f'distinct depths, got num_classes={num_classes}, '
                             f'num_depths={num_depths}, depths={depths}')
        self.num_classes = num_classes
        self.in_channels = in_channels
        self.depths = depths
        self.num_extra_tokens = num_extra_tokens
        self.probes = nn.ModuleList(
            nn.Sequential(nn.BatchNorm1d(in_channels, affine=False),
                          nn.Linear(in_channels, num_classes)) for _ in self.depths)

    def pre_logits(self, feats: tuple[Tensor, ...]) -> list[Tensor]:
        """One detached vector an image, ``(B, C)``, for each depth.

        Raises:
            ValueError: If the backbone returns another number of outputs than there are depths.
        """
        if len(feats) != len(self.depths):
            raise ValueError(f'the backbone returns {len(feats)} outputs, the head has '
                             f'{len(self.depths)} depths {self.depths}: make out_indices match')
        return [pool_features(feat, num_extra_tokens=self.num_extra_tokens).detach()
                for feat in feats]

    def forward(self, feats: tuple[Tensor, ...]) -> list[Tensor]:
        """Logits ``(B, num_classes)`` for each depth."""
        return [probe(feat)
                for probe, feat in zip(self.probes, self.pre_logits(feats), strict=True)]

    def loss(self, feats: tuple[Tensor, ...], data_samples: list[DataSample],
             **kwargs) -> dict[str, Tensor]:
        """Loss of each depth, ``loss_depth{n}``, and with ``cal_acc`` ``acc_depth{n}``."""
        if 'gt_score' in data_samples[0]:
            target = torch.stack([sample.gt_score for sample in data_samples])
        else:
            target = torch.cat([sample.gt_label for sample in data_samples])
        losses = {}
        for depth, score in zip(self.depths, self(feats), strict=True):
            losses[f'loss_depth{depth}'] = self.loss_module(
                score, target, avg_factor=score.size(0), **kwargs)
            if self.cal_acc and target.ndim == 1:
                losses[f'acc_depth{depth}'] = Accuracy.calculate(score, target, topk=(1, ))[0][0]
        return losses

    def predict(self,
                feats: tuple[Tensor, ...],
                data_samples: list[DataSample | None] | None = None) -> list[DataSample]:
        """Predict at each depth.

        Returns:
            Data samples with ``pred_score`` and ``pred_label`` of the last depth,
            ``depth_labels`` (the label for each depth, int64 of shape ``(D,)``) and ``depths``.
        """
        scores = self(feats)
        labels = torch.stack([score.argmax(dim=1) for score in scores], dim=1)
        data_samples = self._get_predictions(scores[-1], data_samples)
        for sample, label in zip(data_samples, labels, strict=True):
            sample.set_field(label, 'depth_labels')
            sample.set_field(self.depths, 'depths')
        return data_samples
