"""A trained tokenizer, ready to give targets."""

from __future__ import annotations

import copy
from pathlib import Path

from peco.registry import MODELS
from peco.utils.load_exactly import load_exactly

from .base_tokenizer import BaseTokenizer

_FOR_TRAINING = ('perceptual_loss', 'network', 'data_preprocessor', 'init_cfg')


def load_frozen_tokenizer(cfg: dict, checkpoint: str) -> BaseTokenizer:
    """Build a tokenizer without its losses, load its weights and freeze it.

    The checkpoint is one that ``tools/train.py`` wrote for a tokenizer config (or a bare state
    dict). It is read weights-only and must fit exactly.

    Args:
        cfg: Config of the tokenizer, ``dict(type='peco.PerceptualTokenizer', ...)``.
        checkpoint: Path of the checkpoint.

    Returns:
        The tokenizer in eval mode for good, without gradients.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the checkpoint is of another architecture or not initialised.

    Example:
        >>> from peco.models.tokenizers import load_frozen_tokenizer
        >>> tokenizer = load_frozen_tokenizer(cfg.model, 'epoch_100.pth')  # doctest: +SKIP
    """
    path = Path(checkpoint)
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no tokenizer checkpoint at '{checkpoint}'. Check the path, or train the "
            'tokenizer first: python tools/train.py with the tokenizer config.')
    from peco.utils.checkpoint import load_checkpoint
    loaded = load_checkpoint(str(path), map_location='cpu')
    state = loaded.get('state_dict', loaded)
    cfg = copy.deepcopy(dict(cfg))
    # Other tokenizers need not take these arguments.
    cfg.update({key: None for key in _FOR_TRAINING if key in cfg})
    tokenizer = MODELS.build(cfg)
    load_exactly(tokenizer, state, checkpoint)
    if not tokenizer.quantizer.initialised:
        raise ValueError(f'The codebook in {checkpoint} is not initialised: train the tokenizer '
                         f'for more steps and use a later checkpoint.')
    tokenizer.trained_size = tuple(loaded.get('image_size') or ()) or None
    return tokenizer.freeze()
