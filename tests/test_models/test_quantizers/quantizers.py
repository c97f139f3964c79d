"""Quantizers and vectors that several tests share."""

import torch

from peco.models.quantizers import CosineEMAQuantizer, EMAQuantizer

KINDS = [EMAQuantizer, CosineEMAQuantizer]


def preset(kind=EMAQuantizer, codebook_size=32, code_dim=8, seed=0, **kwargs):
    """A quantizer with random codes."""
    torch.manual_seed(seed)
    quantizer = kind(codebook_size, code_dim, init='random', **kwargs)
    quantizer.set_codebook(torch.randn(codebook_size, code_dim))
    return quantizer


def buffers(module):
    """Copies of all buffers by name."""
    return {name: value.clone() for name, value in module.named_buffers()}


def equal(first, second):
    """Whether two results of :func:`buffers` agree bit for bit."""
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def with_dead_codes(kind, **kwargs):
    """Eight codes near the data and eight so far away that no vector finds them."""
    torch.manual_seed(0)
    quantizer = kind(16, 4, init='random', **kwargs)
    codes = torch.randn(16, 4)
    codes[:, 0] = codes[:, 0].abs() + 3
    codes[8:, 0] = -90
    quantizer.set_codebook(codes)
    return quantizer


def data_near_codes(seed):
    """Vectors ``(4, 4, 8, 8)`` around the first eight codes of :func:`with_dead_codes`."""
    z = torch.randn(4, 4, 8, 8, generator=torch.Generator().manual_seed(seed))
    z[:, 0] = z[:, 0].abs() + 3
    return z
