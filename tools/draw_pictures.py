"""Draw what a trained PeCo sees: originals, reconstructions, token maps, masked predictions.

Example:
    python tools/draw_pictures.py configs/peco/pretrain_vitb_800e.py \\
        work_dirs/pretrain_vitb_800e/epoch_800.pth --images data/imagenet/val --out pictures.png
"""

import argparse
import sys
from pathlib import Path

import _environment  # noqa: F401
import numpy as np
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmengine.registry import init_default_scope
from torch import nn

from peco.datasets import ImageFolder
from peco.engine.checks import check_components, check_fit, state_dict_of
from peco.engine.cli import readable_errors
from peco.engine.hooks.keep_state import keep_state
from peco.engine.hooks.picture_hook import draw_model
from peco.engine.hooks.tokenizer_guard_hook import tokenizer_mismatch
from peco.registry import MODELS
from peco.utils.checkpoint import load_checkpoint
from peco.utils.config import ConfigError, add_options_argument, load_config
from peco.utils.value_range import from_unit
from peco.visualization import save_picture


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='pretraining config')
    parser.add_argument('checkpoint', help='its checkpoint')
    parser.add_argument('--tokenizer-checkpoint', help="replaces the config's")
    parser.add_argument('--images', required=True, help='folder of images, searched through')
    parser.add_argument('--num', type=int, default=8, help='how many images (default: 8)')
    parser.add_argument('--seed', type=int, default=0, help='which images and masks')
    parser.add_argument('--out', required=True, help='PNG to write')
    add_options_argument(parser)
    return parser.parse_args()


def read_config(args: argparse.Namespace) -> Config:
    """Load the config; raise ConfigError where it is not of a pretraining with a tokenizer."""
    if args.num < 1:
        raise ConfigError(f'--num {args.num}: give at least 1')
    if Path(args.out).suffix != '.png':
        raise ConfigError(f'--out {args.out}: the name must end with .png')
    cfg = load_config(args.config, args.cfg_options)
    if problems := check_components(cfg):
        raise ConfigError(problems)
    init_default_scope(cfg.get('default_scope', 'mmengine'))
    kind = (cfg.get('model') or {}).get('type')
    if not hasattr(MODELS.get(kind) if isinstance(kind, str) else kind, 'predict_tokens'):
        raise ConfigError(f"config '{args.config}' is no pretraining config (model: "
                          f"{kind or 'none'}): give the one that the checkpoint was trained with")
    if cfg.model.get('tokenizer') is None or 'train_dataloader' not in cfg:
        raise ConfigError(f"config '{args.config}' has no model.tokenizer or no train_dataloader: "
                          'there is nothing to draw with')
    cfg.model.pop('token_cache', None)
    if args.tokenizer_checkpoint:
        cfg.model.tokenizer_checkpoint = args.tokenizer_checkpoint
    path = cfg.model.get('tokenizer_checkpoint')
    if path is None or not Path(path).is_file():
        command = (cfg.get('made_by') or {}).get(path)
        raise ConfigError(f"tokenizer checkpoint '{path}' does not exist. "
                          + (f'Make it with: {command}, or name' if command else 'Name')
                          + ' your own: --tokenizer-checkpoint PATH')
    return cfg


def load_model(cfg: Config, checkpoint: str) -> nn.Module:
    """Build the pretrainer and load its weights; the tokenizer must be the one of its training."""
    loaded = load_checkpoint(checkpoint)
    if 'data_preprocessor' in cfg:
        cfg.model.setdefault('data_preprocessor', cfg.data_preprocessor)
    model = MODELS.build(cfg.model)
    problem = check_fit(model, state_dict_of(loaded), f"checkpoint '{checkpoint}'", True)
    if problem:
        raise ConfigError(problem)
    saved = loaded.get('tokenizer')
    if saved is None:
        print(f"note: checkpoint '{checkpoint}' does not tell which tokenizer it was trained with",
              file=sys.stderr)
    elif problem := tokenizer_mismatch(saved, model.tokenizer_info):
        raise ConfigError(f'{problem}. Name the first: --tokenizer-checkpoint PATH')
    return model


def pick_batch(cfg: Config, folder: str, num: int, seed: int) -> dict:
    """Take images spread over the folder through the config's pretraining pipeline."""
    dataset = cfg.train_dataloader.dataset
    while 'pipeline' not in dataset and 'dataset' in dataset:
        dataset = dataset.dataset
    images = ImageFolder(folder, with_label=False, pipeline=dataset.pipeline)
    indices = np.random.default_rng(seed).choice(
        len(images), size=min(num, len(images)), replace=False)
    return default_collate([images[int(index)] for index in indices])


def draw(model: nn.Module, batch: dict, title: str) -> np.ndarray:
    """Both grids, one above the other; uint8 ``(H, W, 3)``."""
    data = model.data_preprocessor(batch, training=False)
    tokenizer_view = from_unit(
        data['inputs'][1], getattr(model.tokenizer, 'value_range', (0., 1.)))
    tokenizer_title = Path(model.tokenizer_checkpoint or '').name
    grids = [
        draw_model(model.tokenizer, tokenizer_view, None, tokenizer_title)[1],
        draw_model(model, data['inputs'], data['data_samples'], title)[1]
    ]
    width = max(grid.shape[1] for grid in grids)
    return np.concatenate([
        np.pad(grid, ((0, 0), (0, width - grid.shape[1]), (0, 0)), constant_values=255)
        for grid in grids
    ])


def main() -> None:
    args = parse_args()
    with readable_errors():
        cfg = read_config(args)
        try:
            model = load_model(cfg, args.checkpoint)
            with keep_state(model, args.seed):
                batch = pick_batch(cfg, args.images, args.num, args.seed)
                picture = draw(model, batch, Path(args.checkpoint).name)
        except FileNotFoundError as error:
            raise ConfigError(str(error)) from error
        save_picture(picture, Path(args.out))
    print(f'wrote {args.out}')


if __name__ == '__main__':
    main()
