"""Leave the weights of a checkpoint and what tells where they come from; name the file by its hash.

Optimizer, schedules and logs, two thirds of a checkpoint, go. The config stays, with the paths that
stand in it.

Example:
    python tools/publish_model.py work_dirs/pretrain_vitb_800e/epoch_800.pth peco_vitb_800e.pth
"""

import argparse
import hashlib
import tempfile
from pathlib import Path

import _environment  # noqa: F401
import torch

from peco.engine.cli import readable_errors
from peco.utils.checkpoint import load_checkpoint
from peco.utils.config import ConfigError

# Beside the weights: the config and the time, the tokenizer of masked image modelling, the size
# of a tokenizer's images.
KEPT = ('state_dict', 'meta', 'tokenizer', 'image_size')
DIGITS = 8


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help='checkpoint of a training')
    parser.add_argument('out', help='NAME.pth, for a file NAME-<hash>.pth')
    args = parser.parse_args()
    if Path(args.out).suffix != '.pth':
        parser.error(f'the name must end with .pth, got {args.out}')
    return args


def publish(checkpoint: str, out: Path) -> Path:
    """Write what is kept; return the path, which has the hash in its name."""
    loaded = load_checkpoint(checkpoint)
    if 'state_dict' not in loaded:
        raise ConfigError(f"checkpoint '{checkpoint}' holds no state_dict: give one that "
                          'tools/train.py has written')
    out.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, so that the file takes its name in one step.
    with tempfile.TemporaryDirectory(dir=out.parent, prefix='.publish_') as folder:
        unnamed = Path(folder, 'model.pth')  # torch writes this name into the file, too
        torch.save({key: loaded[key] for key in KEPT if key in loaded}, unnamed)
        digest = hashlib.sha256(unnamed.read_bytes()).hexdigest()[:DIGITS]
        return unnamed.replace(out.with_name(f'{out.stem}-{digest}.pth'))


def main() -> None:
    args = parse_args()
    with readable_errors():
        path = publish(args.checkpoint, Path(args.out))
        before, after = (Path(name).stat().st_size / 2**20 for name in (args.checkpoint, path))
    print(f'wrote {path} ({before:.1f} -> {after:.1f} MiB)')


if __name__ == '__main__':
    main()
