"""A trained model, ready to use."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import TRANSFORMS, init_default_scope
from torch import nn

from peco.engine.checks import check_components, check_fit, state_dict_of
from peco.registry import MODELS
from peco.utils.checkpoint import load_checkpoint
from peco.utils.config import ConfigError, load_config, merge_options

# Transforms of mmcv that write (width, height); all others write (height, width).
_WIDTH_FIRST = ('Resize', 'CenterCrop')
_SCALED = ('Resize', 'RandomResizedCrop')


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
        cfg_options: Changes of the config, as ``--cfg-options``; ``config`` itself stays as it is.

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
    if isinstance(config, Config):
        cfg = deepcopy(config)
        merge_options(cfg, cfg_options or {})
    else:
        cfg = load_config(config, cfg_options)
    problems = check_components(cfg)
    if problems:
        raise ConfigError(problems)
    init_default_scope(cfg.get('default_scope', 'mmengine'))
    model_cfg = deepcopy(cfg.model)  # mmdet reads parts of it as attributes
    for part in ('perceptual_loss', 'network', 'tokenizer', 'tokenizer_checkpoint', 'token_cache'):
        if part in model_cfg:
            model_cfg[part] = None
    preprocessor = cfg.get('data_preprocessor')
    if preprocessor is not None:
        model_cfg.setdefault('data_preprocessor', deepcopy(preprocessor))
    model = MODELS.build(model_cfg)
    # Names of classes, for predictions.
    model.dataset_meta = {}
    if checkpoint is not None:
        loaded = load_checkpoint(checkpoint)
        problem = check_fit(model, state_dict_of(loaded), f"checkpoint '{checkpoint}'", True)
        if problem:
            raise ConfigError(problem)
        meta = loaded.get('meta') or {}
        # Of OpenMMLab's older checkpoints the names stand alone.
        model.dataset_meta = meta.get('dataset_meta') or {
            key.lower(): meta[key] for key in ('CLASSES', 'PALETTE') if meta.get(key)}
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
    height, width = image_size(cfg)
    # ResizeEdge keeps the sides' ratio, so an unequal crop is resized as a whole.
    steps = [dict(type='mmpretrain.Resize', scale=(width, height), backend='pillow',
                  interpolation='bicubic')] if height != width else [
        dict(type='mmpretrain.ResizeEdge', scale=height, edge='short', backend='pillow',
             interpolation='bicubic'),
        dict(type='mmpretrain.CenterCrop', crop_size=height)]
    return [TRANSFORMS.build(step) for step in steps]


def image_size(cfg: Config) -> tuple[int, int]:
    """Height and width of the images that a config trains or tests on.

    Args:
        cfg: The config: its backbone tells, else its pipelines (the last step that sets a size),
            else the default of the backbone's class.

    Raises:
        ConfigError: Nothing in the config sets a size.
    """
    backbone = cfg.model.get('backbone') or {}
    size = backbone.get('img_size')
    if size is not None:
        return _height_width(size)
    for name in ('test_dataloader', 'val_dataloader', 'train_dataloader'):
        sizes = list(_sizes((cfg.get(name) or {}).get('dataset')))
        if sizes:
            return sizes[0]
    built = MODELS.get(backbone.type) if backbone else None
    default = inspect.signature(built).parameters.get('img_size') if built else None
    if default is not None and isinstance(default.default, (int, tuple, list)):
        return _height_width(default.default)
    raise ConfigError('the config sets no image size, neither in its backbone nor in a pipeline: '
                      'give --shape HEIGHT WIDTH to tools/get_flops.py, elsewhere add a '
                      'test_dataloader with the pipeline of an image')


def training_size(cfg: Config) -> tuple[int, int]:
    """Height and width of the regions that a detector or segmentor is trained on.

    Raises:
        ConfigError: They differ from image to image.
    """
    sizes = list(_sizes((cfg.get('train_dataloader') or {}).get('dataset')))
    if not sizes:
        raise ConfigError('no train_dataloader tells one size for all images: give --shape HEIGHT '
                          'WIDTH')
    return sizes[0]


def _sizes(node: Any) -> Iterator[tuple[int, int]]:
    """The size that each pipeline below a data set config, or list of steps, leads to."""
    if isinstance(node, (list, tuple)):
        found = [size for step in node for size in _sizes(step)]
        # Of several steps the last one decides, but of several data sets the first.
        steps = any(isinstance(step, dict) and _is_step(step) for step in node)
        yield from found[-1:] if steps else found[:1]
    if not isinstance(node, dict):
        return
    if _is_step(node):
        size = _size_of_step(node)
        if size is not None:
            yield size
    for key in ('pipeline', 'dataset', 'datasets', 'transforms'):
        yield from _sizes(node.get(key))


def _is_step(node: dict) -> bool:
    return not any(key in node for key in ('pipeline', 'dataset', 'datasets', 'data_root'))


def _size_of_step(step: dict) -> tuple[int, int] | None:
    name = str(step.get('type')).split('.')[-1]
    size = step.get('size') or step.get('crop_size')
    if size is None and name in _SCALED and not step.get('keep_ratio'):
        size = step.get('scale')
    is_size = isinstance(size, int) or (
        isinstance(size, (list, tuple)) and len(size) == 2
        and all(isinstance(side, int) for side in size))
    if not is_size:
        return None
    sides = _height_width(size)
    return sides[::-1] if name in _WIDTH_FIRST else sides


def _height_width(size: int | Sequence[int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])
