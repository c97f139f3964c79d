"""Tokenize some crops of every training image once, so that pretraining needs no tokenizer.

Example:
    python tools/cache_tokens.py configs/peco/pretrain_vitb_800e.py --views 16
    tools/dist_cache_tokens.sh configs/peco/pretrain_vitb_800e.py 8 --views 16

Interrupted, the same command goes on where it was. It ends with the two settings that make
pretraining replay the crops.
"""

import argparse
import os
import platform
import time
from pathlib import Path

import _environment  # noqa: F401
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.utils.dl_utils import set_multi_processing
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch import distributed as dist

import peco  # noqa: F401  (registers the components)
from peco.datasets import ImageFolder
from peco.engine.checks import check_config
from peco.engine.cli import check_device, readable_errors
from peco.engine.image_folders import image_folder_configs
from peco.engine.launch import LAUNCHERS, setup_launcher, start_gloo
from peco.engine.token_caching import describe_cache, fill_cache
from peco.models.pretrainers import PeCo
from peco.registry import DATASETS, MODELS
from peco.token_cache import MISSING, UNREADABLE, TokenCacheWriter
from peco.utils.config import ConfigError, add_options_argument, load_config

# Seconds between two lines where there is no terminal to draw a bar in.
SECONDS_BETWEEN_LINES = 30.
# Seconds that a rank that is done waits for the last one: a week.
LONGEST_WAIT = 7 * 24 * 3600


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of the pretraining, with its tokenizer')
    parser.add_argument('--out', metavar='FOLDER',
                        help='folder of the cache (default: work_dirs/<config name>/token_cache)')
    parser.add_argument('--views', type=int, default=4, metavar='V',
                        help='crops of each image (default: 4)')
    parser.add_argument('--seed', type=int, default=0, help='seed of the crops (default: 0)')
    parser.add_argument('--batch-size', type=int, default=64, metavar='N',
                        help='crops at once (default: 64)')
    parser.add_argument('--num-workers', type=int, metavar='N',
                        help="processes that read images (default: the train_dataloader's)")
    parser.add_argument('--device', choices=['cpu', 'cuda'],
                        default='cuda' if torch.cuda.is_available() else 'cpu',
                        help='where the tokenizer runs (default: cuda where there is one)')
    parser.add_argument('--launcher', choices=LAUNCHERS, default='none', help='job launcher')
    add_options_argument(parser)
    args = parser.parse_args()
    for name, least in (('views', 1), ('batch_size', 1), ('seed', 0), ('num_workers', 0)):
        value = getattr(args, name)
        if value is not None and value < least:
            parser.error(f"--{name.replace('_', '-')} must be at least {least}, got {value}")
    return args


def read_config(args: argparse.Namespace) -> Config:
    """The pretraining config as it tokenizes online, checked."""
    cfg = load_config(args.config, args.cfg_options)
    if (cfg.get('model') or {}).get('tokenizer') is None or cfg.get('train_dataloader') is None:
        raise ConfigError(f"config '{args.config}' has no model.tokenizer or no train_dataloader: "
                          'give a config of masked image modelling')
    cfg.model.pop('token_cache', None)
    for _, images in image_folder_configs(cfg.train_dataloader.get('dataset')):
        images.pop('token_cache', None)
    if problems := check_config(cfg, 'train'):
        raise ConfigError(problems)
    return cfg


def build(cfg: Config) -> tuple[PeCo, ImageFolder, str]:
    """The pretrainer, its images, and the config key of these."""
    found = list(image_folder_configs(cfg.train_dataloader.dataset, 'train_dataloader.dataset'))
    if len(found) != 1:
        raise ConfigError(f'train_dataloader reads {len(found)} data sets of type '
                          'peco.ImageFolder, a token cache is of one')
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    if 'data_preprocessor' in cfg:
        cfg.model.setdefault('data_preprocessor', cfg.data_preprocessor)
    model = MODELS.build(cfg.model)
    if not isinstance(model, PeCo):
        raise ConfigError(f'model.type is {cfg.model.type}, a token cache is for peco.PeCo')
    key, images = found[0]
    return model, DATASETS.build(images), key


