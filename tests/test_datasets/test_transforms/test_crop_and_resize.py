import cv2
import numpy as np
import pytest
from PIL import Image

from peco.datasets.transforms import CropAndResize


def _picture(height=90, width=120):
    """Smooth colours that differ everywhere."""
    coarse = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def test_it_equals_pillows_crop_and_bicubic_resize():
    image = _picture()
    out = CropAndResize(32, backend='pillow')(dict(img=image, crop_box=(10, 20, 70, 50)))
    expected = Image.fromarray(image).crop((10, 20, 80, 70)).resize((32, 32), Image.BICUBIC)
    np.testing.assert_array_equal(out['img'], np.asarray(expected))
    assert out['img_shape'] == (32, 32)


@pytest.mark.parametrize('interpolation', ['bilinear', 'bicubic'])
@pytest.mark.parametrize('size', [20, 45, 120])
def test_the_default_is_within_rounding_of_pillows(interpolation, size):
    results = dict(img=_picture(), crop_box=(10, 20, 70, 50))
    ours, pillow = (
        CropAndResize(size, interpolation, backend=backend)(dict(results))['img'].astype(int)
        for backend in ('torch', 'pillow'))
    difference = np.abs(ours - pillow)
    assert difference.max() <= 2 and (difference > 0).mean() < 0.05
    assert np.abs(ours[:, ::-1] - pillow).mean() > 10  # the check can tell


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('box', [(0, 0, 50, 50), (0, 0, 32, 32)])
def test_the_result_can_be_written_to(box, flip):
    """As torch.from_numpy asks for."""
    out = CropAndResize(32)(dict(img=_picture(), crop_box=box, flip=flip))
    assert out['img'].flags.writeable


def test_shrinking_does_not_alias_unlike_opencv():
    # A fine checkerboard is gray from afar.
    image = np.indices((256, 256)).sum(axis=0) % 2 * 255
    image = np.repeat(image[..., None], 3, axis=2).astype(np.uint8)
    results = dict(img=image, crop_box=(0, 0, 250, 250))
    for backend in ('torch', 'pillow'):
        smooth = CropAndResize(28, backend=backend)(dict(results))['img']
        assert smooth[2:-2, 2:-2].std() < 3
    rough = CropAndResize(28, backend='cv2')(dict(results))['img']
    assert rough[2:-2, 2:-2].std() > 30


def test_flip_mirrors_the_result():
    results = dict(img=_picture(), crop_box=(10, 20, 70, 50))
    plain = CropAndResize(32)(dict(results, flip=False))['img']
    flipped = CropAndResize(32)(dict(results, flip=True))['img']
    np.testing.assert_array_equal(flipped, plain[:, ::-1])
    assert flipped.flags.c_contiguous and (flipped != plain).any()


@pytest.mark.parametrize('flip', [False, True])
def test_both_views_show_the_same_content(flip):
    out = CropAndResize(64, tokenizer_size=32, tokenizer_interpolation='bilinear')(
        dict(img=_picture(), crop_box=(10, 20, 70, 50), flip=flip))
    backbone, tokenizer = out['img']
    assert backbone.shape == (64, 64, 3) and tokenizer.shape == (32, 32, 3)
    halved = backbone.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    error = np.abs(halved - tokenizer).mean()
    # The check can tell: the mirrored view is far from it.
    assert error < 2 < 10 < np.abs(halved[:, ::-1] - tokenizer).mean()


def test_one_view_serves_both_when_they_would_be_equal():
    out = CropAndResize(32, tokenizer_size=(32, 32))(dict(img=_picture(), crop_box=(0, 0, 50, 50)))
    assert isinstance(out['img'], np.ndarray)


def test_non_square_sizes_are_height_then_width():
    out = CropAndResize((16, 48))(dict(img=_picture(), crop_box=(0, 0, 50, 50)))
    assert out['img'].shape == (16, 48, 3)


def test_a_crop_of_the_right_size_is_cut_out_unchanged():
    image = _picture()
    out = CropAndResize((20, 30))(dict(img=image, crop_box=(5, 6, 30, 20)))['img']
    np.testing.assert_array_equal(out, image[6:26, 5:35])
    out[:] = 0
    assert image.any()  # not a view of the source


@pytest.mark.parametrize('backend', ['torch', 'pillow', 'cv2'])
def test_one_pixel_images(backend):
    image = np.full((1, 1, 3), 7, np.uint8)
    out = CropAndResize(8, backend=backend)(dict(img=image, crop_box=(0, 0, 1, 1)))['img']
    assert out.shape == (8, 8, 3) and (out == 7).all()


def test_missing_and_impossible_boxes_are_refused():
    with pytest.raises(KeyError, match='RandomCropBox'):
        CropAndResize(8)(dict(img=_picture()))
    with pytest.raises(ValueError, match='does not lie inside the 120x90 image a.png'):
        CropAndResize(8)(dict(img=_picture(), crop_box=(100, 0, 50, 50), img_path='a.png'))


@pytest.mark.parametrize('kwargs, message', [
    (dict(size=0), 'size must be'), (dict(size=(1, 2, 3)), 'size must be'),
    (dict(size=8, backend='gpu'), 'backend'),
    (dict(size=8, interpolation='lanczos'), "with backend='torch', got 'lanczos'"),
    (dict(size=8, interpolation='cubic'), 'bicubic'),
])
def test_bad_arguments_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        CropAndResize(**kwargs)
