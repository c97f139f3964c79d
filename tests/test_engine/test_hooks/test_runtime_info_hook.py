"""The same record as mmengine's, and steps that read nothing from the device."""

import pytest
import torch
from mmengine.hooks import Hook
from torch.utils._python_dispatch import TorchDispatchMode

from peco.registry import HOOKS
from peco.utils import load_checkpoint
from tests.toy_configs import loader, pretrain_config, run_tool, write_config

# What makes a CPU wait for a GPU: a number, or a shape, that depends on values.
WAITS = (torch.ops.aten._local_scalar_dense, torch.ops.aten.nonzero,
         torch.ops.aten.masked_select)


class Waits(TorchDispatchMode):
    """Counts the operations that wait."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function.overloadpacket in WAITS
        return function(*args, **(kwargs or {}))


@HOOKS.register_module()
class CountWaitsOfTest(Hook):
    """Counts in each step what waits, from the model's forward pass to the loggers."""

    priority = 'LOWEST'
    counts = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.mode = Waits()
        self.mode.__enter__()

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.mode.__exit__(None, None, None)
        self.counts.append(self.mode.count)


def config(images, tokenizer_run, path, hook, **changes):
    cfg = pretrain_config(images, tokenizer_run / 'epoch_2.pth')
    cfg['train_dataloader'] = loader(
        images / 'train', cfg['train_dataloader']['dataset']['pipeline'], with_label=False)
    cfg['train_dataloader']['batch_size'] = 1
    cfg['train_dataloader']['dataset']['indices'] = 6
    cfg['optim_wrapper'] = dict(
        type='peco.AmpOptimWrapper', optimizer=dict(type='AdamW', lr=1e-2, fused=True),
        clip_grad=dict(max_norm=1.))
    cfg['default_hooks'] = dict(
        logger=dict(type='LoggerHook', interval=3), runtime_info=dict(type=hook),
        checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=4, max_keep_ckpts=9))
    cfg['custom_hooks'] = []
    cfg.update(changes)
    return write_config(cfg, path)


def waits(images, tokenizer_run, tmp_path, hook):
    CountWaitsOfTest.counts.clear()
    cfg = config(images, tokenizer_run, tmp_path / f'waits_{hook}.py', hook,
                 custom_hooks=[dict(type='peco.CountWaitsOfTest')])
    assert run_tool('train', cfg, '--work-dir', tmp_path / hook) == 0
    return list(CountWaitsOfTest.counts)


def test_steps_that_are_not_logged_or_saved_wait_for_nothing(images, tokenizer_run, tmp_path):
    """Every third is logged, every fourth saved. The tokenizer's checks of values, which are
    queued on a GPU, count here in every step."""
    found = waits(images, tokenizer_run, tmp_path, 'peco.RuntimeInfoHook')
    stock = waits(images, tokenizer_run, tmp_path, 'RuntimeInfoHook')
    checks = min(found)
    quiet = [step for step, count in enumerate(found, start=1) if count == checks]
    assert quiet == [1, 2, 5, 7, 10, 11]
    assert all(other > checks for other in stock)


def test_the_record_is_that_of_mmengine_also_in_a_checkpoint_between_two_logs(
        images, tokenizer_run, tmp_path):
    """The checkpoint of step 8; gradients are clipped at every other step."""
    step, accumulative_counts = 8, 2
    records = []
    for hook in ('RuntimeInfoHook', 'peco.RuntimeInfoHook'):
        optim_wrapper = dict(
            type='peco.AmpOptimWrapper', optimizer=dict(type='AdamW', lr=1e-2, fused=True),
            clip_grad=dict(max_norm=1.), accumulative_counts=accumulative_counts)
        cfg = config(images, tokenizer_run, tmp_path / f'record_{hook}.py', hook,
                     optim_wrapper=optim_wrapper)
        assert run_tool('train', cfg, '--work-dir', tmp_path / hook) == 0
        hub = load_checkpoint(tmp_path / hook / f'iter_{step}.pth')['message_hub']
        records.append({name: buffer.data for name, buffer in hub['log_scalars'].items()
                        if 'time' not in name})
    stock, found = records
    assert stock.keys() == found.keys() and 'train/grad_norm' in stock
    for name, (values, counts) in stock.items():
        assert found[name][0].tolist() == values.tolist(), name
        assert found[name][1].tolist() == counts.tolist()
    assert len(stock['train/loss'][0]) == step
    assert len(stock['train/grad_norm'][0]) == step // accumulative_counts


@HOOKS.register_module()
class SpoilOfTest(Hook):
    """Makes a weight infinite after a step."""

    def __init__(self, step):
        self.step = step

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.step:
            next(runner.model.head.parameters()).data[0] = float('inf')


@pytest.mark.parametrize('step, kept', [(3, ()), (4, (4, ))])
def test_a_lost_loss_ends_the_run_before_the_next_checkpoint(images, tokenizer_run, tmp_path,
                                                             capsys, step, kept):
    """Losses are read after every third step, a checkpoint is written after every fourth."""
    cfg = config(images, tokenizer_run, tmp_path / f'lost_{step}.py', 'peco.RuntimeInfoHook',
                 custom_hooks=[dict(type='peco.SpoilOfTest', step=step)])
    assert run_tool('train', cfg, '--work-dir', tmp_path / 'w') == 2
    error, = capsys.readouterr().err.strip().splitlines()
    assert f'the loss of step {step + 1} is nan' in error and '--resume in float32' in error
    assert {int(path.stem[5:]) for path in (tmp_path / 'w').glob('iter_*.pth')} == set(kept)
