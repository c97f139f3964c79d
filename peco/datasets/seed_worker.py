"""Random state of a process that loads images."""

import random

import numpy as np
import torch

from peco.registry import FUNCTIONS


@FUNCTIONS.register_module()
def seed_worker(worker_id: int) -> None:
    """Seed Python and numpy in a worker as torch has seeded itself there: anew in every epoch.

    mmengine's own function gives each worker the same seed whenever it is started, so that workers
    that do not outlive an epoch repeat its crops and masks in the next one.

    Example:
        >>> train_dataloader = dict(worker_init_fn=dict(type='peco.seed_worker'))
    """
    seed = torch.initial_seed() % 2**32
    random.seed(seed)
    np.random.seed(seed)
