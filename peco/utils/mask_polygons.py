"""Masks of instances as polygons."""

import cv2
import numpy as np

_ZOOM = 4


def mask_polygons(mask: np.ndarray) -> list[list[float]]:
    """Outlines of a mask's parts as COCO's polygons; holes are filled, as COCO's are.

    Args:
        mask: bool ``(H, W)``.

    Returns:
        ``[x1, y1, x2, y2, ...]`` of each part, in pixels from the image's corner.

    Example:
        >>> mask_polygons(np.ones((2, 3), bool))
        [[0.125, 0.125, 0.125, 1.875, 2.875, 1.875, 2.875, 0.125]]
    """
    # OpenCV runs through the middle of the outermost pixels; on an enlarged mask these lie near
    # the edge.
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    large = np.kron(mask[y:y + height, x:x + width].astype(np.uint8),
                    np.ones((_ZOOM, _ZOOM), np.uint8))
    outlines, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [((outline + 0.5) / _ZOOM + (x, y)).reshape(-1).round(3).tolist()
            for outline in outlines]
