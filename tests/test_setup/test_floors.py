"""The floors of CONTRIBUTING.md, the benchmark above them: imports go downward."""

import ast

import pytest

from tests.toy_configs import ROOT

FLOORS = [
    {'registry', 'utils', 'visualization', 'token_cache', 'version'},
    {'models', 'datasets', 'evaluation'},
    {'engine', 'apis'},
    {'benchmark'},
]
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}
PACKAGE = ROOT / 'peco'
PARTS = sorted(path.stem for path in PACKAGE.iterdir()
               if path.stem in FLOOR or path.name not in ('__init__.py', '__pycache__', '.mim'))


def imported(path):
    """Top-level names within peco that a file imports, wherever in it."""
    parents = ('peco', *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = '.'.join(parents[:len(parents) + 1 - node.level]) + '.' if node.level else ''
            module = above + (node.module or '')
            names = [f'{module.rstrip(".")}.{alias.name}' for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith('peco.'):
                yield name.split('.')[1]


def test_the_benchmark_is_for_its_tool_alone():
    users = {path.name for path in (ROOT / 'tools').rglob('*.py')
             if 'peco.benchmark' in path.read_text()}
    assert users == {'benchmark.py'}


@pytest.mark.parametrize('part', PARTS)
def test_imports_go_downward(part):
    files = [PACKAGE / f'{part}.py'] if (PACKAGE / f'{part}.py').exists() else [
        *(PACKAGE / part).rglob('*.py')]
    assert files
    for path in files:
        for name in imported(path):
            if name == part or name == '__init__':
                continue
            assert FLOOR[name] <= FLOOR[part], f'{path} imports peco.{name}'
            if FLOOR[part] == 1:
                assert FLOOR[name] == 0, f'{path}: no package of the middle floor uses another'
