"""What the tests of the set-up share."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def executable(path, text):
    """Write a bash script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/bash\n{text}\n')
    path.chmod(0o755)
    return path


def load_main():
    """The set-up's main module, which has no name to import it by."""
    spec = importlib.util.spec_from_file_location('peco_setup_main',
                                                  ROOT / 'tools' / 'setup' / '__main__.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
