"""Run a function of a test file on several gloo ranks, one process each."""

from __future__ import annotations

import gc
import importlib.util
import inspect
import multiprocessing
import os
import pickle
import sys
import tempfile
import traceback
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Ranks are forks of one clean process that has the libraries imported: importing them takes longer
# than most of what the ranks do.
_CONTEXT = multiprocessing.get_context('forkserver')
_CONTEXT.set_forkserver_preload(
    ['torch.distributed', 'mmengine.runner', 'mmpretrain.models', 'peco'])


def run_distributed(fn: Callable, world_size: int, *args, timeout: float = 240.) -> list[Any]:
    """Call ``fn(*args)`` on ``world_size`` CPU ranks and return what each rank returned.

    The function is found again by its file and name, so it must stand at the top level of a
    module, whatever way pytest imported that module. Arguments and results are pickled.

    Args:
        fn: A top-level function; inside it ``torch.distributed`` is initialised (gloo).
        world_size: Number of ranks.
        *args: Arguments of every rank.
        timeout: Seconds after which all ranks are stopped and the run fails.

    Returns:
        The return values in the order of the ranks.

    Raises:
        RuntimeError: If a rank failed; the message carries its traceback.

    Example:
        >>> def rank_of():
        ...     return torch.distributed.get_rank()
        >>> run_distributed(rank_of, 2)  # doctest: +SKIP
        [0, 1]
    """
    with tempfile.TemporaryDirectory(prefix='peco_dist_') as folder:
        job = dict(file=inspect.getfile(fn), name=fn.__qualname__, path=sys.path)
        Path(folder, 'job.pkl').write_bytes(pickle.dumps(job))
        Path(folder, 'args.pkl').write_bytes(pickle.dumps(args))
        ranks = [_start(folder, rank, world_size) for rank in range(world_size)]
        try:
            for process in ranks:
                process.join(timeout)
                if process.exitcode is None:
                    raise RuntimeError(f'{fn.__qualname__} on {world_size} ranks took more than '
                                       f'{timeout} s.\n{_logs(folder, world_size)}')
                if process.exitcode:
                    break  # the other ranks may wait for this one for ever
        finally:
            failed = any(process.exitcode for process in ranks)
            for process in ranks:
                if process.exitcode is None:
                    _stop(process, grace=5. if failed else 0.)
        if any(process.exitcode for process in ranks):
            raise RuntimeError(f'{fn.__qualname__} failed on {world_size} ranks.\n'
                               f'{_logs(folder, world_size)}')
        return [pickle.loads(Path(folder, f'out_{rank}.pkl').read_bytes())
                for rank in range(world_size)]


def _start(folder: str, rank: int, world_size: int) -> BaseProcess:
    env = dict(os.environ, RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world_size),
               LOCAL_WORLD_SIZE=str(world_size), OMP_NUM_THREADS='1')
    Path(folder, f'log_{rank}.txt').touch()
    process = _CONTEXT.Process(target=_rank, args=(folder, rank, env, os.getcwd()))
    process.start()
    return process


def _stop(process: BaseProcess, grace: float) -> None:
    process.join(grace)
    if process.exitcode is None:
        process.kill()
        process.join()


def _logs(folder: str, world_size: int, limit: int = 6000) -> str:
    texts = [Path(folder, f'log_{rank}.txt').read_text(errors='replace')[-limit:]
             for rank in range(world_size)]
    return '\n'.join(f'--- rank {rank} ---\n{text}' for rank, text in enumerate(texts))


def _work(folder: str) -> None:
    job = pickle.loads(Path(folder, 'job.pkl').read_bytes())
    sys.path[:] = list(dict.fromkeys([str(ROOT), *job['path']]))
    import torch
    import torch.distributed as dist
    torch.set_num_threads(1)
    rank, world_size = int(os.environ['RANK']), int(os.environ['WORLD_SIZE'])
    dist.init_process_group('gloo', init_method=f'file://{folder}/rendezvous', rank=rank,
                            world_size=world_size, timeout=timedelta(seconds=120))
    spec = importlib.util.spec_from_file_location('distributed_test_module', job['file'])
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    args = pickle.loads(Path(folder, 'args.pkl').read_bytes())
    result = getattr(module, job['name'])(*args)
    Path(folder, f'out_{rank}.pkl').write_bytes(pickle.dumps(result))
    dist.barrier()
    gc.collect()  # a model that holds the group would keep its threads beyond its end
    dist.destroy_process_group()


def _rank(folder: str, rank: int, env: dict[str, str], cwd: str) -> None:
    with open(Path(folder, f'log_{rank}.txt'), 'wb') as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    try:
        _work(folder)
    except BaseException:
        # A hard exit: a rank that failed must not wait for the others in a destructor.
        traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)
