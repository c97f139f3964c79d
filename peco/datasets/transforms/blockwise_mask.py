"""Block-wise masking of BEiT with an exact count and unbiased borders."""

import math
from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform

from peco.registry import TRANSFORMS

# Proposals drawn from the random generator at once, and how many misses in a row are allowed
# before the last few patches are added one by one.
_PROPOSALS = 10
_MAX_ROUNDS = 50


@TRANSFORMS.register_module()
class BlockwiseMask(BaseTransform):
    """Mask rectangular blocks of patches until exactly ``num_masked`` are masked.

    Block-wise masking of BEiT (algorithm 1 of arXiv 2106.08254): areas are uniform, aspect ratios
    log-uniform, and a block may overlap earlier ones. Block positions include the last row and
    column, which ``mmpretrain.BEiTMaskGenerator`` never masks. Draws come from numpy's global
    generator, as in mmcv's transforms.

    **Added keys:** ``mask`` (uint8, ``(gh, gw)``, 1 = masked).

    Args:
        grid_size: Rows and columns of patches; an int means a square.
        num_masked: Number of masked patches, met exactly.
        min_patches: Smallest area of a block. The last blocks may be smaller, as they only fill
            what is missing.
        max_patches: Largest area of a block. Defaults to ``num_masked``.
        aspect_ratio: Smallest and largest height/width of a block. ``None`` as the second
            value means one over the first.

    Raises:
        ValueError: If no mask can satisfy the arguments.

    Example:
        >>> transform = BlockwiseMask(grid_size=14, num_masked=75)
        >>> int(transform(dict())['mask'].sum())
        75
    """

    def __init__(self,
                 grid_size: int | Sequence[int] = (14, 14),
                 num_masked: int = 75,
                 min_patches: int = 16,
                 max_patches: int | None = None,
                 aspect_ratio: tuple[float, float | None] = (0.3, None)) -> None:
        if isinstance(grid_size, int):
            grid_size = (grid_size, grid_size)
        self.grid_size = (int(grid_size[0]), int(grid_size[1]))
        self.num_masked = num_masked
        self.min_patches = min_patches
        self.max_patches = num_masked if max_patches is None else max_patches
        low, high = aspect_ratio
        self.aspect_ratio = (low, 1 / low if high is None and low > 0 else high)
        self._check()
        self._log_low = math.log(self.aspect_ratio[0])
        self._log_span = math.log(self.aspect_ratio[1]) - self._log_low

    def _check(self) -> None:
        rows, cols = self.grid_size
        if rows < 1 or cols < 1:
            raise ValueError(f'grid_size must be positive, got {self.grid_size}')
        if not 1 <= self.num_masked <= rows * cols:
            raise ValueError(f'num_masked must be between 1 and the {rows * cols} patches of grid '
                             f'{self.grid_size}, got {self.num_masked}')
        if not 1 <= self.min_patches <= self.num_masked:
            raise ValueError(f'min_patches must be between 1 and num_masked={self.num_masked}, '
                             f'got {self.min_patches}')
        if self.max_patches < self.min_patches:
            raise ValueError(f'max_patches={self.max_patches} is below '
                             f'min_patches={self.min_patches}')
        low, high = self.aspect_ratio
        if low <= 0 or high < low:
            raise ValueError(f'aspect_ratio must be 0 < low <= high, got {self.aspect_ratio}')
        # A block of the smallest area must fit for at least one allowed aspect ratio.
        shapes = (_block_shape(self.min_patches, a) for a in np.geomspace(low, high, 64))
        if not any(h <= rows and w <= cols for h, w in shapes):
            raise ValueError(
                f'no block of min_patches={self.min_patches} with aspect_ratio '
                f'{self.aspect_ratio} fits into grid {self.grid_size}: lower min_patches or widen '
                'aspect_ratio')

    def _add_block(self, mask: np.ndarray, budget: int) -> int:
        """Try a handful of blocks; write the first that adds 1..budget patches."""
        rows, cols = self.grid_size
        for area_u, aspect_u, top_u, left_u in np.random.random((_PROPOSALS, 4)).tolist():
            area = self.min_patches + area_u * (budget - self.min_patches)
            h, w = _block_shape(area, math.exp(self._log_low + aspect_u * self._log_span))
            if not (0 < h <= rows and 0 < w <= cols):
                continue
            top = int(top_u * (rows - h + 1))
            left = int(left_u * (cols - w + 1))
            block = mask[top:top + h, left:left + w]
            added = h * w - int(np.count_nonzero(block))
            if 0 < added <= budget:
                block[...] = 1
                return added
        return 0

    def _grow(self, mask: np.ndarray) -> None:
        """Mask one more patch beside the masked ones."""
        padded = np.pad(mask, 1)
        near = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
        border = np.flatnonzero((near > 0) & (mask == 0))
        if border.size == 0:  # nothing masked yet
            border = np.flatnonzero(mask == 0)
        mask.flat[np.random.choice(border)] = 1

    def transform(self, results: dict) -> dict:
        """Add ``mask`` to the results."""
        mask = np.zeros(self.grid_size, dtype=np.uint8)
        missing = self.num_masked
        misses = 0
        while missing:
            if misses < _MAX_ROUNDS:
                added = self._add_block(mask, min(missing, self.max_patches))
                misses = 0 if added else misses + 1
            else:
                self._grow(mask)
                added = 1
            missing -= added
        results['mask'] = mask
        return results

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(grid_size={self.grid_size}, '
                f'num_masked={self.num_masked}, min_patches={self.min_patches}, '
                f'max_patches={self.max_patches}, aspect_ratio={self.aspect_ratio})')


def _block_shape(area: float, aspect: float) -> tuple[int, int]:
    """Height and width of a block of about ``area`` patches with height/width = ``aspect``."""
    return round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
