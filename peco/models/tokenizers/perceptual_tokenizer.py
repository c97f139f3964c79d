"""PeCo's tokenizer."""

from __future__ import annotations

import torch
from mmpretrain.structures import DataSample
from torch import nn

from peco.registry import MODELS
from peco.utils.psnr import psnr

from .base_tokenizer import BaseTokenizer, build_part
from .pixel_loss import PixelLoss


@MODELS.register_module()
class PerceptualTokenizer(BaseTokenizer):
    """VQ-VAE whose codebook is learned with a perceptual loss (PeCo, section 3).

    An encoder turns an image into a grid of vectors, a quantizer each vector into the nearest of K
    codes, a decoder the codes into an image. The loss is
    ``pixel(x, x_hat) + lambda * sum_l |f_l(x) - f_l(x_hat)|^2 + beta * commitment`` with a frozen
    network f; the codes follow by moving average. f is no part of the state dict.

    Args:
        encoder: Config (or module) with ``stride`` and ``out_channels``.
        quantizer: Config of a quantizer with the encoder's ``out_channels`` as ``code_dim``.
        decoder: Config of the mirror of the encoder.
        pixel_loss: Config; ``dict(type='L1')`` and ``dict(type='L2')`` are short for
            ``peco.PixelLoss``.
        perceptual_loss: Config, for instance of ``peco.PerceptualLoss``; its ``weight`` is
            lambda. With weight 0 the network f does not run in training, but the distance is
            still reported in ``predict``. None: no network at all.
        commitment_weight, value_range, data_preprocessor, init_cfg: See :class:`BaseTokenizer`.

    Raises:
        ValueError: If the parts do not fit each other.

    Example:
        >>> import torch
        >>> from peco.models.tokenizers import PerceptualTokenizer
        >>> size = dict(base_channels=8, channel_mult=(1, 2, 2), num_res_blocks=1)
        >>> tokenizer = PerceptualTokenizer(
        ...     encoder=dict(type='peco.ConvEncoder', out_channels=8, **size),
        ...     quantizer=dict(type='peco.EMAQuantizer', codebook_size=32, code_dim=8,
        ...                    init='random'),
        ...     decoder=dict(type='peco.ConvDecoder', in_channels=8, **size)).eval()
        >>> ids = tokenizer.tokenize(torch.rand(2, 3, 32, 32))
        >>> ids.shape, tokenizer.decode(ids).shape
        (torch.Size([2, 8, 8]), torch.Size([2, 3, 32, 32]))
    """

    def __init__(self,
                 encoder: dict | nn.Module,
                 quantizer: dict | nn.Module,
                 decoder: dict | nn.Module,
                 pixel_loss: dict | nn.Module | None = None,
                 perceptual_loss: dict | nn.Module | None = None,
                 commitment_weight: float = 0.25,
                 value_range: tuple[float, float] = (0., 1.),
                 data_preprocessor: dict | nn.Module | None = None,
                 init_cfg: dict | None = None) -> None:
        super().__init__(encoder, quantizer, decoder, commitment_weight, value_range,
                         data_preprocessor, init_cfg)
        self.pixel_loss = self._build_pixel_loss(pixel_loss or dict(type='L1'))
        self.perceptual_loss = build_part(perceptual_loss)
        if self.encoder.stride != self.decoder.stride:
            raise ValueError(f'The encoder has the stride {self.encoder.stride}, the decoder '
                             f'{self.decoder.stride}: give both the same channel_mult.')
        seen = getattr(self.perceptual_loss, 'input_range', self.value_range)
        if tuple(seen) != self.value_range:
            # Values in [0, 1] would pass the check of a loss that expects [-1, 1].
            raise ValueError(f'perceptual_loss.input_range={tuple(seen)} is not the tokenizer\'s '
                             f'value_range={self.value_range}: give both the same.')

    @staticmethod
    def _build_pixel_loss(part: dict | nn.Module) -> nn.Module:
        if isinstance(part, dict) and part.get('type') in ('L1', 'L2'):
            rest = {key: value for key, value in part.items() if key != 'type'}
            return PixelLoss(norm=part['type'], **rest)
        return build_part(part)

    @torch.no_grad()
    def decode(self, ids: torch.Tensor) -> torch.Tensor:
        """Turn token ids into images.

        Args:
            ids: ``(B, h, w)`` int64 in ``[0, K)``.

        Returns:
            Images ``(B, 3, h * stride, w * stride)``, clamped to ``value_range``.
        """
        return self._decode(self.quantizer.lookup(ids)).clamp(*self.value_range)

    @torch.no_grad()
    def reconstruct(self, images: torch.Tensor) -> torch.Tensor:
        """Tokenize and decode.

        Args:
            images: ``(B, 3, H, W)`` RGB in ``value_range``.

        Returns:
            Reconstructions, same shape, clamped to ``value_range``.
        """
        return self.decode(self.tokenize(images))

    def loss(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compute the losses and the scalars to log.

        Args:
            images: ``(B, 3, H, W)`` RGB in ``value_range``.

        Returns:
            ``loss_pixel``, ``loss_perceptual`` (if lambda is not 0), ``loss_commit`` and for the
            log ``usage``, ``perplexity``, ``psnr``.
        """
        out = self.quantizer(self._encode(images))
        x_hat = self._decode(out.quantized)
        losses = dict(loss_pixel=self.pixel_loss(images, x_hat))
        if self.perceptual_loss is not None and self.perceptual_loss.weight != 0:
            losses['loss_perceptual'] = self.perceptual_loss(images, x_hat)
        losses['loss_commit'] = self.commitment_weight * out.commitment_loss
        losses.update(usage=out.stats['usage'], perplexity=out.stats['perplexity'],
                      psnr=psnr(x_hat.detach(), images, self.value_range).mean())
        return losses

    @torch.no_grad()
    def predict(self, images: torch.Tensor,
                data_samples: list[DataSample] | None = None) -> list[DataSample]:
        """Tokenize and reconstruct.

        Args:
            images: ``(B, 3, H, W)`` RGB in ``value_range``.
            data_samples: One a picture, or None.

        Returns:
            The data samples with ``token_ids`` (h, w), ``reconstruction`` and ``original``
            (3, H, W), and ``perceptual_distance`` if there is a perceptual loss.
        """
        ids = self.tokenize(images)
        x_hat = self.decode(ids)
        distances = None
        if self.perceptual_loss is not None:
            distances = self.perceptual_loss.distance(images, x_hat)
        samples = data_samples or [DataSample() for _ in images]
        for i, sample in enumerate(samples):
            sample.set_field(ids[i], 'token_ids')
            sample.set_field(x_hat[i], 'reconstruction')
            sample.set_field(images[i], 'original')
            if distances is not None:
                sample.set_field(distances[i], 'perceptual_distance')
        return samples

    def _decode(self, codes: torch.Tensor) -> torch.Tensor:
        low, high = self.value_range
        x_hat = self.decoder(codes)
        # fp32 at least: under autocast the decoder's output is of half precision.
        x_hat = x_hat.to(torch.promote_types(x_hat.dtype, torch.float32))
        return (x_hat + 1) * ((high - low) / 2) + low

