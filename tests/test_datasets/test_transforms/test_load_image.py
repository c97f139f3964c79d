import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from peco.datasets.transforms import CropAndResize, LoadImage, UnreadableImageError
from peco.datasets.transforms.load_image import decode_image


def _rgb(height=24, width=32):
    coarse = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def _bytes(image, fmt, **kwargs):
    buffer = io.BytesIO()
    image.save(buffer, fmt, **kwargs)
    return buffer.getvalue()


def _rgb_of(content):
    image = decode_image(content)
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
    return image[..., ::-1].astype(int)


@pytest.mark.parametrize('mode, fmt', [
    ('RGB', 'JPEG'), ('RGB', 'PNG'), ('RGB', 'WEBP'), ('RGB', 'BMP'), ('RGB', 'TIFF'),
    ('RGB', 'PPM'), ('RGB', 'GIF'), ('L', 'PNG'), ('L', 'JPEG'), ('L', 'TIFF'), ('1', 'PNG'),
    ('1', 'TIFF'), ('P', 'PNG'), ('P', 'TIFF'), ('LA', 'PNG'), ('RGBA', 'PNG'), ('CMYK', 'JPEG'),
    ('CMYK', 'TIFF'),
])
def test_kinds_of_images_come_out_as_pillow_reads_them(mode, fmt):
    content = _bytes(Image.fromarray(_rgb()).convert(mode), fmt)
    expected = np.asarray(Image.open(io.BytesIO(content)).convert('RGB')).astype(int)
    assert np.abs(_rgb_of(content) - expected).max() <= (1 if mode == 'CMYK' else 0)


@pytest.mark.parametrize('fmt', ['PNG', 'TIFF'])
def test_alpha_is_dropped_not_blended(fmt):
    alpha = np.random.default_rng(1).integers(0, 256, (24, 32, 1), dtype=np.uint8)
    content = _bytes(Image.fromarray(np.concatenate([_rgb(), alpha], axis=2)), fmt)
    np.testing.assert_array_equal(_rgb_of(content), _rgb())


def _sixteen_bit():
    return np.linspace(0, 65535, 24 * 32).reshape(24, 32).astype(np.uint16)


@pytest.mark.parametrize('extension', ['.png', '.tiff', '.pgm'])
def test_16_bit_gray_is_scaled_to_8(extension):
    values = _sixteen_bit()
    out = _rgb_of(cv2.imencode(extension, values)[1].tobytes())
    assert out[0, 0, 0] == 0 and out[-1, -1, 0] == 255
    assert np.abs(out - values[..., None] / 257).max() <= 1


@pytest.mark.parametrize('extension', ['.png', '.tiff'])
def test_16_bit_colour_is_scaled_to_8(extension):
    values = np.stack([_sixteen_bit(), _sixteen_bit()[::-1], _sixteen_bit()[:, ::-1]], axis=2)
    out = _rgb_of(cv2.imencode(extension, values[..., ::-1])[1].tobytes())
    assert np.abs(out - values / 257).max() <= 1


@pytest.mark.parametrize('extension', ['png', 'tiff'])
@pytest.mark.parametrize('top, told', [(4095, True), (65535, False)])
def test_camera_images_that_become_nearly_black_are_told_once(monkeypatch, extension, top, told):
    lines = []
    monkeypatch.setattr('peco.datasets.transforms.load_image.print_log',
                        lambda line, **kwargs: lines.append(line))
    raw = np.linspace(0, top, 24 * 32).reshape(24, 32).astype(np.uint16)
    deep = cv2.imencode(f'.{extension}', raw)[1].tobytes()
    dark = cv2.imencode(f'.{extension}', (raw >> 12).astype(np.uint8))[1].tobytes()
    load = LoadImage()
    for name, content in (('a', deep), ('b', deep)):
        load(dict(img_path=name, img_bytes=content))
    assert len(lines) == told
    assert not told or lines[0].startswith('a, and perhaps others, use a small part of their 16')
    LoadImage()(dict(img_path='c', img_bytes=dark))  # of 8 bits: it is as it is
    assert len(lines) == told


