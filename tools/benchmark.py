"""Time and memory, ours beside our peers' in one run.

Example:
    python tools/benchmark.py dense --threads 2 --json dense.json
"""

import argparse
from pathlib import Path

import _environment  # noqa: F401
from rich.console import Console

import peco  # noqa: F401  (registers the components)
from peco.benchmark import PARTS
from peco.engine.cli import check_device, readable_errors

ROOT = Path(__file__).resolve().parent.parent


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('part', choices=sorted(PARTS), help='what to measure')
    parser.add_argument('--json', metavar='FILE', help='also write the figures to FILE')
    parser.add_argument('--threads', type=int, metavar='N', help="threads (default: torch's own)")
    parser.add_argument('--rounds', type=int, default=3, metavar='N',
                        help='calls that count (default: 3)')
    parser.add_argument('--device', choices=['cpu', 'cuda'], default='cpu')
    parser.add_argument('--batch', type=int, metavar='N',
                        help='images a step, of pretrain-step (default: 8; a GPU wants 128)')
    parser.add_argument('--compile', action='store_true',
                        help='also through torch.compile, of pretrain-step')
    args = parser.parse_args()
    if args.part != 'pretrain-step' and (args.batch or args.compile):
        parser.error('--batch and --compile are options of pretrain-step')
    if args.part == 'data' and (args.threads not in (None, 1) or args.device != 'cpu'):
        parser.error('data reads images as a loader does: on one thread of the CPU')
    for name in ('threads', 'rounds', 'batch'):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            parser.error(f'--{name} must be at least 1, got {getattr(args, name)}')
    return args


def main() -> None:
    args = parse_args()
    with readable_errors():
        check_device(args.device)
        options = dict(compiled=True) if args.compile else {}
        if args.batch is not None:
            options['batch'] = args.batch
        report = PARTS[args.part](ROOT, args.device, args.threads, args.rounds, **options)
        Console().print(report.table())
        if args.json:
            report.write(args.json)


if __name__ == '__main__':
    main()
