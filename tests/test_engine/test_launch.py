import os
from pathlib import Path
from unittest import mock

import pytest
import torch
from mmengine.config import Config
from torch import distributed as dist

from peco.engine.launch import WAIT, rank_from_environment, setup_launcher

PYTORCH = dict(RANK='0', LOCAL_RANK='0', WORLD_SIZE='1', MASTER_ADDR='127.0.0.1')
SLURM = dict(SLURM_PROCID='0', SLURM_LOCALID='0', SLURM_NTASKS='1', MASTER_ADDR='127.0.0.1')


@pytest.fixture
def group(monkeypatch, free_port):
    """A clean environment, and no process group left over."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr('peco.engine.launch.DEVICES', Path('/none'))  # whatever is here
    # The launcher writes into the environment; all of it is taken back.
    with mock.patch.dict(os.environ):
        for name in (*PYTORCH, *SLURM):
            os.environ.pop(name, None)
        os.environ['MASTER_PORT'] = str(free_port)
        yield monkeypatch
    if dist.is_initialized():
        dist.destroy_process_group()


@pytest.fixture
def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def test_one_process_needs_nothing():
    cfg = Config()
    setup_launcher(cfg, 'none')
    assert cfg.launcher == 'none' and 'model_wrapper_cfg' not in cfg
    assert not dist.is_initialized()


@pytest.mark.parametrize('launcher, variables', [('pytorch', PYTORCH), ('slurm', SLURM)])
def test_without_a_gpu_the_group_is_gloo(group, launcher, variables):
    for name, value in variables.items():
        group.setenv(name, value)
    cfg = Config(dict(find_unused_parameters=True, env_cfg=dict(dist_cfg=dict(backend='nccl'))))
    setup_launcher(cfg, launcher)
    assert dist.get_backend() == 'gloo' and dist.get_world_size() == 1
    assert cfg.launcher == launcher
    assert cfg.model_wrapper_cfg == dict(
        type='peco.DistributedDataParallel', find_unused_parameters=True)


def test_the_group_ends_before_the_interpreter(group):
    # Else about one exit in five of a loaded machine ended with signal 6.
    for name, value in PYTORCH.items():
        group.setenv(name, value)
    at_exit = []
    group.setattr('atexit.register', at_exit.append)
    setup_launcher(Config(), 'pytorch')
    assert dist.is_initialized()
    for function in at_exit:
        function()
    assert not dist.is_initialized()


def test_own_wrapper_of_the_config_stays(group):
    for name, value in PYTORCH.items():
        group.setenv(name, value)
    cfg = Config(dict(model_wrapper_cfg=dict(type='Mine')))
    setup_launcher(cfg, 'pytorch')
    assert cfg.model_wrapper_cfg.type == 'Mine'


def test_launcher_that_did_not_launch(group):
    with pytest.raises(ValueError, match='RANK, LOCAL_RANK, WORLD_SIZE not set.*dist_train.sh'):
        setup_launcher(Config(), 'pytorch')
    with pytest.raises(ValueError, match="'ssh' is not one of"):
        setup_launcher(Config(), 'ssh')


def test_more_ranks_than_gpus(group):
    for name, value in dict(PYTORCH, LOCAL_RANK='2', LOCAL_WORLD_SIZE='3').items():
        group.setenv(name, value)
    group.setattr(torch.cuda, 'is_available', lambda: True)
    group.setattr(torch.cuda, 'device_count', lambda: 2)
    with pytest.raises(ValueError, match=r'3 processes .* 2 GPU\(s\)'):
        setup_launcher(Config(), 'pytorch')


@pytest.mark.parametrize('launcher, local_rank', [('slurm', '0'), ('pytorch', None)])
def test_a_task_of_slurm_that_sees_its_own_gpu_alone(group, launcher, local_rank):
    # torchrun within a job of slurm is told nothing by slurm's variables.
    for name, value in {**SLURM, **PYTORCH, 'SLURM_LOCALID': '2', 'LOCAL_RANK': '2'}.items():
        group.setenv(name, value)
    group.setattr(torch.cuda, 'is_available', lambda: True)
    group.setattr(torch.cuda, 'device_count', lambda: 1)
    if local_rank is None:
        with pytest.raises(ValueError, match=r'3 processes .* 1 GPU\(s\)'):
            setup_launcher(Config(), launcher)
    else:
        setup_launcher(Config(), launcher)
        assert os.environ['LOCAL_RANK'] == os.environ['SLURM_LOCALID'] == local_rank


def test_mpi_over_several_machines_wants_an_address(group):
    for name, value in dict(RANK='0', LOCAL_RANK='0', SIZE='4', LOCAL_SIZE='2').items():
        group.setenv(f'OMPI_COMM_WORLD_{name}', value)
    with pytest.raises(ValueError, match='several machines: set MASTER_ADDR'):
        setup_launcher(Config(), 'mpi')


def test_how_long_ranks_wait(group):
    for name, value in PYTORCH.items():
        group.setenv(name, value)
    group.setattr(torch.cuda, 'is_available', lambda: True)
    group.setattr(torch.cuda, 'device_count', lambda: 1)
    for own, wait, expected in ((None, {}, WAIT), (None, dict(wait=9), 9), (60, dict(wait=9), 60)):
        cfg = Config(dict(env_cfg=dict(cudnn_benchmark=True, dist_cfg=dict(backend='nccl'))))
        if own is not None:
            cfg.env_cfg.dist_cfg.timeout = own
        setup_launcher(cfg, 'pytorch', **wait)
        assert cfg.env_cfg == dict(cudnn_benchmark=True,
                                   dist_cfg=dict(backend='nccl', timeout=expected))


def test_rank_from_environment(group):
    assert rank_from_environment() == (0, 0)
    group.setenv('SLURM_PROCID', '9')
    group.setenv('SLURM_LOCALID', '1')
    assert rank_from_environment() == (9, 1)


def test_jobs_that_share_a_node_have_ports_of_their_own(group):
    ports = set()
    for job in ('8123', '8124'):
        for name, value in dict(SLURM, SLURM_JOB_ID=job, SLURM_STEP_ID='0').items():
            group.setenv(name, value)
        os.environ.pop('MASTER_PORT', None)
        with mock.patch('peco.engine.launch.dist.init_process_group'):  # binds no port
            setup_launcher(Config(), 'slurm')
        ports.add(os.environ['MASTER_PORT'])
    assert ports == {'28123', '28124'}


def test_a_gpu_that_cannot_be_used(group, tmp_path):
    group.setattr('peco.engine.launch.DEVICES', tmp_path)
    (tmp_path / 'nvidiactl').touch()  # is in containers that have no GPU
    setup_launcher(Config(), 'none')
    (tmp_path / 'nvidia0').touch()
    group.setattr(torch.version, 'cuda', '13.0')
    group.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    with pytest.raises(ValueError, match='driver for CUDA 13.0. .*CUDA_VISIBLE_DEVICES='):
        setup_launcher(Config(), 'none')
    for hidden in ('', '-1'):
        group.setenv('CUDA_VISIBLE_DEVICES', hidden)
        setup_launcher(Config(), 'none')
    group.delenv('CUDA_VISIBLE_DEVICES')
    group.setattr(torch.version, 'cuda', None)  # PyTorch for CPUs alone
    setup_launcher(Config(), 'none')
