"""Detection and segmentation at full size: memory of a step, and what the windows spare."""

from __future__ import annotations

import statistics
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData

from peco.engine.dense import add_float32_islands
from peco.models.backbones import PeCoViT
from peco.registry import MODELS
from peco.utils.run_in_child import run_in_child
from peco.utils.take_turns import ratio, take_turns

from .report import Report, Row, device_name

_STEPS = (
    ('Mask R-CNN ViT-B, training step, 1 image of 800x1333',
     'coco/mask-rcnn_peco-vitb_fpn_1x_coco.py', 1, (800, 1333)),
    ('UperNet ViT-B, training step, 2 images of 512x512',
     'ade20k/upernet_peco-vitb_8xb2-amp-160k_ade20k-512x512.py', 2, (512, 512)),
)
_SIZE = (800, 1333)
_OBJECTS = 20
_CLASSES = dict(mmdet=80, mmseg=150)


def measure(root: Path, device: str = 'cpu', threads: int | None = None,
            rounds: int = 3) -> Report:
    """Steps of the COCO and ADE20K configs, and the backbone with windows beside global attention.

    Random weights and random images; the backbone that competes differs in ``global_blocks``
    alone.

    Args:
        root: The repository, with ``configs``.
        device: ``'cpu'`` or ``'cuda'``.
        threads: Threads of torch; None leaves torch's own choice.
        rounds: Calls that count.

    Returns:
        One row a step, then the two backbones.
    """
    rows = []
    for name, config, batch, size in _STEPS:
        seconds, peak = run_in_child(
            training_steps, str(root / 'configs' / config), batch, size, device, rounds,
            threads=threads)
        median = statistics.median(seconds)
        rows.append(Row(name, 'bfloat16', median, batch / median, peak))
    times, _ = run_in_child(
        backbone_times, str(root / 'configs/coco/mask-rcnn_peco-vitb_fpn_1x_coco.py'), _SIZE,
        device, rounds, threads=threads)
    ours, theirs = times['windows'], times['global']
    size = 'x'.join(map(str, _SIZE))
    rows.append(Row(f'backbone, forward, {size}: windows and 4 global blocks', 'bfloat16',
                    statistics.median(ours), 1 / statistics.median(ours)))
    rows.append(Row('the same, every block global', 'bfloat16', statistics.median(theirs),
                    1 / statistics.median(theirs), ratio_vs_ours=ratio(theirs, ours)))
    return Report('dense', device_name(device), threads or torch.get_num_threads(), rows)


def training_steps(config: str, batch: int, size: tuple[int, int], device: str,
                   rounds: int) -> list[float]:
    """Seconds of each training step of a config's model on random data, after one to warm up."""
    cfg = _load(config)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).to(device).train()
    add_float32_islands(model)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    is_detector = cfg.default_scope == 'mmdet'
    data = dict(
        inputs=[torch.randint(0, 256, (3, *size), dtype=torch.uint8) for _ in range(batch)],
        data_samples=[_detections(size) if is_detector else _segments(size)
                      for _ in range(batch)])
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        losses = model.train_step(data, optim_wrapper)
        float(losses['loss'])  # waits for a GPU
        times.append(time.perf_counter() - start)
    return times[1:]


@torch.inference_mode()
def backbone_times(config: str, size: tuple[int, int], device: str,
                   rounds: int) -> dict[str, list[float]]:
    """Seconds of the backbone's forward pass with windows and with global attention alone."""
    cfg = _load(config)
    backbone = dict(cfg.model.backbone, type=PeCoViT)
    image = torch.rand(1, 3, *size, device=device)
    windows = MODELS.build(backbone)
    every_block = tuple(range(len(windows.blocks)))
    models = {'windows': windows,
              'global': MODELS.build(dict(backbone, global_blocks=every_block))}

    def forward(model: PeCoViT) -> None:
        with torch.autocast(device, torch.bfloat16):
            model(image)

    return take_turns({name: partial(forward, model.to(device).eval())
                       for name, model in models.items()}, rounds, device=device)


def _load(config: str) -> Config:
    cfg = Config.fromfile(config)
    init_default_scope(cfg.default_scope)
    cfg.model.backbone.init_cfg = None
    return cfg


def _detections(size: tuple[int, int]):
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks
    rng = np.random.default_rng(0)
    height, width = size
    boxes, masks = [], np.zeros((_OBJECTS, height, width), np.uint8)
    for mask in masks:
        h, w = rng.integers(16, height // 2), rng.integers(16, width // 2)
        y, x = rng.integers(0, height - h), rng.integers(0, width - w)
        mask[y:y + h, x:x + w] = 1
        boxes.append([x, y, x + w, y + h])
    sample = DetDataSample(metainfo=_shapes(size))
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float32), masks=BitmapMasks(masks, height, width),
        labels=torch.from_numpy(rng.integers(0, _CLASSES['mmdet'], _OBJECTS)))
    return sample


def _segments(size: tuple[int, int]):
    from mmseg.structures import SegDataSample
    sample = SegDataSample(metainfo=_shapes(size))
    sample.gt_sem_seg = PixelData(data=torch.randint(0, _CLASSES['mmseg'], (1, *size)))
    return sample


def _shapes(size: tuple[int, int]) -> dict:
    return dict(img_shape=size, ori_shape=size, pad_shape=size, batch_input_shape=size,
                scale_factor=(1., 1.))
