"""Procedural canvases: smooth noise, stripes, checkers, gradients."""

from collections.abc import Callable

import cv2
import numpy as np

Texture = Callable[[np.random.Generator, int, int], np.ndarray]


def _noise(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Smooth noise of two scales, in [0, 1]."""
    field = np.zeros((height, width), np.float32)
    for cells, share in ((int(rng.integers(2, 5)), 0.7), (int(rng.integers(6, 12)), 0.3)):
        coarse = rng.random((cells, cells), dtype=np.float32)
        field += share * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return field


def _rotated_axis(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Coordinate along a random direction, in units of the shorter side."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:height, :width].astype(np.float32) / min(height, width)
    return x * np.cos(angle) + y * np.sin(angle)


def _stripes(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    phase = rng.uniform(0, 2 * np.pi)
    wave = np.sin(2 * np.pi * rng.uniform(2, 6) * _rotated_axis(rng, height, width) + phase)
    return 0.5 + 0.5 * np.clip(wave * rng.uniform(1, 4), -1, 1)


def _checkers(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    cell = max(2, int(min(height, width) * rng.uniform(0.1, 0.3)))
    dy, dx = rng.integers(0, cell, 2)
    y, x = np.mgrid[:height, :width]
    return (((y + dy) // cell + (x + dx) // cell) % 2).astype(np.float32)


def _gradient(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    axis = _rotated_axis(rng, height, width)
    return (axis - axis.min()) / max(float(axis.max() - axis.min()), 1e-6)


TEXTURES: tuple[Texture, ...] = (_noise, _stripes, _checkers, _gradient)


def chalk_colour(rng: np.random.Generator) -> np.ndarray:
    """A bright colour of any hue that every canvas is darker than, float32 RGB ``(3,)``."""
    return rng.uniform(0.75, 1., 3).astype(np.float32)


def textured_canvas(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A random texture between two dark colours, float32 RGB ``(H, W, 3)`` in [0, 1]."""
    texture = TEXTURES[int(rng.integers(len(TEXTURES)))](rng, height, width)[..., None]
    first = rng.uniform(0., 0.5, 3).astype(np.float32)
    # The second colour stays near the first, so that no texture drowns the digits.
    second = np.clip(first + rng.uniform(-0.3, 0.3, 3), 0, 0.5).astype(np.float32)
    grain = rng.normal(0, 0.02, (height, width, 1)).astype(np.float32)
    return np.clip(first + texture * (second - first) + grain, 0, 1).astype(np.float32)
