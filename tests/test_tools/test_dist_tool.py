"""The shell scripts: two real gloo ranks, exit codes, arguments that are passed on."""

import json
import os
import stat
import subprocess
import sys

import pytest

from peco.utils import load_checkpoint
from tests.toy_configs import (
    ROOT,
    SIZE,
    classifier_config,
    pretrain_config,
    run_tool,
    write_config,
)


def run(script, *args, **variables):
    """Run a script of tools/ with this interpreter and without a GPU."""
    keep = {key: value for key, value in os.environ.items()
            if key not in ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT')}
    environment = dict(keep, PYTHON=sys.executable, CUDA_VISIBLE_DEVICES='-1', OMP_NUM_THREADS='1')
    return subprocess.run([ROOT / 'tools' / script, *map(str, args)], text=True, timeout=280,
                          env={**environment, **variables}, capture_output=True)


@pytest.mark.whole
def test_two_ranks_train_and_test(images, tmp_path):
    cfg = classifier_config(images)
    config = write_config(cfg, tmp_path / 'dist_train.py')
    done = run('dist_train.sh', config, 2, '--work-dir', tmp_path / 'w', '--amp', '--cfg-options',
               'train_cfg.max_epochs=1', 'log_level=INFO')
    assert done.returncode == 0, done.stderr
    checkpoint = load_checkpoint(tmp_path / 'w/epoch_1.pth')
    # 8 images in batches of 4 on 2 ranks are one step.
    assert checkpoint['meta']['iter'] == 1
    assert "launcher = 'pytorch'" in checkpoint['meta']['cfg']
    assert 'peco.DistributedDataParallel' in checkpoint['meta']['cfg']
    assert not any(key.startswith('module.') for key in checkpoint['state_dict'])
    done = run('dist_test.sh', config, tmp_path / 'w/epoch_1.pth', 2, '--work-dir', tmp_path / 't')
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / 't/metrics.json').read_text())
    assert metrics['accuracy/top1'] in (0, 25, 50, 75, 100)
    assert done.stdout.count('accuracy/top1 │') == 1


@pytest.mark.whole
def test_what_is_missing_is_told_once_and_the_exit_code_comes_back(images, tmp_path):
    cfg = classifier_config(images)
    cfg['train_dataloader']['dataset']['data_root'] = '/none'
    config = write_config(cfg, tmp_path / 'dist_missing.py')
    done = run('dist_train.sh', config, 2, '--cfg-options', 'load_from=/none.pth')
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith('error')]
    assert len(errors) == 2, done.stderr
    assert "'/none'" in errors[0] and "'/none.pth'" in errors[1]
    assert 'Traceback' not in done.stderr


@pytest.mark.parametrize('script, args, message', [
    ('dist_train.sh', ['config.py'], 'usage: tools/dist_train.sh CONFIG GPUS'),
    ('dist_test.sh', ['config.py', 'a.pth'], 'usage: tools/dist_test.sh CONFIG CHECKPOINT GPUS'),
    ('dist_cache_tokens.sh', ['config.py'], 'usage: tools/dist_cache_tokens.sh CONFIG GPUS'),
    ('dist_train.sh', ['config.py', 'many'], "GPUS is 'many'"),
    ('dist_train.sh', ['config.py', '0'], "GPUS is '0'"),
    ('slurm_train.sh', ['part'], 'usage: tools/slurm_train.sh'),
    ('slurm_test.sh', ['part'], 'usage: tools/slurm_test.sh'),
])
def test_usage(script, args, message):
    done = run(script, *args)
    assert done.returncode == 2 and message in done.stderr


def fake(folder, name):
    """A program that prints its arguments, one a line."""
    path = folder / name
    path.write_text('#!/usr/bin/env bash\nprintf "%s\\n" "$@"\nexit 7\n')
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return path


def test_several_nodes(tmp_path):
    python = fake(tmp_path, 'python')
    done = run('dist_train.sh', 'c.py', 4, '--cfg-options', 'a=b c', PYTHON=str(python), NNODES='2',
               NODE_RANK='1', MASTER_ADDR='10.0.0.1', PORT='1234')
    words = done.stdout.splitlines()
    assert done.returncode == 7
    assert {'--nnodes=2', '--node_rank=1', '--master_addr=10.0.0.1', '--master_port=1234',
            '--nproc_per_node=4'} <= set(words)
    assert words[-5:] == ['c.py', '--launcher', 'pytorch', '--cfg-options', 'a=b c']
    assert run('dist_train.sh', 'c.py', 4, PYTHON=str(python), NNODES='2').returncode == 2


def test_slurm(tmp_path):
    fake(tmp_path, 'srun')
    path = f'{tmp_path}:{os.environ["PATH"]}'
    done = run('slurm_train.sh', 'part', 'job', 'c.py', 'w dir', '--amp', PATH=path, GPUS='4',
               SRUN_ARGS='--quiet --time=1')
    words = done.stdout.splitlines()
    assert done.returncode == 7
    assert words[:2] == ['-p', 'part']
    assert {'--job-name=job', '--ntasks=4', '--ntasks-per-node=4', '--gres=gpu:4', '--quiet',
            '--time=1', '--kill-on-bad-exit=1'} <= set(words)
    assert words[-6:] == ['c.py', '--work-dir', 'w dir', '--amp', '--launcher', 'slurm']
    done = run('slurm_test.sh', 'part', 'job', 'c.py', 'a.pth', '--out', 'x', PATH=path)
    assert done.stdout.splitlines()[-6:] == ['c.py', 'a.pth', '--out', 'x', '--launcher', 'slurm']


@pytest.mark.whole
def test_two_ranks_share_a_token_cache(images, tokenizer_run, tmp_path):
    cfg = pretrain_config(images, tokenizer_run / 'epoch_2.pth')
    cfg['train_dataloader']['dataset']['pipeline'][1:1] = [
        dict(type='peco.RandomCropBox'), dict(type='peco.CropAndResize', size=SIZE)]
    config = write_config(cfg, tmp_path / 'dist_cache.py')
    done = run('dist_cache_tokens.sh', config, 2, '--out', tmp_path / 'two', '--views', 2)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('complete: train from it') == 1
    assert run_tool('cache_tokens', config, '--out', tmp_path / 'one', '--views', 2) == 0
    for name in ('ids.npy', 'boxes.npy', 'state.npy', 'meta.json'):
        assert (tmp_path / 'two' / name).read_bytes() == (tmp_path / 'one' / name).read_bytes()
