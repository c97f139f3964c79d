"""All of PeCo on demo data: perceptual network, tokenizer, pretraining, fine-tuning, evaluation."""

import argparse
import sys
from pathlib import Path

import _environment  # noqa: F401
import _forking  # noqa: F401
from rich.console import Console

from peco.datasets.demo import make_demo_data
from peco.engine.pipeline import Pipeline, add_amp_argument, run_from_command_line, working_in

ROOT = Path(__file__).resolve().parent.parent
PIPELINE = 'configs/quickstart/pipeline.py'
DATA = 'data/quickstart'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--smoke', action='store_true', help='one minute: walk every path once')
    parser.add_argument('--work-dir', help='where stages are kept (default: work_dirs/quickstart)')
    parser.add_argument('--redo', metavar='STAGE', help='make this stage and all after it again')
    add_amp_argument(parser)
    return parser.parse_args()


def show_results(pipeline: Pipeline) -> None:
    """Say where everything lies."""
    folder, console = pipeline.work_dir, Console()
    console.print(f'Picture: {folder}/pictures.png   table: {folder}/results.md   '
                  f'curves: python tools/plot_curves.py {folder}/*/ curves.png')
    for title, stage in (('Detections', 'detect'), ('Segmentations', 'segment')):
        picture = folder / stage / 'pictures/overview.png'
        if picture.exists():
            console.print(f'{title}: {picture}')
    console.print('Next: the same stages on your own images, see README.md')


def main() -> int:
    args = parse_args()
    with working_in(ROOT) as locate:
        work_dir = locate(args.work_dir)
        make_demo_data(DATA)
        return run_from_command_line(
            lambda amp: Pipeline(PIPELINE, work_dir=work_dir, smoke=args.smoke, amp=amp),
            amp=args.amp,
            redo=args.redo,
            finish=show_results)


if __name__ == '__main__':
    sys.exit(main())
