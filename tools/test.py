"""Test a checkpoint: print its metrics as a table and write them to the work dir.

Example:
    python tools/test.py configs/peco/knn_vitb_in1k.py work_dirs/pretrain_vitb_800e/epoch_800.pth
    tools/dist_test.sh configs/peco/knn_vitb_in1k.py CHECKPOINT 8
"""

import argparse
from pathlib import Path

import _environment  # noqa: F401
from mmengine.dist import is_main_process
from mmengine.registry import METRICS
from rich.console import Console
from rich.table import Table

import peco  # noqa: F401  (registers the components)
from peco.engine.cli import (
    add_run_arguments,
    complete_dataloaders,
    is_dense,
    read_config,
    readable_errors,
    started_runner,
)
from peco.engine.dense import ShowPredictionsHook, use_tta
from peco.engine.hooks import ShowResultsHook
from peco.utils.config import ConfigError
from peco.utils.write_json import write_json


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', metavar='FILE',
                        help='also write the metrics (.json) or the result of every image (.pkl)')
    parser.add_argument('--show-dir', metavar='FOLDER',
                        help='draw test images with what the model made of them: a file an image '
                        'for detectors and segmentors, else one picture of the first images')
    parser.add_argument('--show-limit', type=int, default=50, metavar='N',
                        help='largest number of files in the folder, 0 for all (default: 50)')
    parser.add_argument('--tta', action='store_true',
                        help="test with several views of each image: the config's tta_model and "
                        'tta_pipeline')
    add_run_arguments(parser)
    return parser.parse_args()


def show(metrics: dict[str, float], title: str) -> None:
    """Print metrics as a table."""
    table = Table(title=title, title_justify='left')
    table.add_column('metric')
    table.add_column('value', justify='right')
    for name, value in metrics.items():
        table.add_row(name, f'{value:.4g}' if isinstance(value, float) else str(value))
    Console().print(table)


def main() -> None:
    args = parse_args()
    with readable_errors():
        if args.out and Path(args.out).suffix not in ('.json', '.pkl'):
            raise ConfigError(f"--out {args.out}: the name must end with .json (metrics) or .pkl "
                              '(results of every image)')
        cfg = read_config(args)
        cfg.load_from, cfg.resume = args.checkpoint, False
        if args.tta:
            use_tta(cfg)
        complete_dataloaders(cfg, not args.no_pin_memory, not args.no_persistent_workers)
        with started_runner(cfg, 'test', args.launcher) as runner:
            if args.show_dir:
                runner.register_hook(
                    ShowPredictionsHook(args.show_dir, args.show_limit or None)
                    if is_dense(cfg) else ShowResultsHook(args.show_dir))
            if args.out and args.out.endswith('.pkl'):
                # mmdet's own packs masks as run lengths.
                dump = dict(mmdet='DumpDetResults', mmseg='peco.DumpSegResults').get(
                    cfg.default_scope, 'DumpResults')
                evaluator = runner.test_evaluator
                metric = METRICS.build(dict(type=dump, out_file_path=args.out))
                metric.dataset_meta = evaluator.dataset_meta
                evaluator.metrics.append(metric)
            metrics = {name: value.item() if hasattr(value, 'item') else value
                       for name, value in runner.test().items()}
        if is_main_process():
            show(metrics, f'{args.checkpoint}')
            write_json(metrics, Path(cfg.work_dir) / 'metrics.json')
            if args.out and args.out.endswith('.json'):
                write_json(metrics, Path(args.out))


if __name__ == '__main__':
    main()
