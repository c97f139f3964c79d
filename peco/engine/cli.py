"""What the training and test tools share: arguments, the checked config, errors in one line."""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import NoReturn

import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import RUNNERS
from mmengine.runner import Runner as BaseRunner
from torch.utils.data import DataLoader, IterableDataset

from peco.utils.config import ConfigError, add_options_argument, load_config

from .checks import WeightsCheckHook, check_config, check_initial_weights
from .dense import LabelRangeHook
from .explain import explain_error
from .hooks import (
    CodebookInitHook,
    EpochOfDatasetHook,
    FastForwardHook,
    ResumeCheckHook,
    ResumeSeedHook,
    TokenizerSizeHook,
)
from .hooks.epoch_end import unwrap
from .image_folders import is_dataset, use_test_mode
from .launch import (
    LAUNCHERS,
    WAIT,
    WAIT_IN_TEST,
    rank_from_environment,
    setup_launcher,
)
from .refusal import refusal
from .run_start import RunStart
from .runner import Runner

# Ranks that find the same fault leave the word to the first one and are ended by the launcher; if
# they are not, the fault is theirs alone.
_WAIT_FOR_FIRST_RANK = 60


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that train.py and test.py share."""
    parser.add_argument('--work-dir', help='folder of logs, checkpoints and metrics '
                        '(default: work_dirs/<config name>)')
    add_options_argument(parser)
    parser.add_argument('--launcher', choices=LAUNCHERS, default='none', help='job launcher')
    parser.add_argument('--no-pin-memory', action='store_true',
                        help='switch pin_memory of the data loaders off')
    parser.add_argument('--no-persistent-workers', action='store_true',
                        help='switch persistent_workers of the data loaders off')
    # torch.distributed.launch passes it.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def read_config(args: argparse.Namespace) -> Config:
    """Load the config of a tool's arguments, with ``--cfg-options``, work dir and launcher."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = load_config(args.config, args.cfg_options)
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(args.config).stem)
    return cfg


def is_dense(cfg: Config) -> bool:
    """Whether a config is of mmdet or mmseg."""
    return cfg.get('default_scope') in ('mmdet', 'mmseg')


def complete_dataloaders(cfg: Config, pin_memory: bool = True,
                         persistent_workers: bool = True) -> None:
    """Fill in what each data loader leaves open: collate function, pinned memory, workers.

    Image folders of validation and test get ``test_mode=True``, whatever the config says.
    """
    # Images of a detector differ in size, so its data preprocessor makes the batch.
    unequal = is_dense(cfg)
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if cfg.get(name) is None:
            continue
        loader = ConfigDict(
            pin_memory=torch.cuda.is_available(),
            persistent_workers=True,
            collate_fn=dict(type='pseudo_collate' if unequal else 'default_collate'))
        loader.update(deepcopy(cfg[name]))
        for part in ('collate_fn', 'worker_init_fn'):
            if isinstance(loader.get(part), dict):
                # A base of another library leaves it, and mmengine gives it to the function.
                loader[part].pop('_scope_', None)
        workers = loader.get('num_workers', 0) > 0
        loader.persistent_workers = workers and persistent_workers and loader.persistent_workers
        loader.pin_memory = pin_memory and loader.pin_memory
        if name != 'train_dataloader':
            use_test_mode(loader)
        elif workers and not loader.persistent_workers:
            # mmengine would start every epoch's workers with the same seed.
            loader.setdefault('worker_init_fn', dict(type='peco.seed_worker'))
        if is_dataset(loader.get('dataset'), 'TarShards'):
            # Its workers share out whole batches, in an order of its own.
            loader.dataset.batch_size = loader.batch_size
            loader.dataset.setdefault('seed', (cfg.get('randomness') or {}).get('seed') or 0)
            loader.sampler = None
        cfg[name] = loader


