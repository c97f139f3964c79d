"""Run a whole pipeline of stages; finished stages are kept, an interrupted one goes on.

Example:
    python tools/run_pipeline.py configs/cifar10/pipeline.py
"""

import argparse
import sys
from pathlib import Path

import _environment  # noqa: F401
import _forking  # noqa: F401

from peco.engine.pipeline import Pipeline, add_amp_argument, run_from_command_line, working_in

ROOT = Path(__file__).resolve().parent.parent


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('pipeline', help='pipeline file, such as configs/cifar10/pipeline.py')
    parser.add_argument('--work-dir', help="replaces the file's work_dir")
    parser.add_argument('--until', metavar='STAGE', help='stop after this stage')
    parser.add_argument('--redo', metavar='STAGE', help='make this stage and all after it again')
    parser.add_argument('--smoke', action='store_true', help="with the file's smoke overrides")
    parser.add_argument('--list', action='store_true', help='print the stages and stop')
    add_amp_argument(parser)
    return parser.parse_args()


def show_stages(pipeline: Pipeline) -> None:
    """Print a line for each stage."""
    for stage in pipeline.stages:
        lacks = ', '.join(stage.lacks())
        print(f'{stage.name:24} {stage.run:10} {stage.config or " ".join(stage.args)}'
              + (f'   (left out: {lacks} is not installed)' if lacks else ''))


def main() -> int:
    args = parse_args()
    with working_in(ROOT) as locate:
        path, work_dir = locate(args.pipeline), locate(args.work_dir)

        def make(amp: bool) -> Pipeline:
            return Pipeline(path, work_dir=work_dir, smoke=args.smoke, amp=amp)

        if not args.list:
            return run_from_command_line(make, amp=args.amp, redo=args.redo, until=args.until)
        try:
            show_stages(make(amp=False))
        except (FileNotFoundError, ValueError) as error:
            print(f'error: {error}', file=sys.stderr)
            return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
