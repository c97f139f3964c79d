"""A step of the codebook: ids, update, straight-through, backward."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from peco.utils.run_in_child import run_in_child
from peco.utils.take_turns import ratio, take_turns

from .contest import Contestant, hold
from .report import Report, device_name

# 256 images of 14x14 vectors.
_SIZE = dict(batch=256, side=14, dim=256, codes=8192)
_MANY_CODES = 65536
_BLOCK = 2048


def measure(root: Path, device: str = 'cpu', threads: int | None = None, rounds: int = 3,
            size: dict | None = None, many_codes: int = _MANY_CODES) -> Report:
    """Our EMA codebooks, beside mmpretrain's and vector-quantize-pytorch's; fp32.

    mmpretrain's compares directions, as ``CosineEMAQuantizer`` does; the other one is Euclidean.

    Args:
        root: Not used; every part takes it.
        device: ``'cpu'`` or ``'cuda'``.
        threads: Threads of torch; None leaves torch's own choice.
        rounds: Calls that count.
        size: Images, side of the grid, channels and codes.
        many_codes: Codes of a last row, for its memory.

    Returns:
        ``limit`` has the bare product of all vectors and codes, in blocks that are new tensors
        and in one tensor for all, what the process holds before any codebook, and how far our
        choice is from the nearest code in float64.
    """
    size = size or _SIZE
    many = dict(size, codes=many_codes)
    name = f"{size['batch'] * size['side']**2:,} vectors of {size['dim']}, {size['codes']:,} codes"
    contestants = [
        Contestant(f'EMAQuantizer, {name}', 'float32', make_ours, size['batch'], size, True,
                   'peco'),
        Contestant('CosineEMAQuantizer', 'float32', make_cosine, size['batch'], size,
                   package='peco'),
        Contestant('mmpretrain.NormEMAVectorQuantizer', 'float32', make_mmpretrain,
                   size['batch'], size, package='mmpretrain'),
        Contestant('vector-quantize-pytorch', 'float32', make_vqp, size['batch'], size,
                   package='vector_quantize_pytorch'),
    ]
    rows = hold(contestants, device, threads, rounds)
    rows += hold([Contestant(f'EMAQuantizer, {many_codes:,} codes', 'float32', make_ours,
                             size['batch'], many, True, 'peco')], device, threads, 1)
    times, _ = run_in_child(_beside_product, device, rounds, size, threads=threads)
    _, bare = run_in_child(_inputs_only, device, size, threads=threads)
    excess, _ = run_in_child(worst_excess, device, size, threads=threads)
    limit = dict(bare_product_s=statistics.median(times['product']),
                 in_one_tensor_s=statistics.median(times['in_one_tensor']),
                 ours_over_bare_product=ratio(times['ours'], times['product']),
                 ours_over_product_in_one_tensor=ratio(times['ours'], times['in_one_tensor']),
                 vectors_and_libraries_mib=bare, worst_relative_excess_of_distance=excess)
    return Report('quantizer', device_name(device), threads or torch.get_num_threads(), rows,
                  limit)


def make_ours(device: str, dtype: str, batch: int, side: int, dim: int,
              codes: int) -> Callable[[], None]:
    """A training step of our codebook."""
    from peco.models.quantizers import EMAQuantizer
    z = _vectors(device, batch, side, dim)
    return _our_step(EMAQuantizer, z, _codes(z, codes))


def make_cosine(device: str, dtype: str, batch: int, side: int, dim: int,
                codes: int) -> Callable[[], None]:
    """A training step of our codebook of directions."""
    from peco.models.quantizers import CosineEMAQuantizer
    z = _vectors(device, batch, side, dim)
    return _our_step(CosineEMAQuantizer, z, F.normalize(_codes(z, codes)))


def _our_step(kind: Callable[..., nn.Module], z: Tensor, codes: Tensor) -> Callable[[], None]:
    quantizer = kind(len(codes), z.size(1), init='random').to(z.device).train()
    with torch.no_grad():
        quantizer.embedding.copy_(codes)

    def loss() -> Tensor:
        out = quantizer(z)
        return out.quantized.square().mean() + out.commitment_loss
    return _step(z, loss)


def make_mmpretrain(device: str, dtype: str, batch: int, side: int, dim: int,
                    codes: int) -> Callable[[], None]:
    """A training step of the codebook of mmpretrain's VQ-KD."""
    from mmpretrain.models.utils import NormEMAVectorQuantizer
    z = _vectors(device, batch, side, dim)
    quantizer = NormEMAVectorQuantizer(codes, dim, beta=1., kmeans_init=False).to(device).train()

    def loss() -> Tensor:
        quantized, commitment, _ = quantizer(z)
        return quantized.square().mean() + commitment
    return _step(z, loss)


def make_vqp(device: str, dtype: str, batch: int, side: int, dim: int,
             codes: int) -> Callable[[], None]:
    """A training step of vector-quantize-pytorch's codebook, Euclidean with EMA."""
    from vector_quantize_pytorch import VectorQuantize
    z = _vectors(device, batch, side, dim)
    # Straight-through as the others; its default turns gradients instead.
    quantizer = VectorQuantize(dim=dim, codebook_size=codes, decay=0.99, accept_image_fmap=True,
                               rotation_trick=False)
    quantizer = quantizer.to(device).train()

    def loss() -> Tensor:
        quantized, _, commitment = quantizer(z)
        return quantized.square().mean() + commitment.sum()
    return _step(z, loss)


def worst_excess(device: str, size: dict) -> float:
    """Largest relative excess of a chosen squared distance over the least one, in float64."""
    from peco.models.quantizers.nearest_code import nearest_code
    z = _vectors(device, size['batch'], size['side'], size['dim']).detach()
    rows = z.permute(0, 2, 3, 1).reshape(-1, size['dim'])
    codes = _codes(z, size['codes'])
    ids, _ = nearest_code(rows, codes)
    worst = 0.
    for part, chosen in zip(rows.split(512), ids.split(512), strict=True):
        exact = torch.cdist(part.double(), codes.double()).square()
        least = exact.min(dim=1).values
        taken = exact.gather(1, chosen[:, None])[:, 0]
        worst = max(worst, ((taken - least) / least).max().item())
    return worst


def _vectors(device: str, batch: int, side: int, dim: int) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(batch, dim, side, side, device=device).requires_grad_()


def _codes(z: Tensor, codes: int) -> Tensor:
    torch.manual_seed(1)
    return torch.randn(codes, z.size(1), device=z.device)


def _step(z: Tensor, loss: Callable[[], Tensor]) -> Callable[[], None]:
    def step() -> None:
        z.grad = None
        loss().backward()
    return step


def _beside_product(device: str, rounds: int, size: dict) -> dict[str, list[float]]:
    """Seconds of the bare product in blocks, in two ways, and of ours, in turn."""
    z = _vectors(device, size['batch'], size['side'], size['dim']).detach()
    rows = z.permute(0, 2, 3, 1).reshape(-1, size['dim']).contiguous()
    codes = _codes(z, size['codes']).t().contiguous()
    scores = z.new_empty(_BLOCK, size['codes'])

    def product() -> None:
        for part in rows.split(_BLOCK):
            part @ codes

    def in_one_tensor() -> None:
        for part in rows.split(_BLOCK):
            torch.mm(part, codes, out=scores[:len(part)])
    return take_turns(
        dict(product=product, in_one_tensor=in_one_tensor,
             ours=make_ours(device, 'float32', **size)), rounds, device=device)


def _inputs_only(device: str, size: dict) -> None:
    import peco.models.quantizers  # noqa: F401
    _vectors(device, size['batch'], size['side'], size['dim'])
