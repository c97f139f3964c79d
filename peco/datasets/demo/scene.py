"""Paste handwritten digits on a canvas, with what they cover."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .canvas import chalk_colour, textured_canvas

_MASK_THRESHOLD = 0.5
_PLACES = 20


@dataclass
class DemoScene:
    """An image and the digits on it.

    Attributes:
        image: uint8 RGB ``(H, W, 3)``.
        labels: The digits, in the order of pasting.
        boxes: ``(x1, y1, x2, y2)`` of each digit's visible pixels, end exclusive.
        masks: bool ``(H, W)`` of each digit.
    """

    image: np.ndarray
    labels: list[int]
    boxes: list[tuple[int, int, int, int]]
    masks: list[np.ndarray]


def _ink(glyph: np.ndarray, size: float, angle: float, shear: float) -> np.ndarray:
    """Enlarge, shear and turn an 8x8 glyph; float32 ink in [0, 1], cropped to what is drawn."""
    side = int(np.ceil(size * 1.6))
    turn = cv2.getRotationMatrix2D((0, 0), angle, size / 8)[:, :2] @ np.array([[1, shear], [0, 1]])
    matrix = np.concatenate([turn, [[side / 2], [side / 2]] - turn @ [[3.5], [3.5]]], axis=1)
    ink = cv2.warpAffine(glyph.astype(np.float32), matrix, (side, side), flags=cv2.INTER_CUBIC)
    # Steepen the edges that interpolation has blurred.
    ink = np.clip((ink - 0.25) / 0.4, 0, 1)
    ys, xs = np.nonzero(ink > 0)
    return ink[ys.min():ys.max() + 1, xs.min():xs.max() + 1]


def compose_scene(rng: np.random.Generator,
                  glyphs: Sequence[np.ndarray],
                  labels: Sequence[int],
                  height: int,
                  width: int,
                  digit_size: tuple[float, float] = (0.8, 1.0),
                  max_angle: float = 15.,
                  apart: bool = False) -> DemoScene:
    """Write digits in chalk at random places, sizes, angles and colours on a textured board.

    Args:
        rng: Source of all randomness.
        glyphs: 8x8 images of ink in [0, 1].
        labels: Their digits.
        height: Height of the canvas.
        width: Width of the canvas.
        digit_size: Range of a digit's size relative to the canvas' shorter side.
        max_angle: Largest rotation in degrees.
        apart: Whether digits look for a place of their own; where there is none they overlap.

    Returns:
        The scene; later digits may cover earlier ones, whose masks and boxes then shrink.
    """
    canvas = textured_canvas(rng, height, width)
    masks: list[np.ndarray] = []
    for glyph in glyphs:
        size = rng.uniform(*digit_size) * min(height, width)
        angle, shear = rng.uniform(-max_angle, max_angle), rng.uniform(-0.2, 0.2)
        ink = _ink(glyph, size, angle, shear)
        while ink.shape[0] > height or ink.shape[1] > width:
            size *= 0.95
            ink = _ink(glyph, size, angle, shear)
        for _ in range(_PLACES if apart else 1):
            y = int(rng.integers(0, height - ink.shape[0] + 1))
            x = int(rng.integers(0, width - ink.shape[1] + 1))
            if not any(mask[y:y + ink.shape[0], x:x + ink.shape[1]].any() for mask in masks):
                break
        ground = canvas[y:y + ink.shape[0], x:x + ink.shape[1]]
        ground += ink[..., None] * (chalk_colour(rng) - ground)
        mask = np.zeros((height, width), bool)
        mask[y:y + ink.shape[0], x:x + ink.shape[1]] = ink > _MASK_THRESHOLD
        masks = [earlier & ~mask for earlier in masks] + [mask]
    image = (canvas * 255 + 0.5).astype(np.uint8)
    return DemoScene(image, list(labels), [_box(mask) for mask in masks], masks)


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    ys, xs = np.nonzero(mask)
    if len(ys) == 0:
        return 0, 0, 0, 0
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1
