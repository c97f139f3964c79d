import pytest

from peco.utils.whole_folder import whole_folder


def test_the_folder_appears_when_it_is_whole(tmp_path):
    out = tmp_path / 'deep/out'
    with whole_folder(out) as unfinished:
        (unfinished / 'a').write_text('1')
        assert not out.exists()
    assert (out / 'a').read_text() == '1'
    with pytest.raises(FileExistsError, match='name another folder'), whole_folder(out):
        pass
    assert [path.name for path in (tmp_path / 'deep').iterdir()] == ['out']


def test_what_was_written_is_not_lost_when_the_folder_turns_up(tmp_path):
    with pytest.raises(FileExistsError, match=r"is in '.*\.part\.out'"):
        with whole_folder(tmp_path / 'out') as unfinished:
            (unfinished / 'a').write_text('1')
            (tmp_path / 'out').mkdir()
            (tmp_path / 'out/b').write_text('2')
    assert (unfinished / 'a').read_text() == '1' and (tmp_path / 'out/b').exists()


def test_nothing_is_left_of_a_block_that_fails_and_of_one_that_was_killed(tmp_path):
    with pytest.raises(RuntimeError), whole_folder(tmp_path / 'out') as unfinished:
        (unfinished / 'a').write_text('1')
        raise RuntimeError
    assert not [*tmp_path.iterdir()]
    unfinished.mkdir()
    (unfinished / 'old').write_text('1')
    with whole_folder(tmp_path / 'out') as unfinished:
        (unfinished / 'new').write_text('2')
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['new']
