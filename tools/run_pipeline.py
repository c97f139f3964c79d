"""Run a whole pipeline of stages: python tools/run_pipeline.py configs/cifar10/pipeline.py."""

import argparse
import sys

import torch

# Imported here once; every stage is a fork of this process.
import mmpretrain.models  # noqa: F401

import peco.models  # noqa: F401
from peco.engine.pipeline import Pipeline


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('pipeline', help='pipeline file, such as configs/cifar10/pipeline.py')
    parser.add_argument('--work-dir', help="replaces the file's work_dir")
    parser.add_argument('--until', metavar='STAGE', help='stop after this stage')
    parser.add_argument('--redo', metavar='STAGE', help='make this stage and all after it again')
    parser.add_argument('--smoke', action='store_true', help='a run of a minute, to see it work')
    parser.add_argument('--list', action='store_true', help='print the commands and stop')
    parser.add_argument(
        '--amp',
        choices=['auto', 'on', 'off'],
        default='auto',
        help='train in bfloat16; auto: where the processor or a GPU computes in it')
    return parser.parse_args()


def bf16_is_native() -> bool:
    """Whether bfloat16 is faster than float32 here."""
    # device_count does not start CUDA, which a forking parent must not.
    return torch.cuda.device_count() > 0 or torch.cpu._is_avx512_bf16_supported()


def main() -> int:
    args = parse_args()
    amp = args.amp == 'on' or (args.amp == 'auto' and bf16_is_native())
    try:
        pipeline = Pipeline(args.pipeline, work_dir=args.work_dir, smoke=args.smoke, amp=amp)
        if args.list:
            for stage in pipeline.stages:
                print(f'{stage.name:24} {stage.run:8} {stage.config or " ".join(stage.args)}')
            return 0
        if args.redo:
            pipeline.redo(args.redo)
        return pipeline.run(until=args.until)
    except (FileNotFoundError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main())
