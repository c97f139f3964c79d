"""The crops of a data set that are to be tokenized."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from mmpretrain.datasets.transforms import PackInputs
from torch.utils.data import Dataset

from .image_folder import ImageFolder
from .view_pipeline import ViewPipeline, crop_of


class SeededViews(Dataset):
    """Views for the tokenizer of some images, in their order.

    Each item is a dict with ``image`` (its number), and, unless the image cannot be read,
    ``inputs`` (uint8, ``(V, 3, H, W)``, as the tokenizer's view), ``boxes`` (int32,
    ``(V, 5)``: x, y, w, h, flip) and ``checksum``.

    Args:
        dataset: The images, with the pipeline of pretraining.
        images: Which of them.
        views: Crops of each.
        seed: Seed of the crops.
    """

    def __init__(self, dataset: ImageFolder, images: Sequence[int], views: int,
                 seed: int) -> None:
        self.dataset = dataset
        self.images = np.asarray(images, np.int64)
        self.num_views = views
        self.seed = seed
        self.pipeline = ViewPipeline(dataset.pipeline)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, position: int) -> dict:
        image = int(self.images[position])
        found = self.pipeline.views(
            self.dataset.get_data_info(image), self.num_views, self.seed)
        if found is None:
            return dict(image=image)
        views, checksum = found
        inputs = [view['img'][-1] if isinstance(view['img'], list) else view['img']
                  for view in views]
        return dict(
            image=image,
            inputs=torch.stack([PackInputs.format_input(view) for view in inputs]),
            boxes=np.array([crop_of(view) for view in views], np.int32),
            checksum=checksum)
