"""What is on a scene, as COCO and ADE20K write it down."""

from typing import Any

import cv2
import numpy as np

from peco.utils.mask_polygons import mask_polygons

from .scene import DemoScene


def coco_annotations(scene: DemoScene, image_id: int, first_id: int) -> list[dict[str, Any]]:
    """The visible digits of a scene as COCO instances of the one category ``digit``.

    Args:
        scene: The scene.
        image_id: Id of its image.
        first_id: Id of the first annotation; the others follow.
    """
    visible = [(digit, box, mask) for digit, box, mask in
               zip(scene.labels, scene.boxes, scene.masks, strict=True) if mask.any()]
    return [
        dict(id=first_id + number, image_id=image_id, category_id=1, iscrowd=0,
             bbox=[x1, y1, x2 - x1, y2 - y1], area=int(mask.sum()),
             segmentation=mask_polygons(mask), digit=int(digit))
        for number, (digit, (x1, y1, x2, y2), mask) in enumerate(visible)]


def coco_file(images: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> dict[str, Any]:
    """A COCO annotation file's content."""
    return dict(images=images, annotations=annotations, categories=[dict(id=1, name='digit')])


def ade_mask(scene: DemoScene) -> np.ndarray:
    """Class of each pixel as ADE20K writes it: uint8 ``(H, W)``, 0 = none, 1 = board, 2 = digit.

    None is the border between chalk and board, a pixel wide, where either would do.
    """
    ink = np.any(scene.masks, axis=0).astype(np.uint8)
    border = cv2.dilate(ink, np.ones((3, 3), np.uint8)) - ink
    return (1 + ink - border).astype(np.uint8)
