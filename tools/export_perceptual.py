"""Turn a self-supervised checkpoint into the perceptual network of a tokenizer config.

Example:
    python tools/export_perceptual.py \\
        configs/cifar10/perceptual_simclr-resnet18_b256-coslr-8e_cifar10.py \\
        work_dirs/cifar10/perceptual/epoch_8.pth work_dirs/cifar10/perceptual_network.pth
"""

from __future__ import annotations

import argparse
import copy
import inspect
from collections.abc import Sequence
from typing import Any

import _environment  # noqa: F401
import torch
from mmengine.config import Config

import peco  # noqa: F401  (registers the components)
from peco.engine.cli import readable_errors
from peco.models.perceptual import BackboneFeatures, save_network
from peco.registry import MODELS
from peco.utils.checkpoint import CheckpointError, load_checkpoint
from peco.utils.config import ConfigError, load_config

# Arguments of a backbone that matter in its own training only.
TRAINING_ONLY = ('init_cfg', 'frozen_stages', 'with_cp')
BACKBONE = 'backbone.'
MOMENTUM_BACKBONE = 'momentum_encoder.module.0.'  # mmpretrain's CosineEMA of (backbone, neck)


def parse_args(args: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of the self-supervised training')
    parser.add_argument('checkpoint', help='checkpoint of that training')
    parser.add_argument('out', help='file to write')
    parser.add_argument('--out-indices', type=int, nargs='+', metavar='I',
                        help='depths of the features, from 0 (default: every stage of a convnet, '
                        'four evenly spaced blocks of a transformer)')
    parser.add_argument('--momentum', action='store_true',
                        help='take the momentum encoder (MoCo v3) instead of the trained one')
    return parser.parse_args(args)


def plain(value: Any) -> Any:
    """Turn a config into plain dicts, sequences and values, as a weights-only file may hold."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(item) for item in value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(f'The backbone config holds {value!r}, which cannot be written to a file.')


def backbone_config(cfg: Config) -> dict:
    """Give the config of the backbone with its scope, without what only its training needs."""
    if 'backbone' not in cfg.get('model', {}):
        raise ValueError(f'{cfg.filename} has no model.backbone: give the config of a '
                         f'self-supervised training.')
    backbone = plain(cfg.model.backbone)
    for name in TRAINING_ONLY:
        backbone.pop(name, None)
    if '.' not in backbone['type']:
        backbone['type'] = f'{cfg.get("default_scope") or "mmpretrain"}.{backbone["type"]}'
    return backbone


def normalisation(cfg: Config) -> tuple[list[float], list[float]]:
    """Give the channel means and deviations of the training, RGB, in units of [0, 1]."""
    preprocessor = cfg.model.get('data_preprocessor') or cfg.get('data_preprocessor')
    if not preprocessor or preprocessor.get('mean') is None or preprocessor.get('std') is None:
        raise ValueError(f'{cfg.filename} has no data_preprocessor with mean and std, so the '
                         f'normalisation of the network is not known.')
    if not (preprocessor.get('to_rgb') or preprocessor.get('bgr_to_rgb')):
        raise ValueError(f'The data_preprocessor of {cfg.filename} does not set to_rgb=True: the '
                         f'network was trained on BGR images, and a tokenizer gives it RGB.')
    mean, std = ([value / 255 for value in preprocessor[name]] for name in ('mean', 'std'))
    return mean, std


def select_weights(state_dict: dict, prefix: str, checkpoint: str) -> dict[str, torch.Tensor]:
    """Give the weights below a prefix, without it."""
    found = {name[len(prefix):]: value.clone() for name, value in state_dict.items()
             if name.startswith(prefix)}
    if not found:
        parts = sorted({name.split('.')[0] for name in state_dict})
        raise ValueError(f'{checkpoint} has no weights named {prefix}*; it holds '
                         f'{", ".join(parts)}.')
    return found


def choose_depths(backbone: dict, out_indices: Sequence[int] | None) -> dict:
    """Set ``out_indices`` and, for a transformer, the form of the features."""
    backbone = copy.deepcopy(backbone)
    network = MODELS.build(backbone)
    if hasattr(network, 'out_type'):
        backbone['out_type'] = 'featmap'
    if any('final_norm' in inspect.signature(kind.__init__).parameters
           for kind in type(network).__mro__):
        # The last block would come through the norm, and the others raw.
        backbone['final_norm'] = False
    is_staged = hasattr(network, 'num_stages')
    depth = network.num_stages if is_staged else getattr(network, 'num_layers', None)
    if out_indices is None:
        if depth is None:
            raise ValueError(f'The depth of {backbone["type"]} is not known: give --out-indices.')
        parts = depth if is_staged else min(4, depth)
        out_indices = [depth * (i + 1) // parts - 1 for i in range(parts)]
    elif depth is not None and not all(0 <= index < depth for index in out_indices):
        raise ValueError(f'--out-indices must lie in 0 to {depth - 1} for {backbone["type"]}, got '
                         f'{" ".join(map(str, out_indices))}.')
    backbone['out_indices'] = list(out_indices)
    return backbone


def export(config: str, checkpoint: str, out: str, out_indices: Sequence[int] | None = None,
           momentum: bool = False) -> None:
    """Write the file, load it again and print what it holds."""
    cfg = load_config(config)
    mean, std = normalisation(cfg)
    backbone = choose_depths(backbone_config(cfg), out_indices)
    loaded = load_checkpoint(checkpoint, made_by=f'python tools/train.py {config}')
    prefix = MOMENTUM_BACKBONE if momentum else BACKBONE
    found = select_weights(loaded.get('state_dict', loaded), prefix, checkpoint)
    needed = MODELS.build(backbone).state_dict()
    missing = sorted(needed.keys() - found.keys())
    reshaped = [name for name in needed
                if name in found and needed[name].shape != found[name].shape]
    if missing or reshaped:
        raise ValueError(f'{checkpoint} is not of {config}: of {len(needed)} weights '
                         f'{len(missing)} are missing ({", ".join(missing[:3])}) and '
                         f'{len(reshaped)} have another shape ({", ".join(reshaped[:3])}).')
    # A backbone may leave out the blocks behind its last output.
    state_dict = {name: found[name] for name in needed}
    shapes = feature_shapes(backbone, state_dict, mean, std)
    fingerprint = save_network(out, backbone, state_dict, mean, std, source=str(config))
    print(f'Wrote {out}')
    print(f'  network      {backbone["type"]}, {len(state_dict)} weights, '
          f'{sum(value.numel() for value in state_dict.values()):,} numbers '
          f'({len(found) - len(state_dict)} weights of the checkpoint not needed)')
    print(f'  from         {prefix}* of {checkpoint}, config {config}')
    print(f'  mean, std    {[round(v, 4) for v in mean]}, {[round(v, 4) for v in std]} (RGB)')
    for index, shape in zip(backbone['out_indices'], shapes, strict=True):
        print(f'  depth {index:<6} {" x ".join(map(str, shape))} (channels, height, width)')
    print(f'  fingerprint  {fingerprint}')
    print(f"Use it as network=dict(type='peco.PerceptualNetwork', checkpoint='{out}').")


def feature_shapes(backbone: dict, state_dict: dict[str, torch.Tensor], mean: list[float],
                   std: list[float]) -> list[tuple[int, ...]]:
    """Run the network once, so that one which cannot serve a tokenizer is not written."""
    network = BackboneFeatures(backbone, mean, std, allow_random=True)
    network.backbone.load_state_dict(state_dict)
    size = getattr(network.backbone, 'img_size', 64)
    height, width = size if isinstance(size, (tuple, list)) else (size, size)
    with torch.no_grad():
        return [tuple(feature.shape[1:]) for feature in network(torch.rand(1, 3, height, width))]


def main() -> None:
    args = parse_args()
    with readable_errors():
        try:
            export(args.config, args.checkpoint, args.out, args.out_indices, args.momentum)
        except (ValueError, FileNotFoundError, CheckpointError) as error:
            raise ConfigError(str(error)) from error


if __name__ == '__main__':
    main()
