import json
import shutil

import pytest

from peco.engine.pipeline import working_in
from tests.toy_configs import ROOT, run_tool, tokenizer_config, write_config


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A repository of one pipeline and its tools, seen from a folder beside it."""
    root, elsewhere = tmp_path / 'repository', tmp_path / 'elsewhere'
    (root / 'tools').mkdir(parents=True)
    (root / 'configs').mkdir()
    elsewhere.mkdir()
    for tool in (ROOT / 'tools').glob('*.py'):
        shutil.copy(tool, root / 'tools')
    (root / 'tools/say.py').write_text('print("hello")\n')
    (root / 'configs/pipeline.py').write_text(
        "title = 'one stage'\nwork_dir = 'work_dirs/one'\n"
        "stages = [dict(name='say', title='say', run='tools/say.py')]\n"
        "table = dict(columns=['A'], rows=[])\n")
    monkeypatch.chdir(elsewhere)
    return root, elsewhere


@pytest.mark.parametrize('absolute', [True, False])
def test_from_another_folder(copy, absolute):
    root, elsewhere = copy
    path = root / 'configs/pipeline.py' if absolute else 'configs/pipeline.py'
    assert run_tool('run_pipeline', path, root=root) == 0
    record = json.loads((root / 'work_dirs/one/say/done.json').read_text())
    assert record['command'] == 'python tools/say.py'
    assert not list(elsewhere.iterdir())


def test_a_work_dir_is_one_of_the_caller(copy):
    root, elsewhere = copy
    assert run_tool('run_pipeline', 'configs/pipeline.py', '--work-dir', 'mine', root=root) == 0
    assert (elsewhere / 'mine/say/done.json').exists() and not (root / 'work_dirs').exists()


def test_paths_stay_as_they_are_in_the_root(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with working_in(tmp_path) as locate:
        assert (locate('a/b.py'), locate(None)) == ('a/b.py', None)
    assert not capsys.readouterr().out


@pytest.mark.parametrize('options', [[], ['--list']])
def test_no_pipeline(images, tmp_path, options, capsys):
    config = write_config(tokenizer_config(images), tmp_path / 'plain.py')
    for path, message in ((config, 'is no pipeline file: it has no title, work_dir, stages, table'),
                          (ROOT / 'configs/claim/core.py',
                           'it has arms; run it by `python tools/reproduce_claim.py --study '),
                          (tmp_path / 'none.py', 'none.py does not exist')):
        assert run_tool('run_pipeline', path, *options) == 2
        errors = capsys.readouterr().err.splitlines()
        assert len(errors) == 1 and message in errors[0]
