"""Measure what a perceptual codebook is worth: arms, seeds and tasks of a study, resumable.

Example:
    python tools/reproduce_claim.py --study configs/claim/core.py --study-dir /data/claim
"""

import argparse
import sys
from pathlib import Path

import _environment  # noqa: F401
import _forking  # noqa: F401

from peco.engine.pipeline import add_amp_argument, redo_stage, run_from_command_line, working_in
from peco.engine.study import Study

ROOT = Path(__file__).resolve().parent.parent


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--study', default='configs/claim/core.py', metavar='FILE',
                        help='study file (default: %(default)s)')
    parser.add_argument('--study-dir', metavar='DIR', help="replaces the file's work_dir")
    parser.add_argument('--seeds', type=int, metavar='N', help="replaces the file's seeds")
    parser.add_argument('--first-seed', type=int, default=0, metavar='N',
                        help='the first of the seeds (default: %(default)s): with --seeds 1 one '
                        'seed alone, to share them out among machines')
    parser.add_argument('--arms', nargs='+', metavar='ARM',
                        help="some of the file's arms; its first reference is always among them")
    parser.add_argument('--resume', action='store_true',
                        help='go on in a folder that holds finished stages')
    report = parser.add_mutually_exclusive_group()
    report.add_argument('--merge', nargs='*', metavar='FILE',
                        help='only write and print the table of what is finished here and in '
                        'results.json of other machines')
    report.add_argument('--summary', action='store_true',
                        help='only print the table of what is finished')
    parser.add_argument('--redo', metavar='STAGE',
                        help='make this stage again, and those of its arm and seed after it; after '
                        'one that arms share, all')
    parser.add_argument('--jobs', type=int, default=1, metavar='N',
                        help='arms and seeds at a time; they share the cores, and small models use '
                        'two cores better by two jobs (default: %(default)s)')
    parser.add_argument('--smoke', action='store_true',
                        help='a run of minutes through every stage; figures mean nothing')
    add_amp_argument(parser)
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    with working_in(ROOT) as locate:
        path, work_dir = locate(args.study), locate(args.study_dir)
        only_report = args.summary or args.merge is not None

        def make(amp: bool) -> Study:
            study = Study(path, work_dir, args.seeds, args.arms, amp, args.smoke, args.jobs,
                          args.first_seed)
            if only_report:
                return study
            if study.num_finished and not (args.resume or args.redo):
                raise ValueError(f'{study.work_dir} holds {study.num_finished} finished stages: '
                                 'go on with --resume, or name another folder by --study-dir')
            if args.redo:
                redo_stage(study, args.redo)
            if args.smoke:
                return study
            print(f'{len(study.arms)} arms x {len(study.seeds)} seeds, measuring this machine ...')
            hours, pace = study.estimate()
            of_plan = '' if pace is None else f' (a step takes {pace:.2f} times as long as planned)'
            print(f'about {hours:.1f} hours for what is not finished, {study.jobs} '
                  f'at a time{of_plan}')
            return study

        if not only_report:
            return run_from_command_line(make, amp=args.amp)
        try:
            study = make(False)
            if args.merge is None:
                study.summarize()
            else:
                study.merge([locate(file) for file in args.merge])
        except (FileNotFoundError, ValueError) as error:
            print(f'error: {error}', file=sys.stderr)
            return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
