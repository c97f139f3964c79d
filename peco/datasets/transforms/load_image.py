"""Read any image file as 8-bit BGR, and deal with files that cannot be read."""

import io
import logging

import cv2
import mmengine.fileio as fileio
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log
from PIL import Image, ImageOps, UnidentifiedImageError

from peco.registry import TRANSFORMS

_JPEG_START, _JPEG_END = b'\xff\xd8', b'\xff\xd9'
# A JPEG decoder can give half, a quarter or an eighth of the size for less work.
_REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4,
            2: cv2.IMREAD_REDUCED_COLOR_2}
_PNG_START = b'\x89PNG'
# The brightest value of a 12-bit image is 15, of a 13-bit one 31.
_DARK = 32
_TIFF_STARTS = (b'II*\x00', b'MM\x00*', b'II+\x00', b'MM\x00+')


class UnreadableImageError(ValueError):
    """An image file that is missing, broken or of an unsupported kind."""


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Read an image file as uint8 BGR of shape ``(H, W, 3)``, as mmcv does.

    Grayscale, palette and CMYK images become three channels, 16-bit values are scaled to 8 bit
    (an image that uses a small part of its 16 bits becomes nearly black, which each worker tells
    once), an alpha channel is dropped (like ``PIL.Image.convert('RGB')``), and the EXIF orientation
    is applied. OpenCV decodes; what it rejects, and JPEG files that look cut off, go to Pillow.

    In training, a file that cannot be read makes the transform return ``None``, so that the
    dataset fetches another image: each such file is reported once, with a running count. In test
    mode (``results['test_mode']``, set by :class:`peco.datasets.ImageFolder`), it is an error.

    **Required keys:** ``img_path``; optional ``img_bytes`` (the content of the file, if it has
    been read), ``test_mode``. **Added keys:** ``img``,
    ``img_shape``, ``ori_shape``.

    Args:
        on_error: ``'skip'`` as described, or ``'raise'`` to fail in training as well.
        backend_args: Arguments of mmengine's file backend.
        min_side: Decode large JPEG files at a half, a quarter or an eighth of their size where
            the shorter side keeps so many pixels. Four times the size of a view leaves even
            the smallest crops of :class:`RandomCropBox` (8 % of the area) about as large as it.

    Raises:
        UnreadableImageError: Naming the file and the reason.
    """

    def __init__(self, on_error: str = 'skip', backend_args: dict | None = None,
                 min_side: int | None = None) -> None:
        if on_error not in ('skip', 'raise'):
            raise ValueError(f"on_error must be 'skip' or 'raise', got {on_error!r}")
        if min_side is not None and min_side < 1:
            raise ValueError(f'min_side must be at least 1, got {min_side}')
        self.on_error = on_error
        self.min_side = min_side
        self.backend_args = backend_args
        self.failures: dict[str, str] = {}
        self.told_dark = False

    def transform(self, results: dict) -> dict | None:
        """Add the image, or return None for an unreadable file in training."""
        path = results['img_path']
        try:
            content = results.pop('img_bytes', None)
            if content is None:
                content = fileio.get(path, backend_args=self.backend_args)
            image = decode_image(content, self.min_side)
        except (OSError, ValueError) as error:
            if self.on_error == 'raise' or results.get('test_mode', False):
                raise UnreadableImageError(f'cannot read image {path}: {error}') from error
            self._report(path, str(error))
            return None
        if not self.told_dark and _is_dark_of_16_bits(content, image):
            self.told_dark = True
            print_log(
                f'{path}, and perhaps others, use a small part of their 16 bits: scaled to 8 bits '
                f'the brightest value is {image.max()} of 255. Stretch camera images of 10 to 14 '
                'bits to the full range first', logger='current', level=logging.WARNING)
        results['img'] = image
        results['img_shape'] = image.shape[:2]
        results['ori_shape'] = image.shape[:2]
        return results

    def _report(self, path: str, reason: str) -> None:
        if path in self.failures:
            return
        self.failures[path] = reason
        print_log(
            f'skipped unreadable image {path}: {reason} '
            f'({len(self.failures)} unreadable so far in this loader process)',
            logger='current',
            level=logging.WARNING)

    def __repr__(self) -> str:
        min_side = '' if self.min_side is None else f', min_side={self.min_side}'
        return f'{type(self).__name__}(on_error={self.on_error!r}{min_side})'


def decode_image(content: bytes, min_side: int | None = None) -> np.ndarray:
    """Decode the bytes of an image file.

    Args:
        content: The whole file.
        min_side: Least pixels of the shorter side of a JPEG file that is decoded at reduced size.

    Returns:
        uint8 BGR array of shape ``(H, W, 3)``.

    Raises:
        ValueError: If the content is empty or of an unsupported kind.
        OSError: If the content is damaged.
    """
    if not content:
        raise ValueError('the file is empty')
    # OpenCV fills the missing part of a truncated JPEG with gray and reports success.
    cut_off = content.startswith(_JPEG_START) and _JPEG_END not in content[-4096:]
    image = None
    if not cut_off:
        image = _decode_with_opencv(content, _reduction(content, min_side))
    return _decode_with_pillow(content) if image is None else image


def _is_dark_of_16_bits(content: bytes, image: np.ndarray) -> bool:
    if not content.startswith((_PNG_START, *_TIFF_STARTS)) or image.max() >= _DARK:
        return False
    raw = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    return raw is not None and raw.dtype == np.uint16


def _reduction(content: bytes, min_side: int | None) -> int:
    """By how much a file can be reduced; 1 for none."""
    if min_side is None or not content.startswith(_JPEG_START):
        return 1
    try:
        with Image.open(io.BytesIO(content)) as image:
            side = min(image.size)
    except (OSError, SyntaxError, Image.DecompressionBombError):
        return 1  # whoever decodes the file says what is wrong with it
    return next((factor for factor in _REDUCED if side // factor >= min_side), 1)


def _decode_with_opencv(content: bytes, reduction: int) -> np.ndarray | None:
    """The image, or None where Pillow is to try."""
    buffer = np.frombuffer(content, np.uint8)
    try:
        if content.startswith(_TIFF_STARTS):
            # OpenCV knows 16-bit colour, which Pillow does not, but darkens by the alpha channel.
            raw = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
            if raw is None or raw.dtype != np.uint16:
                return None
        return cv2.imdecode(buffer, _REDUCED.get(reduction, cv2.IMREAD_COLOR))
    except cv2.error as error:  # such as an image above OpenCV's size limit
        raise ValueError(f'OpenCV: {error.err}') from error


def _decode_with_pillow(content: bytes) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(content)) as image:
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith('I;16'):
                gray = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
                return np.repeat(gray[..., None], 3, axis=2)
            if image.mode in ('I', 'F'):
                raise ValueError(f'pixels of Pillow mode {image.mode!r} have no fixed scale; '
                                 'convert the image to 8 or 16 bit')
            return np.ascontiguousarray(np.asarray(image.convert('RGB'))[..., ::-1])
    except UnidentifiedImageError as error:
        raise ValueError('not an image of a known format') from error
    except (SyntaxError, Image.DecompressionBombError) as error:  # what Pillow's readers raise
        raise ValueError(str(error)) from error
