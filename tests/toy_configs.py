"""Configs that train in a second, on images made on the spot."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from mmengine.config import Config
from mmengine.logging import MessageHub, MMLogger
from mmengine.visualization import Visualizer
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
SIZE = 16
BASE = dict(
    default_scope='mmpretrain',
    custom_imports=dict(imports=['peco'], allow_failed_imports=False),
    train_cfg=dict(by_epoch=True, max_epochs=2),
    optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-2)),
    default_hooks=dict(logger=dict(type='LoggerHook', interval=1)),
    randomness=dict(seed=0),
    log_level='WARNING')
LOAD = [dict(type='peco.LoadImage'), dict(type='PackInputs')]
CONV = dict(base_channels=32, channel_mult=(1, 2), num_res_blocks=1, attn_levels=())
TOKENIZER = dict(
    type='peco.PerceptualTokenizer',
    encoder=dict(type='peco.ConvEncoder', out_channels=4, **CONV),
    quantizer=dict(type='peco.EMAQuantizer', codebook_size=8, code_dim=4),
    decoder=dict(type='peco.ConvDecoder', in_channels=4, **CONV))
VQ_KD = dict(
    type='peco.FeatureTokenizer', encoder=TOKENIZER['encoder'], quantizer=TOKENIZER['quantizer'],
    decoder=dict(type='peco.FeatureDecoder', in_channels=4, out_channels=64, channels=8),
    network=dict(type='peco.TimmFeatures', model_name='resnet18', out_indices=(1, ),
                 allow_random=True))
VIT = dict(
    type='peco.PeCoViT', arch=dict(embed_dims=8, num_layers=1, num_heads=2), img_size=SIZE,
    patch_size=2)


def make_images(root: Path, train: int = 4, val: int = 2) -> Path:
    """Write ``root/{train,val}/{dark,light}/*.png``: noise around two levels of gray."""
    rng = np.random.default_rng(0)
    for split, count in (('train', train), ('val', val)):
        for name, level in (('dark', 60), ('light', 190)):
            folder = root / split / name
            folder.mkdir(parents=True, exist_ok=True)
            for i in range(count):
                noise = rng.integers(-50, 50, (SIZE, SIZE, 3))
                Image.fromarray((noise + level).astype(np.uint8)).save(folder / f'{i}.png')
    return root


def loader(folder: Path, pipeline: list, shuffle: bool = False, **dataset: Any) -> dict:
    """A data loader config."""
    return dict(
        batch_size=4, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=shuffle),
        dataset=dict(type='peco.ImageFolder', data_root=str(folder), pipeline=pipeline, **dataset))


def classifier_config(data: Path) -> dict:
    """A classifier with validation and test."""
    return dict(
        BASE,
        model=dict(
            type='ImageClassifier', backbone=dict(VIT, out_type='avg_featmap'),
            head=dict(type='LinearClsHead', num_classes=2, in_channels=8, topk=(1, ))),
        data_preprocessor=dict(
            num_classes=2, mean=[127.5] * 3, std=[127.5] * 3, to_rgb=True),
        train_dataloader=loader(data / 'train', LOAD, shuffle=True),
        val_dataloader=loader(data / 'val', LOAD), val_cfg=dict(),
        val_evaluator=dict(type='Accuracy', topk=(1, )),
        test_dataloader=loader(data / 'val', LOAD), test_cfg=dict(),
        test_evaluator=dict(type='Accuracy', topk=(1, )),
        auto_scale_lr=dict(base_batch_size=8))


def tokenizer_config(data: Path) -> dict:
    """A tokenizer without perceptual loss, 8x8 tokens of 8 codes."""
    return dict(
        BASE,
        model=TOKENIZER,
        data_preprocessor=dict(
            type='SelfSupDataPreprocessor', mean=[0.] * 3, std=[255.] * 3, to_rgb=True),
        train_dataloader=loader(data / 'train', LOAD, shuffle=True, with_label=False),
        test_dataloader=loader(data / 'val', LOAD, with_label=False), test_cfg=dict(),
        test_evaluator=dict(type='peco.ReconstructionMetric'),
        custom_hooks=[dict(type='peco.CodebookHook'), dict(type='peco.PictureHook')])


def pretrain_config(data: Path, tokenizer_checkpoint: Path) -> dict:
    """PeCo on the tokenizer of :func:`tokenizer_config`."""
    pipeline = [
        LOAD[0], dict(type='peco.BlockwiseMask', grid_size=(8, 8), num_masked=24, min_patches=4),
        LOAD[1]
    ]
    return dict(
        BASE,
        model=dict(
            type='peco.PeCo', backbone=dict(VIT, mask_token=True, out_type='raw'),
            head=dict(type='peco.MIMHead', embed_dims=8, num_classes=8), tokenizer=TOKENIZER,
            tokenizer_checkpoint=str(tokenizer_checkpoint)),
        data_preprocessor=dict(type='peco.TwoViewDataPreprocessor'),
        train_dataloader=loader(data / 'train', pipeline, shuffle=True, with_label=False),
        custom_hooks=[
            dict(type='peco.TokenizerGuardHook'),
            dict(type='peco.PictureHook'),
            dict(type='peco.OnlineKNNHook', bank_dataloader=loader(data / 'train', LOAD),
                 query_dataloader=loader(data / 'val', LOAD), k=2)
        ])


def write_config(cfg: dict, path: Path) -> str:
    """Write a config file. Give every run its own name: mmengine keeps state by it."""
    Config(cfg).dump(str(path))
    return str(path)


def run_tool(name: str, *args: Any, root: Path = ROOT) -> int:
    """Run ``tools/<name>.py`` in this process and return its exit code."""
    # A process has one run; two within a second would share its logger and log folder.
    for kind in (MMLogger, MessageHub, Visualizer):
        kind._instance_dict.clear()
    folder = root / 'tools'
    spec = importlib.util.spec_from_file_location(f'tool_{name}', folder / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    with mock.patch.object(sys, 'argv', [f'{name}.py', *map(str, args)]), \
            mock.patch.object(sys, 'path', [str(folder), *sys.path]):
        spec.loader.exec_module(module)
        try:
            return module.main() or 0
        except SystemExit as stop:
            return stop.code or 0
