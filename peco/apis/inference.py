"""Tokenize, reconstruct, extract features and classify, in three lines each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from peco.datasets.transforms.load_image import decode_image
from peco.models.utils.pool_features import pool_features
from peco.utils.value_range import from_unit, to_unit

from .init_model import evaluation_transforms

ImageLike = str | Path | np.ndarray | torch.Tensor


def load_images(model: nn.Module, image: ImageLike) -> torch.Tensor:
    """Turn what a user has into images as the model was evaluated on.

    Args:
        model: From :func:`init_model`.
        image: A file; an RGB array uint8 ``(H, W, 3)``; or a float tensor ``(3, H, W)`` or
            ``(B, 3, H, W)``, RGB in [0, 1]. Files and arrays are scaled and cropped as the
            config's evaluation does; a tensor is taken as it is.

    Returns:
        ``(B, 3, H, W)`` RGB in [0, 1], on the model's device.

    Raises:
        FileNotFoundError: No such file.
        ValueError: The file is no image, or the array or tensor is not as above.
    """
    device = next(model.parameters()).device
    if isinstance(image, torch.Tensor):
        batch = image[None] if image.ndim == 3 else image
        if batch.ndim != 4 or batch.shape[1] != 3 or not batch.is_floating_point():
            raise ValueError('a tensor must be float (3, H, W) or (B, 3, H, W), RGB in [0, 1], got '
                             f'{image.dtype} {tuple(image.shape)}')
        if batch.min() < 0 or batch.max() > 1:
            raise ValueError(f'a tensor must be RGB in [0, 1], got values in [{batch.min():.3g}, '
                             f'{batch.max():.3g}]')
        return batch.to(device)
    bgr = np.ascontiguousarray(image_array(image)[..., ::-1])
    results = dict(img=bgr, img_shape=bgr.shape[:2], ori_shape=bgr.shape[:2])
    if not hasattr(model, '_evaluation_transforms'):
        model._evaluation_transforms = evaluation_transforms(model.cfg)
    for transform in model._evaluation_transforms:
        results = transform(results)
    rgb = np.ascontiguousarray(results['img'][..., ::-1])
    return torch.from_numpy(rgb).permute(2, 0, 1)[None].to(device).float() / 255


def tokenize(model: nn.Module, image: ImageLike) -> torch.Tensor:
    """Turn an image into token ids.

    Args:
        model: A tokenizer from :func:`init_model`.
        image: As in :func:`load_images`.

    Returns:
        int64 ``(B, h, w)``.

    Example:
        >>> from peco.apis import init_model, tokenize
        >>> model = init_model(CONFIG, CHECKPOINT)  # doctest: +SKIP
        >>> tokenize(model, 'cat.jpg').shape  # doctest: +SKIP
        torch.Size([1, 14, 14])
    """
    return _as_tokenizer(model).tokenize(_to_range(model, load_images(model, image)))


def reconstruct(model: nn.Module, image: ImageLike) -> torch.Tensor:
    """Tokenize an image and decode its tokens.

    Args:
        model: A tokenizer from :func:`init_model`.
        image: As in :func:`load_images`.

    Returns:
        ``(B, 3, H, W)`` RGB in [0, 1].

    Example:
        >>> from peco.apis import init_model, reconstruct
        >>> model = init_model(CONFIG, CHECKPOINT)  # doctest: +SKIP
        >>> picture = reconstruct(model, 'cat.jpg')  # doctest: +SKIP
    """
    if not hasattr(_as_tokenizer(model), 'reconstruct'):
        raise TypeError(f'the tokens of {type(model).__name__} cannot be turned into an image: use '
                        'the config of a peco.PerceptualTokenizer')
    images = model.reconstruct(_to_range(model, load_images(model, image)))
    return to_unit(images, model.value_range)


@torch.no_grad()
def extract_features(model: nn.Module, image: ImageLike) -> torch.Tensor:
    """Turn an image into one vector.

    Args:
        model: A pretrained model, a feature extractor or a classifier from :func:`init_model`.
        image: As in :func:`load_images`.

    Returns:
        float32 ``(B, C)``.

    Example:
        >>> from peco.apis import extract_features, init_model
        >>> model = init_model(CONFIG, CHECKPOINT)  # doctest: +SKIP
        >>> extract_features(model, 'cat.jpg').shape  # doctest: +SKIP
        torch.Size([1, 768])
    """
    if not hasattr(model, 'extract_feat'):
        raise TypeError(f'{type(model).__name__} gives no features: use a pretraining, kNN or '
                        'classification config')
    extra = getattr(getattr(model, 'backbone', None), 'num_extra_tokens', 0)
    features = model.extract_feat(_preprocess(model, load_images(model, image)))
    return pool_features(features, num_extra_tokens=extra).float()


@torch.no_grad()
def classify(model: nn.Module, image: ImageLike, topk: int = 5) -> list[tuple[str, float]]:
    """Name the likeliest classes of one image.

    Args:
        model: A classifier from :func:`init_model`.
        image: As in :func:`load_images`.
        topk: How many classes.

    Returns:
        Class names (or indices as text where the checkpoint has no names) and probabilities,
        the likeliest first.
    """
    sample = model.predict(_preprocess(model, load_images(model, image)))[0]
    classes = getattr(model, 'dataset_meta', {}).get('classes')
    scores, indices = sample.pred_score.topk(min(topk, len(sample.pred_score)))
    return [(str(classes[index]) if classes else str(index), score)
            for index, score in zip(indices.tolist(), scores.tolist(), strict=True)]


def image_array(image: str | Path | np.ndarray) -> np.ndarray:
    """A file, or an array that is checked, as RGB uint8 ``(H, W, 3)``."""
    if not isinstance(image, np.ndarray):
        return np.ascontiguousarray(_read(Path(image))[..., ::-1])
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f'an array must be RGB uint8 (H, W, 3), got {image.dtype} {image.shape}')
    return image


def _read(path: Path) -> np.ndarray:
    if not path.is_file():
        fault = 'is a folder, not a file' if path.is_dir() else 'does not exist'
        raise FileNotFoundError(f"image '{path}' {fault}")
    try:
        return decode_image(path.read_bytes())
    except (ValueError, OSError) as error:
        raise ValueError(f"image '{path}' cannot be read: {error}") from error


def _as_tokenizer(model: nn.Module) -> nn.Module:
    if not hasattr(model, 'quantizer'):
        raise TypeError(f'{type(model).__name__} is no tokenizer: use a tokenizer config')
    return model


def _to_range(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    return from_unit(images, _as_tokenizer(model).value_range)


def _preprocess(model: nn.Module, images: torch.Tensor) -> torch.Tensor | list[torch.Tensor]:
    # Data preprocessors take what the loading transforms give: BGR, 0 to 255.
    data = dict(inputs=images.flip(1) * 255, data_samples=None)
    return model.data_preprocessor(data, False)['inputs']
