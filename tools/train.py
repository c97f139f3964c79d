"""Train any stage: tokenizer, pretraining, fine-tuning, linear probe.

Example:
    python tools/train.py configs/peco/pretrain_vitb_800e.py --amp
    tools/dist_train.sh configs/peco/pretrain_vitb_800e.py 8
"""

import argparse

import _environment  # noqa: F401
from mmengine.config import Config
from mmengine.runner import find_latest_checkpoint

import peco  # noqa: F401  (registers the components)
from peco.engine.cli import (
    add_run_arguments,
    complete_dataloaders,
    read_config,
    readable_errors,
    started_runner,
)
from peco.engine.launch import rank_from_environment
from peco.utils.config import ConfigError


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--resume', nargs='?', const='auto', metavar='CHECKPOINT',
        help='continue from CHECKPOINT, or from the latest one in the work dir')
    parser.add_argument('--amp', action='store_true',
                        help='mixed precision in bfloat16, on GPU and CPU')
    parser.add_argument('--no-validate', action='store_true', help='train without validation')
    parser.add_argument(
        '--auto-scale-lr', action='store_true',
        help="scale the learning rate by (this batch size) / (the config's base_batch_size)")
    add_run_arguments(parser)
    return parser.parse_args()


def merge_args(cfg: Config, args: argparse.Namespace) -> None:
    """Write the training arguments into the config."""
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    # Without an optimizer the config cannot train, as the check of the config tells.
    if args.amp and cfg.get('optim_wrapper') is not None:
        if cfg.optim_wrapper.get('dtype') == 'float32':
            raise ConfigError('--amp trains in bfloat16 and optim_wrapper.dtype=float32 does not: '
                              'leave one of them out')
        for key in ('dtype', 'loss_scale', 'use_fsdp'):
            cfg.optim_wrapper.pop(key, None)
        cfg.optim_wrapper.type = 'peco.AmpOptimWrapper'
    if args.resume == 'auto' and find_latest_checkpoint(cfg.work_dir) is None:
        # Weights that the config begins from would be lost: mmengine would look no further.
        cfg.resume = False
        if rank_from_environment()[0] == 0:
            print(f"--resume: work dir '{cfg.work_dir}' holds no checkpoint yet, training begins "
                  'anew')
    elif args.resume == 'auto':
        cfg.resume, cfg.load_from = True, None
    elif args.resume is not None:
        cfg.resume, cfg.load_from = True, args.resume
    if args.auto_scale_lr:
        if cfg.get('auto_scale_lr') is None:
            raise ConfigError(f"--auto-scale-lr: config '{args.config}' has no auto_scale_lr; add "
                              'auto_scale_lr=dict(base_batch_size=...)')
        cfg.auto_scale_lr.enable = True


def main() -> None:
    args = parse_args()
    with readable_errors():
        cfg = read_config(args)
        merge_args(cfg, args)
        complete_dataloaders(cfg, not args.no_pin_memory, not args.no_persistent_workers)
        with started_runner(cfg, 'train', args.launcher) as runner:
            runner.train()


if __name__ == '__main__':
    main()
