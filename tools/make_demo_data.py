"""Make the demo data: handwritten digits on textured boards, as class folders and as scenes."""

import argparse

import _environment  # noqa: F401

from peco.datasets.demo import make_demo_data


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('out_dir', nargs='?', default='data/demo', help='folder to make')
    parser.add_argument('--image-size', type=int, default=32, help='height and width in pixels')
    parser.add_argument('--num-train', type=int, default=4000, help='number of training images')
    parser.add_argument('--num-test', type=int, default=1000, help='number of test images')
    parser.add_argument('--num-train-scenes', type=int, default=400,
                        help='number of training scenes, with instances and masks')
    parser.add_argument('--num-test-scenes', type=int, default=100, help='number of test scenes')
    parser.add_argument('--seed', type=int, default=0, help='seed of everything random')
    return parser.parse_args()


def main() -> None:
    """Make the folder, or say what is in the way."""
    args = parse_args()
    try:
        folder = make_demo_data(args.out_dir, args.image_size, args.num_train, args.num_test,
                                args.num_train_scenes, args.num_test_scenes, args.seed)
    except (ValueError, OSError) as error:
        raise SystemExit(f'make_demo_data: {error}') from error
    print(f'demo data in {folder}')


if __name__ == '__main__':
    main()
