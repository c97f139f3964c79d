"""PeCo's tokenizer."""

from __future__ import annotations

import torch
from mmengine.model import BaseModel
from mmpretrain.structures import DataSample
from torch import nn

from peco.registry import MODELS
from peco.utils.fingerprint import state_dict_fingerprint
from peco.utils.psnr import psnr

from ..utils.checks import check_images
from .pixel_loss import PixelLoss


def _build(part: dict | nn.Module | None) -> nn.Module | None:
    return MODELS.build(part) if isinstance(part, dict) else part


@MODELS.register_module()
class PerceptualTokenizer(BaseModel):
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
        commitment_weight: The weight beta.
        value_range: Least and greatest value of an image. Inputs are checked against it.
        data_preprocessor: See mmengine's ``BaseModel``; images must come out as RGB in
            ``value_range``.
        init_cfg: See mmengine's ``BaseModule``.

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
        super().__init__(_build(data_preprocessor), init_cfg)
        if not value_range[0] < value_range[1]:
            raise ValueError(f'value_range must rise, got {value_range}.')
        self.encoder = _build(encoder)
        self.quantizer = _build(quantizer)
        self.decoder = _build(decoder)
        self.pixel_loss = self._build_pixel_loss(pixel_loss or dict(type='L1'))
        self.perceptual_loss = _build(perceptual_loss)
        self.commitment_weight = commitment_weight
        self.value_range = tuple(float(value) for value in value_range)
        self._frozen = False
        self._check_parts()

    @staticmethod
    def _build_pixel_loss(part: dict | nn.Module) -> nn.Module:
        if isinstance(part, dict) and part.get('type') in ('L1', 'L2'):
            rest = {key: value for key, value in part.items() if key != 'type'}
            return PixelLoss(norm=part['type'], **rest)
        return _build(part)

    def _check_parts(self) -> None:
        encoder, quantizer, decoder = self.encoder, self.quantizer, self.decoder
        if not encoder.out_channels == quantizer.code_dim == decoder.in_channels:
            raise ValueError(
                f'The channels of the parts differ: encoder.out_channels={encoder.out_channels}, '
                f'quantizer.code_dim={quantizer.code_dim}, '
                f'decoder.in_channels={decoder.in_channels}.')
        if encoder.stride != decoder.stride:
            raise ValueError(f'The encoder has the stride {encoder.stride}, the decoder '
                             f'{decoder.stride}: give both the same channel_mult.')
        seen = getattr(self.perceptual_loss, 'input_range', self.value_range)
        if tuple(seen) != self.value_range:
            # Values in [0, 1] would pass the check of a loss that expects [-1, 1].
            raise ValueError(f'perceptual_loss.input_range={tuple(seen)} is not the tokenizer\'s '
                             f'value_range={self.value_range}: give both the same.')

    @property
    def codebook_size(self) -> int:
        """Number of codes K."""
        return self.quantizer.codebook_size

    @property
    def stride(self) -> int:
        """Pixels per token, along each side."""
        return self.encoder.stride

    def grid_size(self, image_hw: tuple[int, int]) -> tuple[int, int]:
        """Give the token grid of an image size.

        Args:
            image_hw: Height and width in pixels.

        Returns:
            Rows and columns of tokens.

        Raises:
            ValueError: If a side is not a multiple of the stride.
        """
        height, width = image_hw
        if height < 1 or width < 1 or height % self.stride or width % self.stride:
            raise ValueError(f'An image of {height}x{width} pixels does not divide into tokens of '
                             f'{self.stride}x{self.stride}: both sides must be multiples of '
                             f'{self.stride}.')
        return height // self.stride, width // self.stride

    @torch.no_grad()
    def tokenize(self, images: torch.Tensor) -> torch.Tensor:
        """Turn images into token ids; changes nothing in any mode.

        Args:
            images: ``(B, 3, H, W)`` RGB in ``value_range``.

        Returns:
            Ids ``(B, H / stride, W / stride)`` int64 in ``[0, K)``.

        Raises:
            ValueError: If the values or the size do not fit.
            RuntimeError: If the codebook is not initialised.
        """
        return self.quantizer.assign(self._encode(images))

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

    def fingerprint(self) -> str:
        """Name the weights: the SHA-256 of the state dict, 64 hexadecimal characters."""
        return state_dict_fingerprint(self.state_dict())

    def freeze(self) -> PerceptualTokenizer:
        """Stay in eval mode without gradient for good: ``train()`` is ignored from now on."""
        self._frozen = True
        self.requires_grad_(False)
        self.quantizer.freeze()
        return self.eval()

    def train(self, mode: bool = True) -> PerceptualTokenizer:
        """Set the mode, unless frozen."""
        return super().train(mode and not self._frozen)

    def forward(self,
                inputs: torch.Tensor | list[torch.Tensor],
                data_samples: list[DataSample] | None = None,
                mode: str = 'tensor') -> dict | list[DataSample] | torch.Tensor:
        """Run one of the modes of mmengine.

        Args:
            inputs: Images ``(B, 3, H, W)`` RGB in ``value_range``, or a list with one such batch.
            data_samples: One a picture, or None.
            mode: ``'loss'``, ``'predict'`` or ``'tensor'``.

        Returns:
            ``'loss'``: ``loss_pixel``, ``loss_perceptual`` (if lambda is not 0), ``loss_commit``
            and for the log ``usage``, ``perplexity``, ``psnr``. ``'predict'``: the data samples
            with ``token_ids`` (h, w), ``reconstruction`` and ``original`` (3, H, W), and
            ``perceptual_distance`` if there is a perceptual loss. ``'tensor'``: the ids.

        Raises:
            ValueError: If the mode is none of these.
        """
        if isinstance(inputs, (list, tuple)):
            if len(inputs) != 1:
                raise ValueError(f'The tokenizer takes one view of each image, got {len(inputs)}.')
            inputs = inputs[0]
        if mode == 'loss':
            return self.loss(inputs)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode == 'tensor':
            return self.tokenize(inputs)
        raise ValueError(f"mode must be 'loss', 'predict' or 'tensor', got {mode!r}.")

    def loss(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compute the losses and the scalars to log; see :meth:`forward`."""
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
        """Tokenize and reconstruct; see :meth:`forward`."""
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

    def _encode(self, images: torch.Tensor) -> torch.Tensor:
        check_images(images, self.value_range, 'the tokenizer')
        self.grid_size(images.shape[2:])
        low, high = self.value_range
        return self.encoder((images - low) * (2 / (high - low)) - 1)

    def _decode(self, codes: torch.Tensor) -> torch.Tensor:
        low, high = self.value_range
        x_hat = self.decoder(codes)
        # fp32 at least: under autocast the decoder's output is of half precision.
        x_hat = x_hat.to(torch.promote_types(x_hat.dtype, torch.float32))
        return (x_hat + 1) * ((high - low) / 2) + low

