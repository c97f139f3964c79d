import numpy as np
import pytest
import torch
from torchvision.transforms import RandomResizedCrop

from peco.datasets.transforms import CenterCropBox, RandomCropBox


def _image(height, width):
    return np.zeros((height, width, 3), np.uint8)


@pytest.mark.parametrize('height, width', [(375, 500), (40, 400), (32, 32)])
def test_boxes_are_distributed_as_those_of_torchvision(height, width):
    number = 4000
    np.random.seed(0)
    torch.manual_seed(0)
    transform = RandomCropBox()
    ours = np.array([transform.draw_box(height, width) for _ in range(number)], float)
    blank = torch.zeros(3, height, width)
    theirs = np.array([RandomResizedCrop.get_params(blank, [0.08, 1.], [3 / 4, 4 / 3])
                       for _ in range(number)], float)[:, [1, 0, 3, 2]]  # y, x, h, w
    for values, reference in zip(ours.T, theirs.T, strict=True):
        noise = max(reference.std(), 1e-9) / np.sqrt(number)
        assert abs(values.mean() - reference.mean()) < 6 * noise
        for quantile in (0.1, 0.5, 0.9):
            assert np.quantile(values, quantile) == pytest.approx(
                np.quantile(reference, quantile), abs=0.05 * max(height, width))


@pytest.mark.parametrize('height, width', [(1, 1), (1, 1000), (1000, 1), (3, 2), (2, 700)])
def test_boxes_lie_inside_extreme_images(height, width):
    transform = RandomCropBox(scale=(0.5, 1.))
    for seed in range(100):
        np.random.seed(seed)
        x, y, w, h = transform(dict(img=_image(height, width)))['crop_box']
        assert w >= 1 and h >= 1 and x >= 0 and y >= 0 and x + w <= width and y + h <= height


@pytest.mark.parametrize('height, width', [(10, 100), (100, 10), (50, 60)])
def test_the_fallback_is_torchvisions_central_crop(height, width, monkeypatch):
    # A scale whose boxes never fit, so that torchvision falls back as well.
    y, x, h, w = RandomResizedCrop.get_params(torch.zeros(3, height, width), [400., 400.],
                                              [3 / 4, 4 / 3])
    assert RandomCropBox().central_box(height, width) == (x, y, w, h)


def test_a_given_crop_is_replayed():
    results = dict(img=_image(50, 60), crop_box=(1, 2, 3, 4), flip=True)
    for _ in range(5):
        results = RandomCropBox(flip_prob=0.)(results)
    assert results['crop_box'] == (1, 2, 3, 4) and results['flip'] is True
    assert results['flip_direction'] == 'horizontal'


def test_values_are_plain_and_flips_have_their_probability():
    np.random.seed(0)
    transform = RandomCropBox(flip_prob=0.3)
    drawn = [transform(dict(img=_image(20, 30))) for _ in range(2000)]
    assert np.mean([d['flip'] for d in drawn]) == pytest.approx(0.3, abs=0.04)
    assert {type(v) for d in drawn for v in d['crop_box']} == {int}
    assert type(drawn[0]['flip']) is bool


@pytest.mark.parametrize('kwargs', [
    dict(scale=(0., 1.)), dict(scale=(0.5, 1.5)), dict(scale=(1., 0.5)), dict(ratio=(2., 1.)),
    dict(flip_prob=1.5)
])
def test_bad_ranges_are_refused(kwargs):
    with pytest.raises(ValueError, match=next(iter(kwargs))):
        RandomCropBox(**kwargs)


@pytest.mark.parametrize('height, width, box', [(256, 256, (16, 16, 224, 224)),
                                                (100, 200, (56, 6, 88, 88)),
                                                (1, 5, (2, 0, 1, 1))])
def test_center_crop_box(height, width, box):
    results = CenterCropBox(fraction=0.875)(dict(img=_image(height, width)))
    assert results['crop_box'] == box and results['flip'] is False


def test_center_crop_box_refuses_a_bad_fraction():
    with pytest.raises(ValueError, match='fraction'):
        CenterCropBox(fraction=1.2)
