import hashlib

import pytest
import torch

from peco.utils import load_checkpoint
from tests.toy_configs import run_tool


@pytest.mark.parametrize('kind', ['pretrain', 'tokenizer'])
def test_weights_and_their_origin_are_left(kind, request, tmp_path, capsys):
    folder = request.getfixturevalue(f'{kind}_run')
    path = folder / 'epoch_2.pth'
    assert run_tool('publish_model', path, tmp_path / 'new/peco.pth') == 0
    written, = (tmp_path / 'new').iterdir()
    assert str(written) in capsys.readouterr().out
    assert written.name == f'peco-{hashlib.sha256(written.read_bytes()).hexdigest()[:8]}.pth'
    whole, found = load_checkpoint(path), load_checkpoint(written)
    assert set(found) == {'state_dict', 'meta',
                          dict(pretrain='tokenizer', tokenizer='image_size')[kind]}
    assert 'optimizer' in whole and written.stat().st_size < 0.6 * path.stat().st_size
    for name, value in whole['state_dict'].items():
        assert torch.equal(value, found['state_dict'][name])


def test_it_is_tested_as_the_whole_one_is(classifier_run, tmp_path):
    assert run_tool('publish_model', classifier_run / 'epoch_2.pth', tmp_path / 'c.pth') == 0
    written, = tmp_path.glob('c-*.pth')
    assert run_tool('test', classifier_run / 'shared_classifier.py', written, '--work-dir',
                    tmp_path / 'w') == 0


def test_nothing_else_is_touched(classifier_run, tmp_path):
    content = (classifier_run / 'epoch_2.pth').read_bytes()
    (tmp_path / 'c.pth').write_bytes(content)
    # The checkpoint itself as the name, then that of a file which is there.
    assert run_tool('publish_model', tmp_path / 'c.pth', tmp_path / 'c.pth') == 0
    (tmp_path / 'd.pth').write_bytes(b'precious')
    assert run_tool('publish_model', tmp_path / 'c.pth', tmp_path / 'd.pth') == 0
    assert (tmp_path / 'c.pth').read_bytes() == content
    assert (tmp_path / 'd.pth').read_bytes() == b'precious'
    names = sorted(path.name for path in tmp_path.iterdir())
    digest = names[0].removeprefix('c-').removesuffix('.pth')
    assert names == [f'c-{digest}.pth', 'c.pth', f'd-{digest}.pth', 'd.pth']


@pytest.mark.parametrize('content, message', [
    (dict(weights=torch.ones(1)), 'holds no state_dict'), (None, 'does not exist')])
def test_other_files_are_refused(content, message, tmp_path, capsys):
    if content is not None:
        torch.save(content, tmp_path / 'a.pth')
    assert run_tool('publish_model', tmp_path / 'a.pth', tmp_path / 'b.pth') == 2
    assert message in capsys.readouterr().err and not list(tmp_path.glob('b*'))
    assert run_tool('publish_model', tmp_path / 'a.pth', tmp_path / 'b') == 2
    assert 'must end with .pth' in capsys.readouterr().err
