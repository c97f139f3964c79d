"""What all quantizers share."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from numbers import Integral

import torch
import torch.nn.functional as F
from mmengine import dist
from mmengine.model import BaseModule
from torch.autograd import Function

from peco.utils.codebook_stats import count_codes, usage_and_perplexity

from ..utils.checks import check_finite, require
from .quantizer_output import QuantizerOutput


class BaseQuantizer(BaseModule, metaclass=ABCMeta):
    """Replace each vector of a grid by the nearest of K codes.

    Subclasses own the codes and say how they learn. All computation is in fp32 at least, also
    under autocast (float64 stays float64); outputs return to the dtype of the input. In eval mode
    nothing changes: neither codes nor statistics.

    Codes get no gradient here: they are meant to follow in ``_after_step``, as those of
    :class:`EMAQuantizer` do. A codebook that learns by gradient, or has a loss of its own,
    overrides :meth:`forward` and adds that loss to ``commitment_loss``, which the tokenizer
    multiplies by its ``commitment_weight``.

    Args:
        codebook_size: Number of codes K.
        code_dim: Number of channels C of a code.
        init_cfg: See mmengine's ``BaseModule``.
    """

    def __init__(self, codebook_size: int, code_dim: int, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        for name, value in dict(codebook_size=codebook_size, code_dim=code_dim).items():
            if not isinstance(value, Integral):
                raise ValueError(f'{name} must be a whole number, got {value!r}.')
            if value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}.')
        self.codebook_size = codebook_size
        self.code_dim = code_dim
        self._frozen = False
        self.register_buffer('epoch_counts', torch.zeros(codebook_size, dtype=torch.long),
                             persistent=False)

    # What a subclass provides.

    @property
    @abstractmethod
    def codes(self) -> torch.Tensor:
        """The codebook ``(K, C)``."""

    @property
    @abstractmethod
    def initialised(self) -> bool:
        """Whether the codebook holds codes."""

    @abstractmethod
    def check_initialised(self) -> None:
        """Finish a pending initialisation, or raise ValueError with what is missing."""

    def check_supply(self, steps: int) -> None:
        """Raise ValueError if so many steps like the first give too few vectors to begin with.

        A collective call: every rank must make it.
        """

    @abstractmethod
    def _nearest(self, rows: torch.Tensor) -> torch.Tensor:
        """Ids ``(N,)`` of the nearest codes of rows ``(N, C)``."""

    def _prepare(self, rows: torch.Tensor) -> torch.Tensor:
        """Map the vectors ``(N, C)`` to the space of the codes."""
        return rows

    def _before_step(self, rows: torch.Tensor) -> None:
        """Called in train mode before the search, with detached rows ``(N, C)``."""

    def _after_step(self, rows: torch.Tensor, ids: torch.Tensor,
                    counts: torch.Tensor) -> torch.Tensor:
        """Called in train mode after the search; turns this rank's counts ``(K,)`` into all's."""
        dist.all_reduce(counts)
        return counts

    # What a user calls.

    def forward(self, z: torch.Tensor) -> QuantizerOutput:
        """Quantize, and in train mode learn from the vectors.

        While a codebook in train mode still gathers vectors for its initialisation, the vectors
        pass as they are compared with codes (of norm 1 for a cosine codebook), all ids are 0 and
        the commitment loss is 0: encoder and decoder learn as a plain autoencoder until then.

        Args:
            z: Vectors ``(B, C, h, w)``, floating point.

        Returns:
            The codes, their ids, the commitment loss and statistics.

        Raises:
            ValueError: If the shape does not fit or a value is not finite.
            RuntimeError: In eval mode, if the codebook is not initialised.
        """
        batch, _, height, width = self._check_shape(z)
        with torch.autocast(z.device.type, enabled=False):
            rows = self._rows(z)
            if self.training:
                self._before_step(rows.detach())
                if not self.initialised:
                    return self._pass_through(z, rows)
            ids = self._nearest_checked(rows.detach())
            codes = self.codes.detach().to(rows.dtype)[ids]
            commitment_loss = F.mse_loss(rows, codes)
            quantized = _StraightThrough.apply(rows, codes)
            counts = count_codes(ids, self.codebook_size)
            if self.training:
                self.epoch_counts += counts
                counts = self._after_step(rows.detach(), ids, counts)
            stats = dict(usage_and_perplexity(counts), initted=torch.ones((), device=z.device))
        return QuantizerOutput(self._grid(quantized, z), ids.reshape(batch, height, width),
                               commitment_loss, stats)

    @torch.no_grad()
    def assign(self, z: torch.Tensor) -> torch.Tensor:
        """Find the nearest codes and change nothing, whatever the mode.

        Args:
            z: Vectors ``(B, C, h, w)``.

        Returns:
            Ids ``(B, h, w)`` int64.
        """
        batch, _, height, width = self._check_shape(z)
        with torch.autocast(z.device.type, enabled=False):
            return self._nearest_checked(self._rows(z)).reshape(batch, height, width)

    def lookup(self, ids: torch.Tensor) -> torch.Tensor:
        """Give the codes of ids.

        Args:
            ids: ``(B, h, w)`` int64 in ``[0, K)``.

        Returns:
            Codes ``(B, C, h, w)``.

        Raises:
            ValueError: If an id lies outside the codebook.
            RuntimeError: If the codebook is not initialised.
        """
        self._require_initialised()
        if ids.ndim != 3 or ids.is_floating_point():
            raise ValueError(f'ids must be integers of the shape (B, h, w), got {ids.dtype} of '
                             f'the shape {tuple(ids.shape)}.')
        inside = ((ids >= 0) & (ids < self.codebook_size)).all()
        require(inside, lambda: f'ids lie in [{ids.min()}, {ids.max()}]',
                f'the codebook has the ids 0 to {self.codebook_size - 1}')
        return self.codes[ids.long()].permute(0, 3, 1, 2)

    def freeze(self) -> BaseQuantizer:
        """Stay in eval mode for good: ``train()`` is ignored from now on."""
        self._frozen = True
        self.requires_grad_(False)
        return self.eval()

    def train(self, mode: bool = True) -> BaseQuantizer:
        """Set the mode, unless frozen."""
        return super().train(mode and not self._frozen)

    def epoch_stats(self) -> dict[str, float]:
        """Summarise the code use of all train steps since :meth:`reset_epoch_stats`.

        A collective call: every rank must make it, and gets the same result.

        Returns:
            ``usage`` (percentage of codes used at least once) and ``perplexity``.
        """
        counts = self.epoch_counts.clone()
        dist.all_reduce(counts)
        return {name: value.item() for name, value in usage_and_perplexity(counts).items()}

    def reset_epoch_stats(self) -> None:
        """Forget the counts of the epoch."""
        self.epoch_counts.zero_()

    def _rows(self, z: torch.Tensor) -> torch.Tensor:
        check_finite(z, f'the vectors given to {type(self).__name__}',
                     'the encoder has diverged: lower the learning rate or clip the gradient')
        dtype = torch.promote_types(torch.promote_types(z.dtype, torch.float32), self.codes.dtype)
        return self._prepare(z.permute(0, 2, 3, 1).reshape(-1, self.code_dim).to(dtype))

    def _nearest_checked(self, rows: torch.Tensor) -> torch.Tensor:
        self._require_initialised()
        return self._nearest(rows)

    @staticmethod
    def _grid(rows: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        batch, _, height, width = z.shape
        return rows.reshape(batch, height, width, -1).permute(0, 3, 1, 2).to(z.dtype)

    def _pass_through(self, z: torch.Tensor, rows: torch.Tensor) -> QuantizerOutput:
        zero = torch.zeros((), device=z.device)
        ids = torch.zeros(z.shape[0], *z.shape[2:], dtype=torch.long, device=z.device)
        stats = dict(usage=zero, perplexity=zero, initted=zero)
        return QuantizerOutput(self._grid(rows, z), ids, zero, stats)

    def _check_shape(self, z: torch.Tensor) -> torch.Size:
        if z.ndim != 4 or z.shape[1] != self.code_dim or not z.is_floating_point():
            raise ValueError(
                f'{type(self).__name__} expects floating-point vectors of the shape '
                f'(B, {self.code_dim}, h, w), got {z.dtype} of the shape {tuple(z.shape)}.')
        return z.shape

    def _require_initialised(self) -> None:
        if not self.initialised:
            raise RuntimeError(
                f'The codebook of {self.codebook_size} codes is not initialised: train the '
                f'tokenizer first, or load a trained checkpoint.')


class _StraightThrough(Function):
    """The value of the codes with the gradient of the vectors, without a tensor in between."""

    @staticmethod
    def forward(ctx, rows: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        return codes.view_as(codes)

    @staticmethod
    def backward(ctx, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        return grad, None
