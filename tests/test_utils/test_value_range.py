import torch

from peco.utils.value_range import from_unit, to_unit


def test_there_and_back():
    images = torch.tensor([0., 0.25, 1.])
    assert from_unit(images, (-1., 3.)).tolist() == [-1., 0., 3.]
    assert torch.equal(to_unit(from_unit(images, (-1., 3.)), (-1., 3.)), images)
