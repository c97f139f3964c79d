"""A whole step of pretraining: images to targets, loss, backward, AdamW."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from .contest import Contestant, hold, precision
from .limits import flops_of, matmul_gflops
from .report import Report, device_name
from .tokenizing import VQKD_ENCODER

_DTYPE = 'bfloat16'
_MASKED, _GRID, _CODES = 75, 14, 8192


def measure(root: Path, device: str = 'cpu', threads: int | None = None, rounds: int = 3,
            batch: int = 8, compiled: bool = False) -> Report:
    """ViT-B/16 with cached tokens, beside mmpretrain's BEiT with DALL-E's and VQ-KD's targets.

    Args:
        root: The repository, with ``configs``.
        device: ``'cpu'`` or ``'cuda'``.
        threads: Threads of torch; None leaves torch's own choice.
        rounds: Calls that count.
        batch: Images of 224 px.
        compiled: Also time our step through ``torch.compile``, as ``--cfg-options compile=True``
            trains.

    Returns:
        ``limit`` has our own backbone, head and optimizer alone, and the model FLOP utilisation of
        our steps: products of forward and backward as a share of the measured matmul rate.
    """
    arguments = dict(batch=batch)
    contestants = [
        Contestant('PeCo, cached tokens', _DTYPE, make_ours, batch, arguments, True, 'peco'),
        *([Contestant('PeCo, cached tokens, compiled', _DTYPE, make_compiled, batch, arguments,
                      package='peco')] if compiled else []),
        Contestant('mmpretrain.BEiT, DALL-E', _DTYPE, make_dalle, batch, arguments,
                   package='mmpretrain'),
        Contestant('mmpretrain.BEiT, VQ-KD', _DTYPE, make_vqkd, batch, arguments,
                   package='mmpretrain'),
    ]
    rows = hold(contestants, device, threads, rounds)
    # By themselves: what ran before leaves its mark on a CPU's memory.
    bare = Contestant('bare', _DTYPE, make_bare, batch, arguments, package='peco')
    bare = hold([contestants[0], bare], device, threads, 2 * rounds)[1]
    limit = {'backbone, head and AdamW alone, s': bare.median_s,
             'our step over these': 1 / bare.ratio_vs_ours}
    rate = matmul_gflops(device, threads)[_DTYPE]
    gflop = flops_of(make_bare, 'cpu', _DTYPE, batch=1) / 1e9
    limit.update({'gflop_per_image': gflop, 'matmul_gflops': rate})
    for row in rows:
        if row.name.startswith('PeCo'):
            limit[f'model FLOP utilisation, {row.name}'] = row.img_per_s * gflop / rate
    return Report('pretrain-step', device_name(device), threads or torch.get_num_threads(), rows,
                  limit)


def _model() -> nn.Module:
    from peco.models.pretrainers import PeCo
    return PeCo(
        backbone=dict(type='peco.PeCoViT', mask_token=True, out_type='raw', drop_path_rate=0.1),
        head=dict(type='peco.MIMHead', embed_dims=768, num_classes=_CODES))


def _optim_wrapper(model: nn.Module, **kwargs: bool):
    """That of the configs, ours with ``fused=True``, mmpretrain's without."""
    return build_optim_wrapper(model, dict(
        type='peco.AmpOptimWrapper',
        optimizer=dict(
            type='AdamW', lr=1.5e-3, betas=(0.9, 0.999), weight_decay=0.05, **kwargs),
        clip_grad=dict(max_norm=3.0)))


def _samples(batch: int) -> list:
    """Data samples with a mask and token ids."""
    from mmpretrain.structures import DataSample
    rng = np.random.default_rng(0)
    samples = []
    for _ in range(batch):
        mask = np.zeros(_GRID**2, np.uint8)
        mask[rng.permutation(_GRID**2)[:_MASKED]] = 1
        sample = DataSample().set_mask(mask.reshape(_GRID, _GRID))
        ids = torch.from_numpy(rng.integers(0, _CODES, (_GRID, _GRID)))
        sample.set_field(ids, 'token_ids')
        samples.append(sample)
    return samples


