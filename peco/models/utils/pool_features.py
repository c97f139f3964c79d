"""One vector an image from whatever a backbone returns."""

from __future__ import annotations

from mmpretrain.structures import DataSample
from torch import Tensor

POOLS = ('auto', 'mean', 'cls')


def pool_features(output: Tensor | list | tuple, pool: str = 'auto',
                  num_extra_tokens: int = 0) -> Tensor:
    """Reduce a backbone's last output to one vector for each image.

    Args:
        output: ``(B, C)``, a map ``(B, C, h, w)``, tokens ``(B, L, C)`` with
            ``num_extra_tokens`` tokens before the patches, a pair ``[patches, class token]``, or
            a tuple of such outputs, of which the last is taken.
        pool: 'mean' (of the patches), 'cls' (the class token) or 'auto': the mean of the patches
            where there are patches, else the vector itself.
        num_extra_tokens: Tokens before the patches in ``(B, L, C)``.

    Returns:
        Vectors of shape ``(B, C)``.

    Raises:
        ValueError: If the output has no class token but ``pool='cls'``, or an unknown form.
    """
    if pool not in POOLS:
        raise ValueError(f'pool must be one of {POOLS}, got {pool!r}')
    if isinstance(output, tuple):
        return pool_features(output[-1], pool, num_extra_tokens)
    if isinstance(output, list):
        if len(output) == 2 and output[0].ndim > 2 and output[1].ndim == 2:
            return output[1] if pool == 'cls' else pool_features(output[0], pool)
        return pool_features(output[-1], pool, num_extra_tokens)
    if output.ndim == 2:
        return output
    if output.ndim == 4 and pool != 'cls':
        return output.mean(dim=(2, 3))
    if output.ndim == 3 and pool != 'cls':
        return output[:, num_extra_tokens:].mean(dim=1)
    if output.ndim == 3 and num_extra_tokens:
        return output[:, 0]
    raise ValueError(f'cannot pool a backbone output of shape {tuple(output.shape)} with '
                     f'pool={pool!r} and {num_extra_tokens} extra tokens')


def attach_features(feats: Tensor, data_samples: list[DataSample] | None) -> list[DataSample]:
    """Write each image's vector into its data sample.

    Args:
        feats: Vectors of shape ``(B, C)``.
        data_samples: One for each image; None makes new ones.

    Returns:
        The data samples, with ``feature``, float32 of shape ``(C,)``.
    """
    data_samples = data_samples or [DataSample() for _ in feats]
    for sample, feat in zip(data_samples, feats.float(), strict=True):
        sample.set_field(feat, 'feature')
    return data_samples
