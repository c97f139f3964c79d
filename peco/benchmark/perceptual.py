"""The perceptual loss with its gradient to the reconstruction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from .contest import DTYPES, Contestant, hold, precision
from .report import Report, device_name

_SIZE = dict(dim=768, depth=12, heads=12, img_size=224, patch_size=16, batch=4)


def measure(root: Path, device: str = 'cpu', threads: int | None = None, rounds: int = 3,
            size: dict | None = None) -> Report:
    """Features of four depths of ViT-B, ours beside two plain ways; LPIPS (VGG) for information.

    Plain: a frozen network on an original without and a reconstruction with gradient, as in
    training. Recorded: the original carries a gradient, too, so that both forward passes are
    recorded and gone through backwards.

    Args:
        root: Not used; every part takes it.
        device: ``'cpu'`` or ``'cuda'``.
        threads: Threads of torch; None leaves torch's own choice.
        rounds: Calls that count.
        size: Size of the network and the batch.
    """
    size = size or _SIZE
    name = f"ViT of {size['dim']} dims, four depths"
    contestants = [
        Contestant(title, dtype, make, size['batch'], size, is_ours, package)
        for dtype in DTYPES
        for title, make, is_ours, package in (
            (f'PerceptualLoss, {name}', make_ours, True, 'peco'),
            ('the same network, plain', make_plain, False, 'peco'),
            ('the same network, both forwards recorded', make_recorded, False, 'peco'),
            ('LPIPS, VGG-16', make_lpips, False, 'lpips'))]
    rows = hold(contestants, device, threads, rounds)
    return Report('perceptual', device_name(device), threads or torch.get_num_threads(), rows)


def _network(device: str, dim: int, depth: int, heads: int, img_size: int, patch_size: int,
             batch: int) -> nn.Module:
    from peco.models.perceptual import BackboneFeatures
    network = BackboneFeatures(
        dict(type='peco.PeCoViT', arch=dict(embed_dims=dim, num_layers=depth, num_heads=heads),
             img_size=img_size, patch_size=patch_size, out_type='featmap',
             out_indices=[depth * (i + 1) // 4 - 1 for i in range(4)]),
        mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), allow_random=True)
    return network.to(device)


def _images(device: str, size: dict) -> tuple[Tensor, Tensor]:
    shape = size['batch'], 3, size['img_size'], size['img_size']
    return torch.rand(shape, device=device), torch.rand(shape, device=device).requires_grad_()


def _step(x: Tensor, x_hat: Tensor, loss: Callable[[Tensor, Tensor], Tensor], device: str,
          dtype: str) -> Callable[[], None]:
    def step() -> None:
        x.grad = x_hat.grad = None
        with precision(device, dtype):
            value = loss(x, x_hat)
        value.backward()
    return step


def make_ours(device: str, dtype: str, **size: int) -> Callable[[], None]:
    """Our loss: the original without a record, the network without gradients of its own."""
    from peco.models.perceptual import PerceptualLoss
    loss = PerceptualLoss(_network(device, **size)).to(device)
    return _step(*_images(device, size), loss, device, dtype)


def make_plain(device: str, dtype: str, **size: int) -> Callable[[], None]:
    """Squared differences of a frozen network's features, without further care."""
    loss = _plain_loss(device, size)
    return _step(*_images(device, size), loss, device, dtype)


def make_recorded(device: str, dtype: str, **size: int) -> Callable[[], None]:
    """The same where the original has a gradient."""
    loss = _plain_loss(device, size)
    x, x_hat = _images(device, size)
    return _step(x.requires_grad_(), x_hat, loss, device, dtype)


def _plain_loss(device: str, size: dict) -> Callable[[Tensor, Tensor], Tensor]:
    network = _network(device, **size).requires_grad_(False).eval()
    return lambda x, x_hat: sum((a.float() - b.float()).square().mean()
                                for a, b in zip(network(x), network(x_hat), strict=True))


def make_lpips(device: str, dtype: str, **size: int) -> Callable[[], None]:
    """LPIPS with a VGG of random weights: none are downloaded."""
    import lpips
    network = lpips.LPIPS(net='vgg', pretrained=False, pnet_rand=True, verbose=False).to(device)
    network.requires_grad_(False)

    def loss(x: Tensor, x_hat: Tensor) -> Tensor:
        return network(x, x_hat, normalize=True).mean()
    return _step(*_images(device, size), loss, device, dtype)
