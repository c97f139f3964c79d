"""A trained model, ready to use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import TRANSFORMS, init_default_scope
from torch import nn

from peco.engine.config_check import check_components
from peco.engine.weights_check import check_fit, state_dict_of
from peco.registry import MODELS
from peco.utils.checkpoint import load_checkpoint
from peco.utils.config import ConfigError, load_config


def init_model(config: str | Path | Config, checkpoint: str | Path | None = None,
               device: str | torch.device | None = None,
               cfg_options: dict[str, Any] | None = None) -> nn.Module:
    """Build the model of a config and load its weights.

    What only training needs is left out: the perceptual network of a tokenizer, the tokenizer of
    a pretrained model. No other checkpoint is read.

    Args:
        config: A config file, or a config.
        checkpoint: The weights; None leaves them random.
        device: Where to, by default the GPU if there is one.
        cfg_options: Changes of the config file, as ``--cfg-options``.

    Returns:
        The model in eval mode, with its config as ``model.cfg``.

    Raises:
        ConfigError: The config is wrong, or the weights belong to another model.
        FileNotFoundError: There is no such checkpoint.
        CheckpointError: The checkpoint is damaged or not safe to load.

    Example:
        >>> from peco.apis import init_model, tokenize
        >>> model = init_model('configs/peco/tokenizer_vqgan-f16_8xb32-amp-coslr-100e_in1k.py',
        ...                    'epoch_100.pth')  # doctest: +SKIP
        >>> ids = tokenize(model, 'cat.jpg')  # doctest: +SKIP
    """
    cfg = config if isinstance(config, Config) else load_config(config, cfg_options)
    problems = check_components(cfg)
    if problems:
        raise ConfigError(problems)
    init_default_scope(cfg.get('default_scope', 'mmengine'))
    model_cfg = cfg.model.to_dict()
    for part in ('perceptual_loss', 'tokenizer', 'tokenizer_checkpoint'):
        if part in model_cfg:
            model_cfg[part] = None
    preprocessor = cfg.get('data_preprocessor')
    if preprocessor is not None:
        model_cfg.setdefault('data_preprocessor', preprocessor.to_dict())
    model = MODELS.build(model_cfg)
    if checkpoint is not None:
        loaded = load_checkpoint(checkpoint)
        problem = check_fit(model, state_dict_of(loaded), f"checkpoint '{checkpoint}'", True)
        if problem:
            raise ConfigError(problem)
        # Names of classes, for predictions.
        model.dataset_meta = (loaded.get('meta') or {}).get('dataset_meta') or {}
    model.cfg = cfg
    device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    return model.to(device).eval()


def evaluation_transforms(cfg: Config) -> list:
    """Build what a config does to an image between loading and packing it, in evaluation.

    Args:
        cfg: A config with a test or validation data loader; without one, images are scaled and
            cropped to the size of the training images.
    """
    from peco import datasets  # noqa: F401  (registers the transforms)
    init_default_scope(cfg.get('default_scope', 'mmengine'))
    for name in ('test_dataloader', 'val_dataloader'):
        dataset = (cfg.get(name) or {}).get('dataset')
        while dataset is not None and 'pipeline' not in dataset:
            dataset = dataset.get('dataset') or (dataset.get('datasets') or [None])[0]
        if dataset is not None:
            return [TRANSFORMS.build(step) for step in dataset.pipeline
                    if not step['type'].split('.')[-1].startswith(('Load', 'Pack'))]
    size = image_size(cfg)
    return [TRANSFORMS.build(step) for step in (
        dict(type='mmpretrain.ResizeEdge', scale=size, edge='short', backend='pillow',
             interpolation='bicubic'),
        dict(type='mmpretrain.CenterCrop', crop_size=size))]


def image_size(cfg: Config) -> int:
    """Side of the images that a config trains or tests on: backbone, else pipelines, else 224."""
    size = (cfg.model.get('backbone') or {}).get('img_size')
    for name in ('test_dataloader', 'val_dataloader', 'train_dataloader'):
        dataset = (cfg.get(name) or {}).get('dataset') or {}
        for step in dataset.get('pipeline') or ():
            size = size or step.get('size') or step.get('crop_size')
            if step['type'] == 'Resize':
                size = size or step.get('scale')
    size = size or 224
    return size if isinstance(size, int) else min(size)
