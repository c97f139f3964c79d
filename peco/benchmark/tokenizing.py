"""Token ids of images: encoder and nearest codes, without gradients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from mmengine.config import Config

from .contest import Contestant, hold, precision
from .report import Report, device_name

_DTYPE = 'bfloat16'
#: Encoder of BEiT v2's tokenizer, as mmpretrain's config has it.
VQKD_ENCODER = dict(
    arch='base', img_size=224, patch_size=16, out_indices=-1, norm_cfg=dict(type='LN', eps=1e-6),
    final_norm=True, out_type='featmap', with_cls_token=True, use_abs_pos_emb=True,
    use_rel_pos_bias=False, use_shared_rel_pos_bias=False, layer_scale_init_value=0.)


def measure(root: Path, device: str = 'cpu', threads: int | None = None, rounds: int = 3,
            batch: int = 4) -> Report:
    """Our f16 tokenizers beside a plain VQGAN encoder, DALL-E's and VQ-KD's; bfloat16.

    Pretraining and the token cache use float32 unless ``tokenizer_amp=True``.

    Args:
        root: The repository, with ``configs``.
        device: ``'cpu'`` or ``'cuda'``.
        threads: Threads of torch; None leaves torch's own choice.
        rounds: Calls that count.
        batch: Images of 224 px (of 112 px for DALL-E, which reads those).
    """
    models = root / 'configs/_base_/models'
    ours = dict(config=str(models / 'tokenizer_vqgan-f16.py'), batch=batch)
    lite = dict(config=str(models / 'tokenizer_vqgan-f16-lite.py'), batch=batch)
    contestants = [
        Contestant('tokenizer_vqgan-f16', _DTYPE, make_ours, batch, ours, True, 'peco'),
        Contestant('tokenizer_vqgan-f16-lite', _DTYPE, make_ours, batch, lite, package='peco'),
        Contestant('plain VQGAN-f16 encoder', _DTYPE, make_plain, batch, ours, package='peco'),
        Contestant('mmpretrain.DALLEEncoder, 112 px', _DTYPE, make_dalle, batch,
                   dict(batch=batch), package='mmpretrain'),
        Contestant('mmpretrain.VQKD, ViT-B', _DTYPE, make_vqkd, batch, dict(batch=batch),
                   package='mmpretrain'),
    ]
    rows = hold(contestants, device, threads, rounds)
    return Report('tokenize', device_name(device), threads or torch.get_num_threads(), rows)


def tokenizer_with_random_codes(config: str) -> torch.nn.Module:
    """The tokenizer of a config fragment, with a codebook as if trained."""
    import peco.models  # noqa: F401
    from peco.registry import MODELS
    cfg = Config.fromfile(config).tokenizer
    cfg.quantizer.init = 'random'
    return MODELS.build(cfg).freeze()


def _call(function: Callable[[torch.Tensor], object], images: torch.Tensor, device: str,
          dtype: str) -> Callable[[], None]:
    @torch.inference_mode()
    def call() -> None:
        with precision(device, dtype):
            function(images)
    return call


def make_ours(device: str, dtype: str, config: str, batch: int) -> Callable[[], None]:
    """Ids by a tokenizer of ours."""
    tokenizer = tokenizer_with_random_codes(config).to(device)
    return _call(tokenizer.tokenize, torch.rand(batch, 3, 224, 224, device=device), device, dtype)


def make_plain(device: str, dtype: str, config: str, batch: int) -> Callable[[], None]:
    """The default tokenizer's layers in torch's own layout, ids by all distances at once."""
    from peco.models.tokenizers.blocks import ResidualBlock
    tokenizer = tokenizer_with_random_codes(config).to(device)
    encoder = tokenizer.encoder

    def ids(images: torch.Tensor) -> torch.Tensor:
        vectors = encoder.stem(2 * images - 1)
        for layer in encoder.blocks:
            if isinstance(layer, ResidualBlock):
                inner = layer.conv1(F.silu(layer.norm1(vectors)))
                vectors = layer.skip(vectors) + layer.conv2(F.silu(layer.norm2(inner)))
            else:
                vectors = layer(vectors)
        vectors = encoder.head(F.silu(encoder.norm(vectors)))
        rows = vectors.permute(0, 2, 3, 1).flatten(0, 2).float()
        codes = tokenizer.quantizer.codes
        with torch.autocast(device, enabled=False):  # ours, too, compares in float32
            return (codes.square().sum(1) - 2 * rows @ codes.t()).argmin(dim=1)
    return _call(ids, torch.rand(batch, 3, 224, 224, device=device), device, dtype)


def make_dalle(device: str, dtype: str, batch: int) -> Callable[[], None]:
    """Ids by mmpretrain's DALL-E encoder, the targets of BEiT."""
    from mmpretrain.models import DALLEEncoder
    encoder = DALLEEncoder().to(device).eval()
    return _call(lambda images: encoder(images).argmax(dim=1),
                 torch.rand(batch, 3, 112, 112, device=device), device, dtype)


def make_vqkd(device: str, dtype: str, batch: int) -> Callable[[], None]:
    """Ids by mmpretrain's VQ-KD, the targets of BEiT v2."""
    from mmpretrain.models import VQKD
    tokenizer = VQKD(VQKD_ENCODER, quantize_kmeans_init=False).to(device)
    tokenizer.eval()
    return _call(tokenizer.get_tokens, torch.rand(batch, 3, 224, 224, device=device), device,
                 dtype)
