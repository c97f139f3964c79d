"""Models of PeCo; importing this package registers them."""

from . import (
    backbones,
    classifiers,
    data_preprocessors,
    heads,
    necks,
    perceptual,
    pretrainers,
    quantizers,
    tokenizers,
    utils,
)

__all__ = [
    'backbones', 'classifiers', 'data_preprocessors', 'heads', 'necks', 'perceptual',
    'pretrainers', 'quantizers', 'tokenizers', 'utils'
]
