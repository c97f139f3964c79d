"""Perceptual network from one self-describing file."""

from __future__ import annotations

from peco.registry import MODELS
from peco.utils.load_exactly import load_exactly

from .backbone_features import BackboneFeatures
from .network_file import read_network


@MODELS.register_module()
class PerceptualNetwork(BackboneFeatures):
    """The network f that ``tools/export_perceptual.py`` made of a self-supervised checkpoint.

    The file carries architecture, weights, normalisation and origin, so a tokenizer config needs
    its path only.

    Args:
        checkpoint: Path of the file.

    Raises:
        FileNotFoundError: If there is no such file; the message tells how to make it.
        ValueError: If it is another kind of file.

    Example:
        >>> from peco.models.perceptual import PerceptualNetwork
        >>> f = PerceptualNetwork('work_dirs/perceptual.pth')  # doctest: +SKIP
    """

    def __init__(self, checkpoint: str) -> None:
        content = read_network(checkpoint)
        super().__init__(content['backbone'], content['mean'], content['std'], allow_random=True)
        load_exactly(self.backbone, content['state_dict'], checkpoint)
        self.source = content['source']
        self.fingerprint = content['fingerprint']
