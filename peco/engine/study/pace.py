"""How fast is this machine?"""

from __future__ import annotations

import statistics

import torch
from mmengine.registry import DefaultScope

from peco.registry import MODELS
from peco.utils.run_in_child import run_in_child
from peco.utils.take_turns import take_turns

_VIT = dict(
    type='peco.PeCoViT', arch=dict(embed_dims=128, num_layers=6, num_heads=4), img_size=32,
    patch_size=4, out_type='avg_featmap')
_RESNET = dict(type='mmpretrain.ResNet_CIFAR', depth=18, stem_channels=32, base_channels=32)
_IMAGES, _STEPS = 64, 5


def step_seconds(amp: bool = False, threads: int = 1) -> float:
    """Time a step of the small networks that studies train: forward and backward of 64 images.

    In a process of its own: stages are forks of this one, and a fork of a process whose thread
    pool has started hangs.

    Args:
        amp: In bfloat16.
        threads: Threads that it may use.

    Returns:
        Seconds, the median of a few steps.
    """
    return run_in_child(_median_step, amp, threads=threads)[0]


def _median_step(amp: bool) -> float:
    import peco.models  # noqa: F401  (registers the networks)

    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        networks = [MODELS.build(cfg).to(device) for cfg in (_VIT, _RESNET)]
    images = torch.rand(_IMAGES, 3, 32, 32, device=device)

    def step() -> None:
        for network in networks:
            with torch.autocast(device, torch.bfloat16, enabled=amp):
                loss = network(images)[-1].float().square().mean()
            loss.backward()

    return statistics.median(take_turns({'step': step}, _STEPS, device=device)['step'])
