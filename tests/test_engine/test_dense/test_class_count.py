from types import SimpleNamespace

import pytest
from torch import nn

from peco.engine.dense.class_count import class_count, last_head


@pytest.mark.parametrize('num_classes, channels, count', [(1, 1, 2), (2, 1, 2), (150, 150, 150)])
def test_one_channel_tells_two_classes_apart(num_classes, channels, count):
    head = SimpleNamespace(num_classes=num_classes, out_channels=channels)
    assert class_count(head) == count


def test_heads_of_mmdet_have_no_channels_and_the_last_of_a_cascade_decides():
    assert class_count(SimpleNamespace(num_classes=1)) == 1
    heads = nn.ModuleList([nn.Linear(1, 1), nn.Linear(2, 2)])
    assert last_head(heads) is heads[1] and last_head(heads[0]) is heads[0]
    assert last_head(None) is None