def start_ranks(cfg: Config, launcher: str) -> tuple[int, int]:
    """Rank and number of ranks; they only wait for each other, so gloo does for GPUs too."""
    cfg.env_cfg = dict(cfg.get('env_cfg') or {}, dist_cfg=dict(timeout=LONGEST_WAIT))
    # Before workers are forked; a Runner would do it.
    set_multi_processing(**cfg.env_cfg.get('mp_cfg', {}), distributed=launcher != 'none')
    try:
        setup_launcher(cfg, launcher)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    if launcher == 'none':
        return 0, 1
    if not dist.is_initialized():
        start_gloo(LONGEST_WAIT)
    machines = [''] * dist.get_world_size()
    dist.all_gather_object(machines, platform.node())
    if len(set(machines)) > 1:
        raise ConfigError(f'ranks on {len(set(machines))} machines write the same mapped files, '
                          'which network disks mix up: start all ranks on one machine')
    return dist.get_rank(), dist.get_world_size()


def announce(console: Console, meta: dict, folder: str) -> None:
    """Tell what will be written before it is."""
    rows, columns = meta['grid']
    console.print(
        f"{meta['images']:,} images x {meta['views']} views x {rows}x{columns} tokens of "
        f"{meta['codebook_size']:,} codes: {_size(TokenCacheWriter.num_bytes(meta))} in {folder}",
        highlight=False)


def _size(num_bytes: float) -> str:
    unit = next(power for power in (3, 2, 1, 0) if num_bytes >= 1024**power or power == 0)
    return f"{num_bytes / 1024**unit:.3g} {('bytes', 'KiB', 'MiB', 'GiB')[unit]}"


def show(console: Console, steps, title: str) -> None:
    """Run through the steps with a bar and the time left; with lines where there is no terminal."""
    with Progress(TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                  TextColumn('about'), TimeRemainingColumn(), TextColumn('left'), console=console,
                  disable=not console.is_terminal) as progress:
        task = progress.add_task(title)
        start = told = time.monotonic()
        for done, total in steps:
            progress.update(task, completed=done, total=total)
            now = time.monotonic()
            if not console.is_terminal and done and now - told > SECONDS_BETWEEN_LINES:
                left = (now - start) / done * (total - done) / 60
                console.print(f'{title}: {done:,} of {total:,}, about {left:.0f} min left',
                              highlight=False)
                told = now


def main() -> None:
    args = parse_args()
    with readable_errors():
        check_device(args.device)
        cfg = read_config(args)
        folder = args.out or str(Path('work_dirs') / Path(args.config).stem / 'token_cache')
        rank, world_size = start_ranks(cfg, args.launcher)
        console = Console(quiet=rank != 0, soft_wrap=True)
        model, dataset, key = build(cfg)
        meta = describe_cache(model, dataset, args.views, args.seed)
        if rank == 0:
            announce(console, meta, folder)
            TokenCacheWriter.create(folder, meta)
        if world_size > 1:
            dist.barrier()
        device = args.device
        if device == 'cuda':
            device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
            # What a Runner does, so that ids are those of a training that tokenizes online.
            torch.cuda.set_device(device)
            torch.backends.cudnn.benchmark = cfg.env_cfg.get('cudnn_benchmark', False)
        workers = args.num_workers
        if workers is None:
            workers = cfg.train_dataloader.get('num_workers', 0)
        show(console, fill_cache(model, dataset, folder, args.views, args.seed, args.batch_size,
                                 workers, device, rank, world_size),
             'images of this rank' if world_size > 1 else 'images')
        if world_size > 1:
            dist.barrier()
        report(console, folder, key)


def report(console: Console, folder: str, key: str) -> None:
    """Tell what is there and how to use it."""
    writer = TokenCacheWriter(folder)
    if missing := writer.count(MISSING):
        raise ConfigError(f"'{folder}' still lacks {missing:,} images: run the same command again")
    unreadable = writer.count(UNREADABLE)
    if unreadable:
        console.print(f'{unreadable:,} images could not be read; training skips them too')
    console.print(f'complete: train from it with --cfg-options model.token_cache={folder} '
                  f'{key}.token_cache={folder}', highlight=False)


if __name__ == '__main__':
    main()
