import json
from types import SimpleNamespace

import pytest
import torch

from peco.engine.hooks import CodebookHook
from peco.utils.checkpoint import load_checkpoint
from tests.toy_configs import SIZE, run_tool, tokenizer_config, write_config


def scalars(work_dir):
    """All records of a work dir that hold codebook scalars."""
    file, = work_dir.glob('*/vis_data/scalars.json')
    return [record for record in map(json.loads, file.read_text().splitlines())
            if 'codebook_usage_epoch' in record]


def test_every_epoch_is_logged(tokenizer_run):
    found = scalars(tokenizer_run)
    assert [record['step'] for record in found] == [2, 4]
    assert all(0 < record['codebook_usage_epoch'] <= 100 for record in found)
    assert all(1 <= record['codebook_perplexity_epoch'] <= 8 for record in found)


def test_checkpoints_tell_the_size_of_image(tokenizer_run, vq_kd_run, pretrain_run):
    for folder in (tokenizer_run, vq_kd_run):
        assert load_checkpoint(str(folder / 'epoch_2.pth'))['image_size'] == [SIZE, SIZE]
    assert 'image_size' not in load_checkpoint(str(pretrain_run / 'epoch_2.pth'))


def test_iteration_based_loop(images, tmp_path):
    cfg = tokenizer_config(images)
    cfg['train_cfg'] = dict(by_epoch=False, max_iters=5)
    cfg['train_dataloader'] = dict(cfg['train_dataloader'], sampler=dict(type='InfiniteSampler'))
    cfg['default_hooks'] = dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=5))
    config = write_config(cfg, tmp_path / 'codebook_iterations.py')
    assert run_tool('train', config, '--work-dir', tmp_path) == 0
    batches = [record['step'] for record in scalars(tmp_path)]
    # Epochs of two batches, for 8 images in batches of 4, and the end.
    assert batches == [2, 4, 5]
    assert list((tmp_path / 'pictures').iterdir())


def test_the_counts_are_of_one_epoch_each():
    calls = []

    class Quantizer:
        def reset_epoch_stats(self):
            calls.append('reset')

        def epoch_stats(self):
            calls.append('stats')
            return dict(usage=50., perplexity=4.)

        def check_initialised(self):
            calls.append('check')

    model = torch.nn.Module()
    model.quantizer = Quantizer()
    written = {}
    runner = SimpleNamespace(
        model=model, train_loop=None, epoch=0, iter=7,
        message_hub=SimpleNamespace(update_scalar=lambda name, value: None),
        visualizer=SimpleNamespace(add_scalars=lambda values, step: written.update(values)),
        logger=SimpleNamespace(info=lambda text: None, warning=lambda text: calls.append(text)))
    hook = CodebookHook(warn_below=60)
    hook.before_train(runner)
    hook.after_train_epoch(runner)
    hook.after_train_epoch(runner)
    assert calls[:4] == ['reset', 'check', 'stats', 'reset']
    assert 'Only 50.0 % of the codes' in calls[4]
    assert calls[5:7] == ['stats', 'reset']
    assert written == dict(codebook_usage_epoch=50., codebook_perplexity_epoch=4.)


def test_a_model_without_codebook_is_refused():
    with pytest.raises(TypeError, match='Module has no quantizer'):
        CodebookHook().before_train(SimpleNamespace(model=torch.nn.Module()))