def test_16_bit_is_scaled_by_the_pillow_reader_too(monkeypatch):
    monkeypatch.setattr(cv2, 'imdecode', lambda *args: None)
    out = _rgb_of(_bytes(Image.fromarray(_sixteen_bit()), 'PNG'))
    assert np.abs(out - _sixteen_bit()[..., None] / 257).max() <= 1


@pytest.mark.parametrize('fmt', ['JPEG', 'PNG', 'TIFF'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif_orientation_is_applied(fmt, orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    content = _bytes(Image.fromarray(_rgb()), fmt, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert('RGB')
    np.testing.assert_array_equal(_rgb_of(content), np.asarray(upright))


def test_one_pixel():
    content = _bytes(Image.fromarray(np.full((1, 1, 3), 9, np.uint8)), 'PNG')
    assert _rgb_of(content).tolist() == [[[9, 9, 9]]]


def _broken(kind):
    jpeg = _bytes(Image.fromarray(_rgb(120, 160)), 'JPEG')
    png = _bytes(Image.fromarray(_rgb()), 'PNG')
    float_tiff = _bytes(Image.fromarray(np.ones((4, 4), np.float32)), 'TIFF')
    return {
        'empty': (b'', 'the file is empty'),
        'text': (b'<html>no image</html>', 'not an image of a known format'),
        'cut jpeg': (jpeg[:-len(jpeg) // 4], 'truncated'),
        'cut png': (png[:len(png) // 2], 'truncated'),
        'float tiff': (float_tiff, 'no fixed scale'),
    }[kind]


BROKEN = ['empty', 'text', 'cut jpeg', 'cut png', 'float tiff']


@pytest.mark.parametrize('kind', BROKEN)
def test_what_cannot_be_decoded_is_skipped_in_training_and_an_error_in_test(kind, tmp_path):
    content, reason = _broken(kind)
    path = tmp_path / 'broken.img'
    path.write_bytes(content)
    loader = LoadImage()
    assert loader(dict(img_path=str(path))) is None
    assert reason in loader.failures[str(path)]
    with pytest.raises(UnreadableImageError, match=f'(?s)broken.img.*{reason}'):
        loader(dict(img_path=str(path), test_mode=True))
    with pytest.raises(UnreadableImageError, match='broken.img'):
        LoadImage(on_error='raise')(dict(img_path=str(path)))


def test_a_cut_jpeg_is_found_although_some_opencv_versions_fill_it_with_gray(monkeypatch):
    gray = np.full((120, 160, 3), 128, np.uint8)
    monkeypatch.setattr(cv2, 'imdecode', lambda *args: gray)
    content, _ = _broken('cut jpeg')
    with pytest.raises(OSError, match='truncated'):
        decode_image(content)


def test_opencvs_own_errors_are_reported(monkeypatch, tmp_path):
    path = tmp_path / 'huge.png'
    path.write_bytes(b'any')

    def imdecode(*args):
        cv2.resize(np.zeros((0, 0)), (1, 1))  # raises cv2.error

    monkeypatch.setattr(cv2, 'imdecode', imdecode)
    with pytest.raises(UnreadableImageError, match='huge.png: OpenCV: .*empty'):
        LoadImage(on_error='raise')(dict(img_path=str(path)))


def test_each_unreadable_file_is_reported_once_with_a_count(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr('peco.datasets.transforms.load_image.print_log',
                        lambda message, **kwargs: lines.append(message))
    loader = LoadImage()
    paths = [str(tmp_path / name) for name in ('a.png', 'b.png')]
    for path in paths + paths:
        assert loader(dict(img_path=path)) is None
    assert len(lines) == 2
    assert 'a.png' in lines[0] and '1 unreadable' in lines[0]
    assert 'b.png' in lines[1] and '2 unreadable' in lines[1]


def test_a_good_file_gets_its_shapes(tmp_path):
    path = tmp_path / 'good.png'
    path.write_bytes(_bytes(Image.fromarray(_rgb()), 'PNG'))
    results = LoadImage()(dict(img_path=str(path)))
    assert results['img_shape'] == results['ori_shape'] == (24, 32)


def test_on_error_is_checked():
    with pytest.raises(ValueError, match='on_error'):
        LoadImage(on_error='ignore')


def _photo(height, width):
    """A picture with detail of several sizes, as JPEG."""
    rng = np.random.default_rng(0)
    layers = [cv2.resize(rng.integers(0, 256, (height // cell, width // cell, 3), dtype=np.uint8),
                         (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
              for cell in (8, 32, 128)]
    return _bytes(Image.fromarray(np.mean(layers, axis=0).astype(np.uint8)), 'JPEG', quality=95)


@pytest.mark.parametrize('min_side, shape', [
    (None, (770, 1030)), (386, (770, 1030)), (385, (385, 515)), (193, (385, 515)),
    (192, (193, 258)), (96, (97, 129)), (1, (97, 129))])
def test_large_jpeg_files_are_reduced_as_far_as_the_shorter_side_allows(min_side, shape):
    assert decode_image(_photo(770, 1030), min_side).shape[:2] == shape


def test_other_kinds_and_broken_files_are_not_reduced():
    png = _bytes(Image.fromarray(_rgb(64, 64)), 'PNG')
    assert decode_image(png, 8).shape == (64, 64, 3)
    with pytest.raises((OSError, ValueError)):
        decode_image(_photo(256, 256)[:200], 8)


def test_a_reduced_file_is_turned_as_its_exif_data_say():
    image = Image.open(io.BytesIO(_photo(256, 512)))
    exif = image.getexif()
    exif[0x0112] = 6
    content = _bytes(image, 'JPEG', exif=exif)
    assert decode_image(content).shape[:2] == (512, 256)
    assert decode_image(content, 128).shape[:2] == (256, 128)


def test_the_view_of_a_reduced_file_differs_by_resampling_noise_alone():
    """Less than two common ways of resampling (here Pillow's bicubic and Lanczos) differ."""
    content, size = _photo(1600, 1200), 224
    crop = dict(crop_box=(120, 240, 960, 1120), flip=False)
    half = dict(crop_box=(60, 120, 480, 560), flip=False)

    def view(image, box, interpolation='bicubic', **kwargs):
        transform = CropAndResize(size, interpolation, **kwargs)
        return transform(dict(box, img=image))['img'].astype(int)

    whole = decode_image(content)
    wanted = view(whole, crop)
    noise = np.abs(view(whole, crop, 'lanczos', backend='pillow') - wanted).mean()
    found = np.abs(view(decode_image(content, 600), half) - wanted).mean()
    assert 0 < found <= noise
    shifted = np.abs(view(whole, dict(crop, crop_box=(124, 240, 960, 1120))) - wanted).mean()
    assert shifted > 2 * found


def test_a_reduced_file_reaches_the_pipeline(tmp_path):
    (tmp_path / 'a.jpg').write_bytes(_photo(770, 1030))
    results = LoadImage(min_side=300)(dict(img_path=str(tmp_path / 'a.jpg')))
    assert results['img'].shape == (385, 515, 3) and results['img_shape'] == (385, 515)
    with pytest.raises(ValueError, match='min_side'):
        LoadImage(min_side=0)


@pytest.mark.parametrize('fmt', ['TIFF', 'GIF', 'WEBP'])
def test_of_a_stack_the_first_page_counts(fmt):
    pages = [Image.fromarray(np.full((8, 8), level, np.uint8)) for level in (10, 200)]
    content = _bytes(pages[0], fmt, save_all=True, append_images=pages[1:])
    assert abs(_rgb_of(content) - 10).max() <= 3


def test_of_a_stack_of_16_bits_the_first_page_counts(tmp_path):
    pages = [np.full((8, 8, 3), 257 * level, np.uint16) for level in (10, 200)]
    assert cv2.imwritemulti(str(tmp_path / 'stack.tiff'), pages)
    assert (_rgb_of((tmp_path / 'stack.tiff').read_bytes()) == 10).all()
