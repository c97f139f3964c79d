"""The examples of docstrings do what they say."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import numpy as np
import pytest
import torch

import peco

# Python runs the file, there is nothing to import.
MODULES = [module.name for module in pkgutil.walk_packages(peco.__path__, 'peco.')
           if not module.name.endswith('__main__')]


@pytest.mark.parametrize('package', sorted({'.'.join(name.split('.')[:2]) for name in MODULES}))
def test_examples(package, tmp_path, monkeypatch):
    # Away from the checkout: what lies in its `data` must not decide.
    (tmp_path / 'configs').symlink_to(Path('configs').resolve())
    monkeypatch.chdir(tmp_path)
    for name in MODULES:
        if name == package or name.startswith(f'{package}.'):
            result = doctest.testmod(importlib.import_module(name),
                                     optionflags=doctest.ELLIPSIS,
                                     extraglobs=dict(torch=torch, np=np))
            assert result.failed == 0, name
