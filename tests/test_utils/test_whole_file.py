import pytest
from matplotlib import pyplot as plt

from peco.utils.whole_file import whole_file
from peco.visualization.save_figure import save_figure


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / 'new/figures.npy'
    for text in ('old', 'whole'):
        with whole_file(path) as unfinished:
            assert unfinished.suffix == '.npy'  # writers go by it
            unfinished.write_text(text)
            assert not path.exists() or path.read_text() == 'old'
    with pytest.raises(OSError, match='disk full'), whole_file(path) as unfinished:
        unfinished.write_text('half')
        raise OSError('disk full')
    assert path.read_text() == 'whole'
    assert [entry.name for entry in path.parent.iterdir()] == ['figures.npy']


@pytest.mark.parametrize('suffix', ['png', 'pdf'])
def test_a_figure_that_cannot_be_drawn_leaves_the_old_one(tmp_path, suffix):
    path = tmp_path / f'curves.{suffix}'
    assert save_figure(plt.figure(figsize=(1, 1)), path) == path
    before = path.read_bytes()
    figure = plt.figure(figsize=(1, 1))
    figure.suptitle(r'$\nocommand$')
    with pytest.raises(ValueError, match='nocommand'):
        save_figure(figure, path)
    assert path.read_bytes() == before and [*tmp_path.iterdir()] == [path]
