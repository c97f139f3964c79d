"""See what a tokenizer or a masked model does, while it trains."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from mmengine.dist import master_only
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import IterableDataset

from peco.registry import HOOKS
from peco.utils.value_range import to_unit
from peco.visualization import masked_prediction_grid, reconstruction_grid, save_picture

from .epoch_end import unwrap
from .epoch_end_hook import EpochEndHook
from .keep_state import keep_state


@HOOKS.register_module()
class PictureHook(EpochEndHook):
    """Save a picture of the same few images every few epochs, in ``work_dir/pictures``.

    A tokenizer shows originals, reconstructions and token maps; a masked model shows masked
    inputs and its prediction decoded. Tokens that cannot be turned into images (VQ-KD) are drawn
    as maps. The images come from the validation data, or from the
    training data where there is none, spread evenly over it. Training goes on as if no picture
    had been drawn: modes and random states are given back.

    Args:
        interval: Epochs between two pictures. The last epoch always has one.
        num_images: Images in a picture.
        seed: Seed of crops and masks.

    Example:
        >>> custom_hooks = [dict(type='peco.PictureHook', interval=5, num_images=12)]
    """

    priority = 'LOW'

    def __init__(self, interval: int = 1, num_images: int = 8, seed: int = 0) -> None:
        super().__init__(interval)
        if num_images < 1:
            raise ValueError(f'num_images={num_images} of PictureHook must be at least 1')
        self.num_images = num_images
        self.seed = seed
        self._batch: dict | None = None

    @master_only
    def at_epoch_end(self, runner: Runner, epoch: int, step: int) -> None:
        """Draw."""
        model = unwrap(runner.model)
        with keep_state(model, self.seed), _tokenizer_of(model):
            if self._batch is None:
                self._batch = self._choose_images(runner)
            data = model.data_preprocessor(self._batch, False)
            drawn = draw_model(model, data['inputs'], data.get('data_samples'), f'epoch {epoch}')
        if drawn is None:
            runner.logger.warning('peco.PictureHook has nothing to draw yet: the codebook is not '
                                  'initialised')
            return
        stage, picture = drawn
        path = save_picture(
            picture, Path(runner.work_dir) / 'pictures' / f'{stage}_epoch_{epoch:02d}.png')
        runner.logger.info(f'Picture: {path}')

    def _choose_images(self, runner: Runner) -> dict:
        loader = runner.train_dataloader if runner.val_loop is None else runner.val_dataloader
        size = len(loader.dataset)
        count = min(self.num_images, size)
        if isinstance(loader.dataset, IterableDataset):
            # A copy from its beginning: a pass of its own would count as one of the training's.
            dataset = copy.deepcopy(loader.dataset)
            if hasattr(dataset, 'set_epoch'):
                dataset.set_epoch(0)
            return loader.collate_fn(list(islice(dataset, count)))
        indices = np.linspace(0, size - 1, count).round().astype(int).tolist()
        return loader.collate_fn([loader.dataset[index] for index in indices])


def _tokenizer_of(model: nn.Module) -> AbstractContextManager:
    """A masked model that a token cache feeds takes its tokenizer into memory to be drawn."""
    return model.with_tokenizer() if hasattr(model, 'with_tokenizer') else nullcontext()


def draw_model(model: nn.Module, inputs: torch.Tensor | list[torch.Tensor],
               data_samples: list | None, title: str) -> tuple[str, np.ndarray] | None:
    """Draw what a model makes of a preprocessed batch.

    Args:
        model: A tokenizer, or a masked model that holds one, in eval mode.
        inputs: From its data preprocessor.
        data_samples: Of the batch, with ``mask`` for a masked model.
        title: Where in the training this is.

    Returns:
        Stage (``'tokenizer'`` or ``'pretrain'``) and uint8 RGB picture; None where the codebook is
        not initialised.

    Raises:
        TypeError: The model is neither.
    """
    if hasattr(model, 'predict_tokens'):
        images = inputs[1]
        masks = torch.stack([torch.as_tensor(sample.get('mask')) for sample in data_samples])
        masks = masks.to(images.device).bool()
        true, predicted = model.tokenize(images), model.predict_tokens(inputs, masks)
        hits = ((predicted == true) & masks).flatten(1).sum(1)
        accuracy = (hits / masks.flatten(1).sum(1).clamp(min=1) * 100).tolist()
        if hasattr(model.tokenizer, 'decode'):
            true, predicted = (_to_unit(model.tokenizer.decode(ids), model.tokenizer)
                               for ids in (true, predicted))
        return 'pretrain', masked_prediction_grid(
            images.float().cpu(), masks, predicted, true, accuracy, f'pretraining, {title}')
    if hasattr(model, 'quantizer'):
        if not getattr(model.quantizer, 'initialised', True):
            return None
        images = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        ids = model.tokenize(images)
        decoded = _to_unit(model.decode(ids), model) if hasattr(model, 'decode') else None
        return 'tokenizer', reconstruction_grid(
            _to_unit(images, model), decoded, ids, f'tokenizer, {title}')
    raise TypeError(f'{type(model).__name__} is neither a tokenizer nor a masked model, there is '
                    'nothing to draw')


def _to_unit(images: torch.Tensor, tokenizer: nn.Module) -> torch.Tensor:
    return to_unit(images.float(), getattr(tokenizer, 'value_range', (0., 1.))).cpu()
