"""Draw the losses and metrics that runs have logged.

Example:
    python tools/plot_curves.py work_dirs/pretrain_vitb_800e curves.png
    python tools/plot_curves.py RUN_A RUN_B curves.png --keys loss token_acc
"""

import argparse
import sys
from pathlib import Path

import _environment  # noqa: F401

from peco.visualization import plot_curves, read_scalars


def read_runs(work_dirs: list[str]) -> dict:
    """Read the scalars of each run; those that have logged none are left out, unless all are."""
    runs, empty = {}, {}
    for work_dir in work_dirs:
        try:
            runs[work_dir.rstrip('/')] = read_scalars(work_dir)
        except FileNotFoundError as error:
            empty[work_dir] = error
    if not runs:
        raise next(iter(empty.values()))
    if empty:
        print(f'note: nothing was logged in {", ".join(empty)}', file=sys.stderr)
    return runs


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work_dirs', nargs='+', metavar='WORK_DIR', help='work dirs of runs')
    parser.add_argument('out', help='picture to write: .png, .pdf or .svg')
    parser.add_argument('--keys', nargs='+', help='scalars to draw (default: all)')
    args = parser.parse_args()
    if Path(args.out).suffix not in ('.png', '.pdf', '.svg'):
        parser.error(f"the last argument is the picture to write; '{args.out}' does not end with "
                     '.png, .pdf or .svg')
    try:
        print(plot_curves(read_runs(args.work_dirs), args.out, args.keys))
    except (FileNotFoundError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
