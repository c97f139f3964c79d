import pytest

from peco.engine.dense.labelling import labelling


class Board:
    """A visualizer that remembers what is written."""

    def __init__(self, classes):
        self.dataset_meta, self.texts = dict(classes=classes), []

    def draw_texts(self, text, *args, **kwargs):
        self.texts.append(text)
        return self


@pytest.mark.parametrize('classes, labels, written', [
    (['a'], None, False), (['a', 'b'], None, True), (None, None, True), (['a'], True, True),
    (['a', 'b'], False, False)])
def test_one_class_has_no_names(classes, labels, written):
    board = Board(classes)
    with labelling(board, labels):
        assert board.draw_texts('a', positions=0) is board
    assert board.texts == ['a'] * written
    board.draw_texts('after')
    assert board.texts[-1] == 'after'
