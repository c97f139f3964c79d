"""Write CIFAR-10 as the class folders that configs/cifar10 and configs/claim read.

Example:
    python tools/prepare_cifar10.py data/cifar10 --source DOWNLOADS    # with cifar-10-batches-py
    python tools/prepare_cifar10.py data/cifar10 --download            # fetches it by torchvision
"""

import argparse
from pathlib import Path

import _environment  # noqa: F401
from rich.console import Console
from rich.progress import track
from torchvision.datasets import CIFAR10

from peco.datasets.write_class_folders import write_class_folders
from peco.engine.cli import readable_errors
from peco.utils.config import ConfigError


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', help='folder to make; train/ and test/ come below it')
    parser.add_argument('--source', default='data', metavar='FOLDER',
                        help='folder that holds cifar-10-batches-py (default: %(default)s)')
    parser.add_argument('--download', action='store_true', help='fetch it into FOLDER first')
    parser.add_argument('--jpeg', action='store_true',
                        help='JPEG files of quality 75, such as those that the figures in the '
                        'documentation were measured on, in the place of PNG files without loss')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with readable_errors():
        for split in ('train', 'test'):
            folder = Path(args.out) / split
            if folder.exists():
                raise ConfigError(f"'{folder}' is there already: name another folder, or remove it")
        for split in ('train', 'test'):
            try:
                images = CIFAR10(args.source, split == 'train', download=args.download)
            except RuntimeError as error:
                raise ConfigError(
                    f"'{args.source}' holds no whole cifar-10-batches-py: name its folder by "
                    f'--source, or fetch it by --download ({error})') from error
            suffix = 'jpg' if args.jpeg else 'png'
            for _ in track(write_class_folders(images, Path(args.out) / split, suffix), split,
                           total=len(images)):
                pass
            Console(soft_wrap=True).print(f'{len(images):,} images in {Path(args.out) / split}',
                                          highlight=False)


if __name__ == '__main__':
    main()
