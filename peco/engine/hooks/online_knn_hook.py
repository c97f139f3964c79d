"""Watch the features get better while a model pretrains without labels."""

from __future__ import annotations

from copy import deepcopy
from itertools import chain, zip_longest

import torch
from mmengine.dist import all_gather_object
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from peco.engine.image_folders import image_folder_configs, unlabelled_folder, use_test_mode
from peco.evaluation.functional import weighted_knn
from peco.registry import HOOKS

from .epoch_end import unwrap
from .epoch_end_hook import EpochEndHook
from .keep_state import keep_state


@HOOKS.register_module()
class OnlineKNNHook(EpochEndHook):
    """Classify by weighted kNN on the model's features every few epochs; logs ``knn_top1`` (%).

    The model must give ``feature`` ``(C,)`` in predict mode. Features are taken on all ranks.
    Without class folders there is nothing to classify: the hook says so once and stays off. Classes
    with fewer than ``num_per_class`` images give all of theirs, with a warning.

    Args:
        bank_dataloader: Config of the data loader of labelled images to vote (mmengine's, with
            ``sampler=dict(type='DefaultSampler', shuffle=False)``).
        query_dataloader: Config of the data loader of images to classify.
        interval: Epochs between two measurements. The last epoch always has one.
        k: Number of neighbours.
        temperature: Temperature of the votes.

    Example:
        >>> loader = dict(
        ...     batch_size=250, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False))
        >>> images = dict(type='peco.ImageFolder', data_root='train', num_per_class=500)
        >>> custom_hooks = [dict(
        ...     type='peco.OnlineKNNHook', interval=5,
        ...     bank_dataloader=dict(
        ...         loader, dataset=dict(images, holdout=dict(fraction=0.1, part='train'))),
        ...     query_dataloader=dict(
        ...         loader, dataset=dict(images, holdout=dict(fraction=0.1, part='val'))))]
    """

    priority = 'LOW'

    def __init__(self, bank_dataloader: dict, query_dataloader: dict, interval: int = 1,
                 k: int = 20, temperature: float = 0.07) -> None:
        super().__init__(interval)
        self.loaders = deepcopy(dict(bank=bank_dataloader, query=query_dataloader))
        self.is_off = False
        for loader in self.loaders.values():
            use_test_mode(loader)
            for _, dataset in image_folder_configs(loader.get('dataset')):
                dataset['allow_fewer'] = True
        self.k = k
        self.temperature = temperature
        self._built: dict[str, DataLoader] = {}

    def before_train(self, runner: Runner) -> None:
        """Build the data sets: a fault in them shows at once, not after an epoch."""
        folder = self._unlabelled_folder()
        self.is_off = folder is not None
        if self.is_off:
            runner.logger.warning(f"no online kNN: '{folder}' has no class folders, so there is "
                                  'nothing to classify. Training goes on without it')
            return
        for role in self.loaders:
            self._loader(runner, role)

    def at_epoch_end(self, runner: Runner, epoch: int, step: int) -> None:
        """Measure."""
        if self.is_off:
            return
        with keep_state(unwrap(runner.model), seed=0):
            bank, bank_labels = self._features(runner, 'bank')
            query, query_labels = self._features(runner, 'query')
        device = next(unwrap(runner.model).parameters()).device
        predicted = weighted_knn(bank.to(device), bank_labels.to(device), query.to(device), self.k,
                                 self.temperature)
        top1 = (predicted.cpu() == query_labels).double().mean().item() * 100
        runner.message_hub.update_scalar('knn/knn_top1', top1)
        runner.visualizer.add_scalars(dict(knn_top1=top1), step=step)
        runner.logger.info(f'kNN after epoch {epoch}: {top1:.2f} % top-1 ({len(query)} images, '
                           f'bank of {len(bank)}, k={self.k})')

    def _features(self, runner: Runner, role: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Features ``(N, C)`` and labels ``(N,)`` of a whole data set, on every rank the same."""
        loader, model = self._loader(runner, role), unwrap(runner.model)
        found = []
        for batch in loader:
            for sample in model.val_step(batch):
                if 'feature' not in sample or 'gt_label' not in sample:
                    raise KeyError(f'peco.OnlineKNNHook: samples of {type(model).__name__} need '
                                   f'feature and gt_label, they have {sample.keys()}')
                # A copy: what is sent of a view is the whole batch.
                found.append((sample.feature.float().cpu().clone(), int(sample.gt_label)))
        # Samplers deal images to the ranks in turn, and deal some twice to come out even.
        dealt = zip_longest(*all_gather_object(found))
        samples = [pair for pair in chain.from_iterable(dealt) if pair is not None]
        features, labels = zip(*samples[:len(loader.dataset)], strict=True)
        return torch.stack(features), torch.tensor(labels)

    def _loader(self, runner: Runner, role: str) -> DataLoader:
        if role not in self._built:
            cfg = dict(collate_fn=dict(type='default_collate'))
            cfg.update(self.loaders[role])
            try:
                self._built[role] = runner.build_dataloader(cfg, seed=0)
            except (FileNotFoundError, ValueError) as error:
                raise ValueError(f'{role}_dataloader of peco.OnlineKNNHook in custom_hooks: '
                                 f'{error}') from error
        return self._built[role]

    def _unlabelled_folder(self) -> str | None:
        found = (unlabelled_folder(dataset) for loader in self.loaders.values()
                 for _, dataset in image_folder_configs(loader.get('dataset')))
        return next((str(folder) for folder in found if folder is not None), None)
