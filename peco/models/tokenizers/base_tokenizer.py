"""What all tokenizers share."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod

import torch
from mmengine.model import BaseModel
from mmpretrain.structures import DataSample
from torch import nn

from peco.registry import MODELS
from peco.utils.fingerprint import state_dict_fingerprint

from ..utils.checks import check_images


def build_part(part: dict | nn.Module | None) -> nn.Module | None:
    """A module from its config, or as it is."""
    return MODELS.build(part) if isinstance(part, dict) else part


class BaseTokenizer(BaseModel, metaclass=ABCMeta):
    """An encoder and a quantizer that turn an image into a grid of ids.

    Subclasses say what the codes are learned from.

    Args:
        encoder: Config (or module) with ``stride`` and ``out_channels``.
        quantizer: Config of a quantizer with the encoder's ``out_channels`` as ``code_dim``.
        decoder: Config of what turns codes into that which is learned from.
        commitment_weight: The weight beta of the commitment loss.
        value_range: Least and greatest value of an image. Inputs are checked against it.
        data_preprocessor: See mmengine's ``BaseModel``; images must come out as RGB in
            ``value_range``.
        init_cfg: See mmengine's ``BaseModule``.

    Raises:
        ValueError: If the parts do not fit each other.
    """

    def __init__(self,
                 encoder: dict | nn.Module,
                 quantizer: dict | nn.Module,
                 decoder: dict | nn.Module,
                 commitment_weight: float = 0.25,
                 value_range: tuple[float, float] = (0., 1.),
                 data_preprocessor: dict | nn.Module | None = None,
                 init_cfg: dict | None = None) -> None:
        super().__init__(build_part(data_preprocessor), init_cfg)
        if not value_range[0] < value_range[1]:
            raise ValueError(f'value_range must rise, got {value_range}.')
        self.encoder = build_part(encoder)
        self.quantizer = build_part(quantizer)
        self.decoder = build_part(decoder)
        self.commitment_weight = commitment_weight
        self.value_range = tuple(float(value) for value in value_range)
        self._frozen = False
        # Height and width of the images that it was trained on, where its checkpoint tells.
        self.trained_size: tuple[int, int] | None = None
        channels = dict(encoder=self.encoder.out_channels, quantizer=self.quantizer.code_dim,
                        decoder=self.decoder.in_channels)
        if len(set(channels.values())) > 1:
            raise ValueError(
                'The channels of the parts differ: encoder.out_channels={encoder}, '
                'quantizer.code_dim={quantizer}, decoder.in_channels={decoder}.'.format(**channels))

    # What a subclass provides.

    @abstractmethod
    def loss(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compute the losses and the scalars to log."""

    @abstractmethod
    def predict(self, images: torch.Tensor,
                data_samples: list[DataSample] | None = None) -> list[DataSample]:
        """Tokenize, and measure what the tokens keep."""

    # What a user calls.

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

    def fingerprint(self) -> str:
        """Name the weights: the SHA-256 of the state dict, 64 hexadecimal characters."""
        return state_dict_fingerprint(self.state_dict())

    def freeze(self) -> BaseTokenizer:
        """Stay in eval mode without gradient for good: ``train()`` is ignored from now on."""
        self._frozen = True
        self.requires_grad_(False)
        self.quantizer.freeze()
        return self.eval()

    def train(self, mode: bool = True) -> BaseTokenizer:
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
            ``'loss'``: what :meth:`loss` gives; ``'predict'``: the data samples of
            :meth:`predict`; ``'tensor'``: the ids.

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

    def _encode(self, images: torch.Tensor) -> torch.Tensor:
        check_images(images, self.value_range, 'the tokenizer')
        self.grid_size(images.shape[2:])
        low, high = self.value_range
        return self.encoder((images - low) * (2 / (high - low)) - 1)