def _images(batch: int, size: int = 224) -> torch.Tensor:
    return torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8)


def _train_step(model: nn.Module, data: dict, **kwargs: bool) -> Callable[[], None]:
    optim_wrapper = _optim_wrapper(model, **kwargs)
    model.train()
    return lambda: model.train_step(data, optim_wrapper)


def make_ours(device: str, dtype: str, batch: int) -> Callable[[], None]:
    """Our step with token ids in the data samples, as a token cache gives them."""
    import peco.engine  # noqa: F401
    data = dict(inputs=_images(batch), data_samples=_samples(batch))
    return _train_step(_model().to(device), data, fused=True)


def make_compiled(device: str, dtype: str, batch: int) -> Callable[[], None]:
    """The same through ``torch.compile``; the first call compiles."""
    import peco.engine  # noqa: F401
    model = _model().to(device)
    model.forward = torch.compile(model.forward)
    data = dict(inputs=_images(batch), data_samples=_samples(batch))
    step = _train_step(model, data, fused=True)
    step()
    return step


def _beit(device: str, batch: int, second: int, **parts: dict) -> Callable[[], None]:
    from mmengine.registry import init_default_scope
    from mmpretrain.models import BEiT

    import peco.engine  # noqa: F401  (autocast on a CPU, which mmengine's wrapper refuses)
    init_default_scope('mmpretrain')
    model = BEiT(
        backbone=dict(type='BEiTPretrainViT', arch='base', patch_size=16, drop_path_rate=0.1,
                      layer_scale_init_value=0.1, **parts.pop('backbone')),
        data_preprocessor=dict(
            type='TwoNormDataPreprocessor', mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375], second_mean=[127.5] * 3, second_std=[127.5] * 3,
            to_rgb=True), **parts).to(device)
    data = dict(inputs=[_images(batch), _images(batch, second)], data_samples=_samples(batch))
    return _train_step(model, data)


def make_dalle(device: str, dtype: str, batch: int) -> Callable[[], None]:
    """mmpretrain's step of BEiT."""
    return _beit(device, batch, 112, backbone=dict(),
                 head=dict(type='BEiTV1Head', embed_dims=768, num_embed=_CODES,
                           loss=dict(type='CrossEntropyLoss')),
                 target_generator=dict(type='DALL-E'))


def make_vqkd(device: str, dtype: str, batch: int) -> Callable[[], None]:
    """mmpretrain's step of BEiT v2."""
    return _beit(device, batch, 224, backbone=dict(out_indices=[-4, -1], final_norm=False),
                 neck=dict(type='BEiTV2Neck', num_layers=2, early_layers=9, backbone_arch='base',
                           drop_path_rate=0.1, layer_scale_init_value=0.1),
                 head=dict(type='BEiTV2Head', embed_dims=768, num_embed=_CODES,
                           loss=dict(type='CrossEntropyLoss')),
                 target_generator=dict(type='VQKD', encoder_config=VQKD_ENCODER,
                                       quantize_kmeans_init=False))


def make_bare(device: str, dtype: str, batch: int) -> Callable[[], None]:
    """Our backbone, head and optimizer on tensors that lie ready."""
    import peco.engine  # noqa: F401
    model = _model().to(device).train()
    optim_wrapper = _optim_wrapper(model, fused=True)
    images = torch.randn(batch, 3, 224, 224, device=device)
    mask = torch.stack([sample.mask for sample in _samples(batch)]).bool().to(device)
    ids = torch.randint(0, _CODES, (batch * _MASKED, ), device=device)

    def step() -> None:
        with precision(device, dtype):
            tokens = model.backbone(images, mask)[-1][:, 1:]
            loss = model.head.loss(tokens[mask.flatten(1)], ids)['loss_mim']
        optim_wrapper.update_params(loss)
    return step
