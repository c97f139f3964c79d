"""Print the whole config that a run would use, with all its bases merged.

Example:
    python tools/print_config.py configs/peco/pretrain_vitb_800e.py --cfg-options randomness.seed=1
"""

import argparse
import sys

import _environment  # noqa: F401
from rich.console import Console
from rich.syntax import Syntax

import peco  # noqa: F401  (registers the components)
from peco.engine.cli import readable_errors
from peco.utils.config import add_options_argument, load_config


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    add_options_argument(parser)
    args = parser.parse_args()
    with readable_errors():
        text = load_config(args.config, args.cfg_options).pretty_text
    if sys.stdout.isatty():
        Console().print(Syntax(text, 'python'))
    else:  # plain and unwrapped, so that the output is a config file again
        print(text)


if __name__ == '__main__':
    main()