def build_runner(cfg: Config, stage: str, launcher: str) -> BaseRunner:
    """Check a config, start the process group if there is to be one, and build the Runner.

    Args:
        cfg: The config.
        stage: ``'train'`` or ``'test'``.
        launcher: As :func:`peco.engine.setup_launcher`.

    Raises:
        ConfigError: With everything that is wrong or missing.
    """
    problems = check_config(cfg, stage)
    if problems:
        raise ConfigError(problems)
    try:
        setup_launcher(cfg, launcher, WAIT_IN_TEST if stage == 'test' else WAIT)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    if isinstance(runner, BaseRunner):
        if stage == 'train' and (problems := list(check_initial_weights(runner.model))):
            raise ConfigError(problems)
        if stage == 'train':
            _check_train_length(runner)
            _add_tokenizer_hooks(runner)
            runner.register_hook(EpochOfDatasetHook())
            runner.register_hook(ResumeCheckHook())
            runner.register_hook(ResumeSeedHook())
            # After the seed, because it starts workers.
            runner.register_hook(FastForwardHook())
        runner.register_hook(WeightsCheckHook())
        if hasattr(unwrap(runner.model), 'decode_head'):
            runner.register_hook(LabelRangeHook())
    return runner


def _check_train_length(runner: Runner) -> None:
    """Raise where there are too few images for one batch: mmengine would take no step at all."""
    loader = getattr(runner.train_loop, 'dataloader', None)
    if not isinstance(loader, DataLoader) or isinstance(loader.dataset, IterableDataset):
        return
    if len(loader) == 0:
        images, ranks = len(loader.dataset), runner.world_size
        raise ConfigError(
            f'train_dataloader: {images} images on {ranks} rank(s) give no batch of batch_size='
            f'{loader.batch_size}: set --cfg-options train_dataloader.batch_size='
            f'{max(1, images // ranks)} or train_dataloader.drop_last=False')


def _add_tokenizer_hooks(runner: Runner) -> None:
    if not hasattr(unwrap(runner.model), 'quantizer'):
        return
    for kind in (CodebookInitHook, TokenizerSizeHook):
        if not any(isinstance(hook, kind) for hook in runner.hooks):
            runner.register_hook(kind())


def check_device(name: str | None) -> None:
    """Raise ConfigError where there is no such device."""
    if name is None:
        return
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"--device {name}: there is no such device, give 'cpu' or 'cuda'"
                          ) from None
    if device.type == 'cuda' and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f'--device {name}: this machine has {torch.cuda.device_count()} CUDA '
                          'devices that PyTorch can use, give --device cpu')
    if device.type not in ('cpu', 'cuda'):
        raise ConfigError(f"--device {name}: give 'cpu' or 'cuda'")


@contextmanager
def started_runner(cfg: Config, stage: str, launcher: str) -> Iterator[Runner]:
    """Build the Runner of a tool; a run refused before its first batch leaves no trace.

    Args:
        cfg: The config.
        stage: As :func:`build_runner`.
        launcher: As :func:`peco.engine.setup_launcher`.
    """
    with RunStart(cfg) as start:
        runner = build_runner(cfg, stage, launcher)
        runner.register_hook(start)
        yield runner


@contextmanager
def readable_errors() -> Iterator[None]:
    """End a tool with plain lines and exit code 2 where the user is to change something.

    Any other error keeps its traceback, below which stands one line of ours, and ends with exit
    code 1. One rank of each machine speaks, unless another alone meets the fault.
    """
    try:
        yield
    except ConfigError as error:
        _refuse(error.problems)
    except Exception as error:
        message = refusal(error)
        if message is not None:
            _refuse([message])
        traceback.print_exc()
        print(f'error: {explain_error(error)}', file=sys.stderr, flush=True)
        raise SystemExit(1) from None


def _refuse(problems: list[str]) -> NoReturn:
    if rank_from_environment()[1] != 0:
        time.sleep(_WAIT_FOR_FIRST_RANK)
    for problem in problems:
        print(f'error: {problem}', file=sys.stderr)
    sys.stderr.flush()
    raise SystemExit(2) from None
