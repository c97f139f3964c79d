"""Put a folder of images into tar shards, for disks that suffer from millions of small files.

Example:
    python tools/make_shards.py data/imagenet/train data/imagenet_shards/train

Interrupted, the same command goes on where it was.
"""

import argparse

import _environment  # noqa: F401
from rich.console import Console
from rich.progress import track

import peco  # noqa: F401  (registers the components)
from peco.datasets import ImageFolder
from peco.datasets.shards import ShardIndex, write_shards
from peco.engine.cli import readable_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images', help='folder of images, nested or flat')
    parser.add_argument('out', help='folder of the shards')
    parser.add_argument('--images-per-shard', type=int, default=1000, metavar='N',
                        help='default: 1000')
    parser.add_argument('--with-label', action='store_true',
                        help='take the sub-folders as classes')
    parser.add_argument('--seed', type=int, default=0, help='seed of the order (default: 0)')
    args = parser.parse_args()
    if args.images_per_shard < 1:
        parser.error(f'--images-per-shard must be at least 1, got {args.images_per_shard}')
    if args.seed < 0:
        parser.error(f'--seed must be at least 0, got {args.seed}')
    return args


def main() -> None:
    args = parse_args()
    with readable_errors():
        dataset = ImageFolder(args.images, with_label=args.with_label)
        for _ in track(write_shards(dataset, args.out, args.images_per_shard, args.seed),
                       'writing shards', total=len(dataset)):
            pass
        index = ShardIndex.read(args.out)
        Console(soft_wrap=True).print(
            f'{len(index):,} images in {len(index.names):,} shards in {args.out}',
            highlight=False)


if __name__ == '__main__':
    main()
