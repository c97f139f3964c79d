"""Checks of the installation that ``import peco`` makes before anything heavy is imported."""

from __future__ import annotations

import importlib.metadata
import importlib.util

FULL_COMMAND = 'bash tools/setup_env.sh --full'
LITE_COMMAND = 'bash tools/setup_env.sh --lite'


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def check_mmcv() -> None:
    """Check that exactly one of mmcv and mmcv-lite is installed.

    Both distributions fill the package folder ``mmcv``, so pip cannot depend on "one of them", and
    installing both leaves a mixture. Only metadata is read, nothing is imported.

    Raises:
        ImportError: if neither or both are installed, or if only the metadata of one is left; the
            message names the command that mends it.
    """
    found = [name for name in ('mmcv', 'mmcv-lite') if _installed(name)]
    if len(found) == 2:
        raise ImportError(
            'mmcv and mmcv-lite are both installed and overwrite each other. Mend it with '
            f'`pip uninstall -y mmcv mmcv-lite`, then `{FULL_COMMAND}` (or `{LITE_COMMAND}`).')
    # An mmcv on the path without metadata (a source checkout) is as good.
    if importlib.util.find_spec('mmcv') is not None:
        return
    if found:
        raise ImportError(
            f'{found[0]} is registered as installed, but its package folder `mmcv` is gone. Mend '
            f'it with `pip uninstall -y {found[0]}`, then `{FULL_COMMAND}` (or `{LITE_COMMAND}`).')
    raise ImportError(f'PeCo needs mmcv: run `{FULL_COMMAND}`, or `{LITE_COMMAND}` for the core '
                      'without detection and segmentation.')
