"""Start of a training or test process: launcher, process group, data-parallel wrapper."""

from __future__ import annotations

import atexit
import gc
import os
import subprocess
from datetime import timedelta
from pathlib import Path

import torch
from mmengine.config import Config
from torch import distributed as dist

from .host_memory import keep_freed_memory

DEVICES = Path('/dev')
LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')
# Seconds that ranks wait for each other. In a test one may fit a probe for all; NCCL's own are 600.
WAIT, WAIT_IN_TEST = 1800, 4 * 3600


def setup_launcher(cfg: Config, launcher: str = 'none', wait: float = WAIT) -> None:
    """Prepare a config and this process for one or many ranks, before the Runner is built.

    mmengine starts process groups on GPUs only. Where there is no GPU the group is started here,
    on gloo, and the Runner finds it. With GPUs mmengine starts it (nccl) as ever. A process on the
    CPU keeps the memory that it frees.

    Args:
        cfg: The config; ``launcher`` and, with several ranks, ``model_wrapper_cfg`` and the
            ``timeout`` of ``env_cfg.dist_cfg`` are set where they are open.
        launcher: ``'none'``, ``'pytorch'`` (torchrun), ``'slurm'`` or ``'mpi'``.
        wait: Seconds that a rank waits for the others, if ``dist_cfg`` has no ``timeout``.

    Raises:
        ValueError: An unknown launcher, a launcher whose environment is absent or does not tell
            the address of the first machine, more ranks than GPUs on this machine, or a GPU that
            PyTorch cannot use.
    """
    if launcher not in LAUNCHERS:
        raise ValueError(f'launcher={launcher!r} is not one of {LAUNCHERS}')
    cfg.launcher = launcher
    if not torch.cuda.is_available():
        _check_driver()
        keep_freed_memory()
    if launcher == 'none':
        return
    _set_environment(launcher)
    if 'strategy' not in cfg and cfg.get('model_wrapper_cfg') is None:
        cfg.model_wrapper_cfg = dict(
            type='peco.DistributedDataParallel',
            find_unused_parameters=cfg.get('find_unused_parameters', False))
    env_cfg = dict(cfg.get('env_cfg') or {})
    dist_cfg = {'timeout': wait, **(env_cfg.get('dist_cfg') or {})}
    cfg.env_cfg = dict(env_cfg, dist_cfg=dist_cfg)
    if torch.cuda.is_available():
        _settle_gpu(launcher)
    elif not dist.is_initialized():
        start_gloo(dist_cfg['timeout'])


def start_gloo(timeout: float) -> None:
    """Start a process group on CPUs, and end it before the interpreter shuts down.

    Args:
        timeout: Seconds that a rank waits for the others.
    """
    dist.init_process_group('gloo', timeout=timedelta(seconds=timeout))
    # A worker thread of gloo that lets go of a tensor while the interpreter shuts down aborts
    # the process (signal 6), so the threads end before.
    atexit.register(_end_process_group)


def _end_process_group() -> None:
    # The group lives as long as a data-parallel model holds it.
    gc.collect()
    if dist.is_initialized():
        dist.destroy_process_group()


def rank_from_environment() -> tuple[int, int]:
    """Rank and local rank as the launcher told them, before any process group exists."""
    rank = _first('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_RANK')
    local_rank = _first('LOCAL_RANK', 'SLURM_LOCALID', 'OMPI_COMM_WORLD_LOCAL_RANK')
    return int(rank or 0), int(local_rank or 0)


def _first(*names: str) -> str | None:
    return next((os.environ[name] for name in names if name in os.environ), None)


def _set_environment(launcher: str) -> None:
    """Translate what slurm and mpi tell into the variables that torch reads."""
    sources = dict(
        pytorch=dict(RANK='RANK', LOCAL_RANK='LOCAL_RANK', WORLD_SIZE='WORLD_SIZE'),
        slurm=dict(RANK='SLURM_PROCID', LOCAL_RANK='SLURM_LOCALID', WORLD_SIZE='SLURM_NTASKS'),
        mpi=dict(RANK='OMPI_COMM_WORLD_RANK', LOCAL_RANK='OMPI_COMM_WORLD_LOCAL_RANK',
                 WORLD_SIZE='OMPI_COMM_WORLD_SIZE'))[launcher]
    missing = [name for name in sources.values() if name not in os.environ]
    if missing:
        starter = dict(
            pytorch='tools/dist_train.sh', slurm='tools/slurm_train.sh', mpi='mpirun')[launcher]
        raise ValueError(f"--launcher {launcher}: {', '.join(missing)} not set in the environment. "
                         f'Start with {starter}, or leave --launcher out for one process.')
    for name, source in sources.items():
        os.environ[name] = os.environ[source]
    if launcher == 'slurm' and 'MASTER_ADDR' not in os.environ:
        nodes = os.environ['SLURM_NODELIST']
        hosts = subprocess.run(['scontrol', 'show', 'hostname', nodes], check=True,
                               capture_output=True, text=True).stdout.split()
        os.environ['MASTER_ADDR'] = hosts[0]
    if launcher == 'mpi' and 'MASTER_ADDR' not in os.environ and (
            os.environ['WORLD_SIZE'] != os.environ.get('OMPI_COMM_WORLD_LOCAL_SIZE',
                                                       os.environ['WORLD_SIZE'])):
        raise ValueError('--launcher mpi over several machines: set MASTER_ADDR to the address of '
                         'the first, e.g. mpirun -x MASTER_ADDR=HOST')
    os.environ.setdefault('MASTER_ADDR', '127.0.0.1')
    os.environ.setdefault('MASTER_PORT', str(_slurm_port() if launcher == 'slurm' else 29500))


def _slurm_port() -> int:
    """The same port on all ranks of a job, mostly another one for each job that shares a node."""
    job, step = (int(os.environ.get(name, 0)) for name in ('SLURM_JOB_ID', 'SLURM_STEP_ID'))
    return 20000 + (job + step) % 10000


def _check_driver() -> None:
    hidden = os.environ.get('CUDA_VISIBLE_DEVICES', '0').strip() in ('', '-1')
    if torch.version.cuda is not None and not hidden and any(DEVICES.glob('nvidia[0-9]*')):
        raise ValueError(
            f'this machine has an NVIDIA GPU that PyTorch {torch.__version__} cannot use: it wants '
            f'a driver for CUDA {torch.version.cuda}. To train on the CPU all the '
            'same, set CUDA_VISIBLE_DEVICES= (empty)')


def _settle_gpu(launcher: str) -> None:
    gpus, local_rank = torch.cuda.device_count(), int(os.environ['LOCAL_RANK'])
    if launcher == 'slurm' and gpus == 1:
        # The task sees its own GPU alone; mmengine and the wrapper number it by these.
        os.environ['LOCAL_RANK'] = os.environ['SLURM_LOCALID'] = '0'
    elif local_rank >= gpus:
        ranks = os.environ.get('LOCAL_WORLD_SIZE', str(local_rank + 1))
        raise ValueError(f'{ranks} processes were started on this machine but it has {gpus} '
                         f'GPU(s): start {gpus}, one a GPU.')
