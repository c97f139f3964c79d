"""The backbone of pretraining: forward and backward with masked patches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from .contest import DTYPES, Contestant, hold, precision
from .limits import flops_of, matmul_gflops
from .report import Report, device_name

_BASE = dict(dim=768, depth=12, heads=12, img_size=224, patch_size=16, masked=75, batch=8)
# Near the CIFAR-10 configs: 64 tokens and few channels, so that everything but products counts.
_SMALL = dict(dim=192, depth=6, heads=3, img_size=32, patch_size=4, masked=26, batch=256)


def measure(root: Path, device: str = 'cpu', threads: int | None = None, rounds: int = 3,
            part: str = 'backbone', size: dict | None = None) -> Report:
    """ViT-B/16 at 224 px, beside mmpretrain's and timm's.

    Args:
        root: Not used; every part takes it.
        device: ``'cpu'`` or ``'cuda'``.
        threads: Threads of torch; None leaves torch's own choice.
        rounds: Calls that count.
        part: Name of the part.
        size: Size of the model and the batch.
    """
    size = size or _BASE
    name = f"ViT of {size['dim']} dims, {size['depth']} blocks"
    contestants = [
        Contestant(f'{whose}, {name}', dtype, make, size['batch'], size, is_ours, package)
        for dtype in DTYPES
        for whose, make, is_ours, package in (
            ('PeCoViT', make_ours, True, 'peco'),
            ('mmpretrain.BEiTPretrainViT', make_mmpretrain, False, 'mmpretrain'),
            ('timm BEiT', make_timm, False, 'timm'))]
    rows = hold(contestants, device, threads, rounds)
    rates = matmul_gflops(device, threads)
    flops = flops_of(make_ours, 'cpu', 'float32', **dict(size, batch=1))
    limit = dict(gflop_per_image=flops / 1e9, matmul_gflops=rates)
    for dtype, rate in rates.items():
        limit[f'img_per_s at the matmul rate, {dtype}'] = rate * 1e9 / flops
        for row in rows:
            if row.dtype == dtype and row.img_per_s is not None:
                limit[f'share of the matmul rate, {row.name}, {dtype}'] = (
                    row.img_per_s * flops / 1e9 / rate)
    return Report(part, device_name(device), threads or torch.get_num_threads(), rows, limit)


def measure_small(root: Path, device: str = 'cpu', threads: int | None = None,
                  rounds: int = 3) -> Report:
    """A ViT of the small study's size, beside mmpretrain's and timm's; arguments as above."""
    return measure(root, device, threads, rounds, 'small', _SMALL)


def _inputs(device: str, img_size: int, patch_size: int, masked: int,
            batch: int) -> tuple[Tensor, Tensor]:
    """Images ``(B, 3, H, W)`` and masks ``(B, L)``."""
    tokens = (img_size // patch_size)**2
    mask = torch.rand(batch, tokens, device=device).argsort(dim=1) < masked
    return torch.randn(batch, 3, img_size, img_size, device=device), mask


def _step(model: torch.nn.Module, forward: Callable[[], Tensor], device: str,
          dtype: str) -> Callable[[], None]:
    model.train()

    def step() -> None:
        model.zero_grad(set_to_none=True)
        with precision(device, dtype):
            tokens = forward()
        tokens.float().square().mean().backward()
    return step


def make_ours(device: str, dtype: str, dim: int, depth: int, heads: int, img_size: int,
              patch_size: int, masked: int, batch: int) -> Callable[[], None]:
    """Forward and backward of PeCoViT."""
    from peco.models.backbones import PeCoViT
    model = PeCoViT(
        dict(embed_dims=dim, num_layers=depth, num_heads=heads), img_size=img_size,
        patch_size=patch_size, mask_token=True, out_type='raw').to(device)
    images, mask = _inputs(device, img_size, patch_size, masked, batch)
    return _step(model, lambda: model(images, mask)[-1], device, dtype)


def make_mmpretrain(device: str, dtype: str, dim: int, depth: int, heads: int, img_size: int,
                    patch_size: int, masked: int, batch: int) -> Callable[[], None]:
    """Forward and backward of mmpretrain's backbone of BEiT."""
    from mmpretrain.models import BEiTPretrainViT
    arch = dict(embed_dims=dim, num_layers=depth, num_heads=heads, feedforward_channels=4 * dim)
    model = BEiTPretrainViT(arch, img_size=img_size, patch_size=patch_size).to(device)
    images, mask = _inputs(device, img_size, patch_size, masked, batch)
    return _step(model, lambda: model(images, mask)[-1], device, dtype)


def make_timm(device: str, dtype: str, dim: int, depth: int, heads: int, img_size: int,
              patch_size: int, masked: int, batch: int) -> Callable[[], None]:
    """Forward and backward of timm's BEiT, which has no masks, with the norm at the end."""
    from timm.models.beit import Beit
    model = Beit(img_size=img_size, patch_size=patch_size, embed_dim=dim, depth=depth,
                 num_heads=heads, use_abs_pos_emb=False, use_shared_rel_pos_bias=True,
                 init_values=0.1, num_classes=0, global_pool='token').to(device)
    images, _ = _inputs(device, img_size, patch_size, masked, batch)
    return _step(model, lambda: model.forward_features(images), device, dtype)
