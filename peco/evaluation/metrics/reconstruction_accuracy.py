"""What a classifier recognises in reconstructions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from torch import nn

from peco.registry import METRICS, MODELS
from peco.utils.checkpoint import load_checkpoint
from peco.utils.load_exactly import load_exactly

from .sample_field import LEFT_OUT, plays_role, sample_field, sample_label


@METRICS.register_module()
class ReconstructionAccuracy(BaseMetric):
    """Top-1 accuracy of one fixed classifier on originals and on their reconstructions.

    The classifier is trained on originals, by whom and how does not matter; that it is the same for
    all tokenizers does. Needs ``original`` and ``reconstruction`` ``(3, H, W)``, RGB in [0, 1], and
    ``gt_label``; gives ``original_top1`` and ``reconstruction_top1`` in percent.

    Args:
        classifier: Config of mmpretrain's ``ImageClassifier``, or a module.
        mean, std: Its normalisation of RGB values in [0, 255].
        checkpoint: Weights of a config.
        split_role: Look only at samples of this ``split_role``.
        device: Where the classifier runs, by default the GPU if there is one.
        **kwargs: Arguments of mmengine's ``BaseMetric``.

    Raises:
        FileNotFoundError: The checkpoint does not exist.
        ValueError: The checkpoint is not of this classifier.

    Example:
        >>> test_evaluator = dict(
        ...     type='peco.ReconstructionAccuracy', checkpoint='classifier.pth',
        ...     classifier=dict(
        ...         type='ImageClassifier', backbone=dict(type='ResNet', depth=18),
        ...         neck=dict(type='GlobalAveragePooling'),
        ...         head=dict(type='LinearClsHead', num_classes=10, in_channels=512)),
        ...     mean=[125.3, 123.0, 113.9], std=[51.6, 50.8, 51.3])
    """

    default_prefix = ''

    def __init__(self,
                 classifier: dict | nn.Module,
                 mean: Sequence[float],
                 std: Sequence[float],
                 checkpoint: str | None = None,
                 split_role: str | None = None,
                 device: str | None = None,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        self.split_role = split_role
        self.device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
        self.mean = torch.tensor(mean).view(1, 3, 1, 1) / 255
        self.std = torch.tensor(std).view(1, 3, 1, 1) / 255
        self.model = (classifier if isinstance(classifier, nn.Module) else
                      self._load(dict(classifier), checkpoint))
        self.model.to(self.device).eval().requires_grad_(False)

    @staticmethod
    def _load(classifier: dict, checkpoint: str | None) -> nn.Module:
        if checkpoint is None:
            raise ValueError('ReconstructionAccuracy has a classifier config and no checkpoint')
        model = MODELS.build(classifier)
        loaded = load_checkpoint(checkpoint)
        load_exactly(model, loaded.get('state_dict', loaded), checkpoint)
        return model

    @torch.no_grad()
    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Classify the images of a batch twice."""
        played = [plays_role(sample, self.split_role, self) for sample in data_samples]
        chosen = [sample for sample, plays in zip(data_samples, played, strict=True) if plays]
        right = iter(zip(*(self._right(chosen, key) for key in ('original', 'reconstruction')),
                         strict=True))
        self.results += [next(right) if plays else LEFT_OUT for plays in played]

    def _right(self, samples: Sequence[dict], key: str) -> list[bool]:
        if not samples:
            return []
        images = torch.stack([sample_field(sample, key, self) for sample in samples])
        images = ((images.float() - self.mean) / self.std).to(self.device)
        predicted = self.model(images, mode='tensor').argmax(1).cpu()
        labels = torch.tensor([sample_label(sample, self) for sample in samples])
        return (predicted == labels).tolist()

    def compute_metrics(self, results: list[tuple[bool, bool] | tuple]) -> dict[str, float]:
        """Shares of right answers."""
        results = [pair for pair in results if pair != LEFT_OUT]
        if not results:
            raise ValueError('ReconstructionAccuracy got no sample')
        original, reconstruction = (100 * sum(column) / len(results)
                                    for column in zip(*results, strict=True))
        return dict(original_top1=original, reconstruction_top1=reconstruction)
