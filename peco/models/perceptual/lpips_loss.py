"""LPIPS as the perceptual loss."""

from __future__ import annotations

import torch
from torch import nn

from peco.registry import MODELS
from peco.utils.checkpoint import load_checkpoint
from peco.utils.load_exactly import load_exactly

from ..utils.frozen import Frozen
from .base_perceptual_loss import BasePerceptualLoss

TRUNKS = dict(vgg='vgg16', alex='alexnet', squeeze='squeezenet1_1')


@MODELS.register_module()
class LPIPSLoss(BasePerceptualLoss):
    """Learned perceptual similarity (Zhang et al. 2018) by the ``lpips`` package.

    The package brings the linear heads; the trunk is torchvision's ImageNet classifier, whose
    weights must lie in a local file. The images are brought from ``input_range`` to the [-1, 1]
    that LPIPS expects.

    Args:
        net: Trunk: ``'vgg'``, ``'alex'`` or ``'squeeze'``.
        trunk_checkpoint: torchvision's state dict of vgg16, alexnet or squeezenet1_1.
        allow_random: Permit a random trunk when ``trunk_checkpoint`` is None.
        weight, input_range: See :class:`BasePerceptualLoss`.

    Raises:
        FileNotFoundError: If the checkpoint is missing.
        ValueError: If the trunk is unknown, the checkpoint does not fit, or none is given
            without ``allow_random``.

    Example:
        >>> import torch
        >>> from peco.models.perceptual import LPIPSLoss
        >>> loss = LPIPSLoss('vgg', 'vgg16-397923af.pth')  # doctest: +SKIP
    """

    def __init__(self,
                 net: str = 'vgg',
                 trunk_checkpoint: str | None = None,
                 weight: float = 1.,
                 input_range: tuple[float, float] = (0., 1.),
                 allow_random: bool = False) -> None:
        super().__init__(weight, input_range)
        if net not in TRUNKS:
            raise ValueError(f'net must be one of {tuple(TRUNKS)}, got {net!r}.')
        if trunk_checkpoint is None and not allow_random:
            raise ValueError(
                f'LPIPS needs the trunk weights of torchvision\'s {TRUNKS[net]}: set '
                f'trunk_checkpoint to a local file with its state dict (the file that '
                f'torchvision.models.{TRUNKS[net]}(weights="IMAGENET1K_V1") downloads), or '
                f'allow_random=True to use random weights.')
        import lpips
        # pnet_rand keeps lpips from downloading the trunk; the linear heads are in the package.
        model = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
        if trunk_checkpoint is not None:
            _load_trunk(model.net, trunk_checkpoint)
        self.network = Frozen(model)

    def _distances(self, x: torch.Tensor, x_hat: torch.Tensor) -> torch.Tensor:
        # In fp32: differences of unit vectors have few digits in half precision.
        with torch.autocast(x.device.type, enabled=False):
            return self.network(x.float() * 2 - 1, x_hat.float() * 2 - 1).flatten()


def _load_trunk(trunk: nn.Module, checkpoint: str) -> None:
    loaded = load_checkpoint(checkpoint)
    state = loaded.get('state_dict', loaded)
    # lpips cuts torchvision's `features` into slices and keeps the layer numbers.
    found = {}
    for name in trunk.state_dict():
        origin = f'features.{name.split(".", 1)[1]}'
        if origin in state:
            found[name] = state[origin]
    load_exactly(trunk, found, checkpoint)
