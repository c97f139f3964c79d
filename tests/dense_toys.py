"""Six images in COCO's and in ADE20K's format, and the real configs made small."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from mmengine.config import Config
from pycocotools import mask as coco_mask

ROOT = Path(__file__).parents[1]
SIZES = ((64, 80), (64, 80), (80, 64), (50, 70), (64, 64), (64, 80))  # height, width
CATEGORIES = {1: 'person', 3: 'car', 90: 'toothbrush'}  # with gaps, as in COCO
TINY = dict(embed_dims=16, num_layers=4, num_heads=2, mlp_ratio=2)


def _rectangle(rng, height, width):
    x, y = int(rng.integers(2, width - 34)), int(rng.integers(2, height - 34))
    w, h = (int(v) for v in rng.integers(16, 32, 2))
    return x, y, w, h


def _mask(height, width, box):
    x, y, w, h = box
    mask = np.zeros((height, width), np.uint8)
    mask[y:y + h, x:x + w] = 1
    return mask


def _segmentation(kind, height, width, box):
    """A rectangle as polygon, compressed run lengths or plain run lengths."""
    x, y, w, h = box
    if kind == 'polygon':
        return [[x, y, x + w, y, x + w, y + h, x, y + h]]
    mask = _mask(height, width, box)
    if kind == 'rle':
        rle = coco_mask.encode(np.asfortranarray(mask))
        return dict(size=[height, width], counts=rle['counts'].decode())
    flat = mask.flatten(order='F')
    changes = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    return dict(size=[height, width], counts=counts if flat[0] == 0 else [0, *counts])


def make_coco(folder: Path) -> Path:
    """Write ``images`` and ``annotations.json``; the fourth image has no box, others a crowd."""
    rng = np.random.default_rng(0)
    (folder / 'images').mkdir(parents=True)
    images, annotations = [], []
    for index, (height, width) in enumerate(SIZES):
        name, picture = f'{index:012d}.jpg', rng.integers(0, 60, (height, width, 3), np.uint8)
        images.append(dict(id=100 + index, file_name=name, height=height, width=width))
        for number, category in enumerate(CATEGORIES if index != 3 else ()):
            box = _rectangle(rng, height, width)
            x, y, w, h = box
            picture[y:y + h, x:x + w] = (90 + 60 * number, 200 - 50 * number, 120)
            crowd = int(number == 2 and index % 2)
            kind = 'plain' if crowd else ('polygon', 'rle', 'polygon')[number]
            annotations.append(dict(
                id=len(annotations) + 1, image_id=100 + index, category_id=category, bbox=box,
                area=w * h, iscrowd=crowd, segmentation=_segmentation(kind, height, width, box)))
        cv2.imwrite(str(folder / 'images' / name), picture)
    (folder / 'annotations.json').write_text(json.dumps(dict(
        images=images, annotations=annotations,
        categories=[dict(id=key, name=name) for key, name in CATEGORIES.items()])))
    return folder


def keep_polygons(path: Path) -> None:
    """Leave instances with run lengths as masks out of an annotation file; crowds stay."""
    content = json.loads(path.read_text())
    content['annotations'] = [item for item in content['annotations']
                              if item['iscrowd'] or isinstance(item['segmentation'], list)]
    path.write_text(json.dumps(content))


def make_ade(folder: Path) -> Path:
    """Write images and masks: 0 is 'other', 1 to 150 are the classes."""
    rng = np.random.default_rng(0)
    for split in ('training', 'validation'):
        for part in ('images', 'annotations'):
            (folder / part / split).mkdir(parents=True)
        for index, (height, width) in enumerate(SIZES):
            picture = rng.integers(0, 60, (height, width, 3), np.uint8)
            mask = np.zeros((height, width), np.uint8)
            mask[:, width // 2:] = 150
            for label in (1, 7):
                x, y, w, h = _rectangle(rng, height, width)
                picture[y:y + h, x:x + w] = (30 * label, 200, 40)
                mask[y:y + h, x:x + w] = label
            cv2.imwrite(str(folder / 'images' / split / f'{index}.jpg'), picture)
            cv2.imwrite(str(folder / 'annotations' / split / f'{index}.png'), mask)
    return folder


def detector_config(data: Path, work_dir: Path) -> Config:
    """Mask R-CNN of configs/coco, small."""
    cfg = Config.fromfile(ROOT / 'configs/coco/mask-rcnn_peco-vitb_fpn_1x_coco.py')
    cfg.model.backbone.update(
        arch=TINY, patch_size=8, img_size=32, window_size=4, out_indices=(0, 1, 2, 3),
        global_blocks=(1, 3), init_cfg=None)
    cfg.model.neck = [
        dict(type='peco.FeaturePyramid', in_channels=16, norm_cfg=dict(type='SyncBN')),
        dict(type='FPN', in_channels=[16] * 4, out_channels=16, num_outs=5)]
    cfg.model.rpn_head.update(in_channels=16, feat_channels=16)
    cfg.model.rpn_head.anchor_generator.update(strides=[2, 4, 8, 16, 32], scales=[4])
    roi_head = cfg.model.roi_head
    for part in ('bbox', 'mask'):
        roi_head[f'{part}_roi_extractor'].update(out_channels=16, featmap_strides=[2, 4, 8, 16])
    roi_head.bbox_head.update(in_channels=16, fc_out_channels=32, num_classes=3)
    roi_head.mask_head.update(
        num_convs=1, in_channels=16, conv_out_channels=16, num_classes=3)
    cfg.model.train_cfg.rpn.sampler.num = cfg.model.train_cfg.rcnn.sampler.num = 32
    for proposals in (cfg.model.train_cfg.rpn_proposal, cfg.model.test_cfg.rpn):
        proposals.update(nms_pre=50, max_per_img=30)
    cfg.model.test_cfg.rcnn.update(score_thr=0., max_per_img=10)
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        cfg[name].update(num_workers=0, persistent_workers=False)
        cfg[name].dataset.update(
            data_root=str(data), ann_file='annotations.json', data_prefix=dict(img='images/'),
            metainfo=dict(classes=tuple(CATEGORIES.values())))
        for step in cfg[name].dataset.pipeline:
            if step.type == 'Resize':
                step.scale = (90, 64)
            elif step.type == 'RandomChoiceResize':
                step.scales = [(90, 64), (70, 48)]
    cfg.train_dataloader.batch_size = 2
    cfg.train_dataloader.dataset.filter_cfg.filter_empty_gt = False
    for name in ('val_evaluator', 'test_evaluator'):
        cfg[name].ann_file = str(data / 'annotations.json')
    return _quick(cfg, work_dir)


def segmentor_config(data: Path, work_dir: Path) -> Config:
    """UperNet of configs/ade20k, small."""
    cfg = Config.fromfile(
        ROOT / 'configs/ade20k/upernet_peco-vitb_8xb2-amp-160k_ade20k-512x512.py')
    cfg.model.data_preprocessor.update(size=(48, 64), test_cfg=dict(size_divisor=8))
    cfg.model.backbone.update(
        arch=TINY, patch_size=8, img_size=(48, 64), out_indices=(0, 1, 2, 3), init_cfg=None)
    cfg.model.neck.in_channels = 16
    cfg.model.decode_head.update(in_channels=[16] * 4, channels=16)
    cfg.model.auxiliary_head.update(in_channels=16, channels=16)
    cfg.model.test_cfg.update(crop_size=(48, 64), stride=(32, 43))
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        cfg[name].update(num_workers=0, persistent_workers=False)
        cfg[name].dataset.data_root = str(data)
        for step in cfg[name].dataset.pipeline:
            if step.type in ('Resize', 'RandomResize'):
                step.scale = (320, 60)
            elif step.type == 'RandomCrop':
                step.crop_size = (48, 64)
    return _quick(cfg, work_dir)


def _quick(cfg: Config, work_dir: Path) -> Config:
    cfg.work_dir = str(work_dir)
    cfg.experiment_name = work_dir.name
    cfg.param_scheduler = []
    cfg.randomness = dict(seed=0)
    cfg.default_hooks.logger.interval = 1
    cfg.env_cfg.cudnn_benchmark = False
    return cfg
