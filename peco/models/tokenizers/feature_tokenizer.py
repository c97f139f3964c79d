"""Tokenizer that is learned from features: BEiT v2's way."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmpretrain.structures import DataSample
from torch import nn

from peco.registry import MODELS
from peco.utils.value_range import to_unit

from ..utils.frozen import Frozen
from .base_tokenizer import BaseTokenizer, build_part


@MODELS.register_module()
class FeatureTokenizer(BaseTokenizer):
    """Vector-quantized knowledge distillation (VQ-KD; BEiT v2, Peng et al. 2022, section 3.1).

    The codes have to give back what a frozen network f sees, not the pixels: the loss is
    ``1 - cos(decoder(codes), f_l(x))`` at each place of the token grid, plus the commitment loss.
    With :class:`PerceptualTokenizer`'s encoder, quantizer and f, nothing differs but the target.

    Args:
        encoder: Config (or module) with ``stride`` and ``out_channels``.
        quantizer: Config of a quantizer with the encoder's ``out_channels`` as ``code_dim``.
        decoder: Config of :class:`FeatureDecoder` with as many channels as the features have.
        network: Config of f: ``peco.PerceptualNetwork``, ``peco.BackboneFeatures`` or
            ``peco.TimmFeatures`` (or a module that gives a list of feature maps). None for a
            tokenizer that is no longer trained.
        depth: Which of f's feature maps, negative from the end. It is brought to the token grid:
            averaged where it is finer, interpolated where it is coarser.
        commitment_weight, value_range, data_preprocessor, init_cfg: See :class:`BaseTokenizer`.

    Example:
        >>> import torch
        >>> from peco.models.tokenizers import FeatureTokenizer
        >>> tokenizer = FeatureTokenizer(
        ...     encoder=dict(type='peco.ConvEncoder', base_channels=8, channel_mult=(1, 2, 2),
        ...                  out_channels=8),
        ...     quantizer=dict(type='peco.EMAQuantizer', codebook_size=16, code_dim=8,
        ...                    init='random'),
        ...     decoder=dict(type='peco.FeatureDecoder', in_channels=8, out_channels=128),
        ...     network=dict(type='peco.TimmFeatures', model_name='resnet18', out_indices=(1, 2),
        ...                  allow_random=True))
        >>> sorted(tokenizer.loss(torch.rand(2, 3, 32, 32)))
        ['feature_cosine', 'loss_commit', 'loss_feature', 'perplexity', 'usage']
    """

    def __init__(self,
                 encoder: dict | nn.Module,
                 quantizer: dict | nn.Module,
                 decoder: dict | nn.Module,
                 network: dict | nn.Module | None = None,
                 depth: int = -1,
                 commitment_weight: float = 0.25,
                 value_range: tuple[float, float] = (0., 1.),
                 data_preprocessor: dict | nn.Module | None = None,
                 init_cfg: dict | None = None) -> None:
        super().__init__(encoder, quantizer, decoder, commitment_weight, value_range,
                         data_preprocessor, init_cfg)
        # Out of parameters and state dict: f is another stage's work.
        self.network = None if network is None else Frozen(build_part(network))
        self.depth = depth

    def loss(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compute the losses and the scalars to log.

        Args:
            images: ``(B, 3, H, W)`` RGB in ``value_range``.

        Returns:
            ``loss_feature``, ``loss_commit`` and for the log ``feature_cosine``, ``usage``,
            ``perplexity``.

        Raises:
            ValueError: If there is no network, or the decoder has not its features' channels.
        """
        out = self.quantizer(self._encode(images))
        cosine = self._cosine(out.quantized, images).mean()
        return dict(loss_feature=1 - cosine,
                    loss_commit=self.commitment_weight * out.commitment_loss,
                    feature_cosine=cosine.detach(), usage=out.stats['usage'],
                    perplexity=out.stats['perplexity'])

    @torch.no_grad()
    def predict(self, images: torch.Tensor,
                data_samples: list[DataSample] | None = None) -> list[DataSample]:
        """Tokenize.

        Args:
            images: ``(B, 3, H, W)`` RGB in ``value_range``.
            data_samples: One a picture, or None.

        Returns:
            The data samples with ``token_ids`` (h, w) and, where there is a network,
            ``feature_cosine``, the mean over the grid.
        """
        ids = self.tokenize(images)
        samples = data_samples or [DataSample() for _ in images]
        for sample, of_image in zip(samples, ids, strict=True):
            sample.set_field(of_image, 'token_ids')
        if self.network is not None:
            cosines = self._cosine(self.quantizer.lookup(ids), images).flatten(1).mean(1)
            for sample, cosine in zip(samples, cosines, strict=True):
                sample.set_field(cosine, 'feature_cosine')
        return samples

    def _cosine(self, codes: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """Cosine ``(B, h, w)`` of decoded codes and features."""
        found = self.decoder(codes)
        target = self._target(images, found.shape[2:])
        if target.shape != found.shape:
            raise ValueError(f'the features have {target.size(1)} channels, decoder.out_channels='
                             f'{found.size(1)}: give both the same, or choose another depth')
        # fp32 at least: under autocast both may be of half precision.
        dtype = torch.promote_types(found.dtype, torch.float32)
        return F.cosine_similarity(found.to(dtype), target.to(dtype), dim=1)

    @torch.no_grad()
    def _target(self, images: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
        if self.network is None:
            raise ValueError('a FeatureTokenizer without network can tokenize, but not learn: give '
                             'it the config of the network whose features it is to keep')
        features = self.network(to_unit(images, self.value_range))[self.depth]
        if features.size(2) > grid[0]:
            return F.adaptive_avg_pool2d(features, grid)
        if features.shape[2:] != grid:
            return F.interpolate(features, grid, mode='bilinear')
        return features
