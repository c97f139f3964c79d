"""Imported by every tool before any package: a Python without them ends in one line."""

import sys
import warnings
from importlib.util import find_spec

# mmengine asks pkg_resources where mmdet and mmseg are; nobody who runs a tool can mend that.
warnings.filterwarnings('ignore', message='pkg_resources is deprecated')

_missing = [name for name in ('torch', 'rich', 'mmengine', 'mmcv', 'mmpretrain', 'peco')
            if find_spec(name) is None]
if _missing:
    sys.stderr.write(
        'error: {} has no {}. Run `source .venv/bin/activate` at the root of the repository '
        '(`bash tools/setup_env.sh` makes it)\n'.format(sys.executable, ', '.join(_missing)))
    sys.exit(2)
