"""One line of advice for the errors of a run whose mend is known."""

from __future__ import annotations

import re

_ADVICE = (
    ('out of memory', 'the device is out of memory: lower train_dataloader.batch_size (and raise '
     'optim_wrapper.accumulative_counts by as much; in a config that counts iterations also '
     'max_iters, val_interval and the schedules), or train with --amp'),
    ('Expected to have finished reduction in the prior iteration',
     'a parameter took no part in the loss, so the ranks cannot go on: remove it from the model, '
     'or set --cfg-options find_unused_parameters=True'),
    ('DataLoader worker (pid', 'a data loader worker died, mostly for want of memory: lower '
     'num_workers or batch_size of the data loaders'),
    ('No space left on device', 'the disk is full: free some space, or set --work-dir to another '
     'disk and continue with --resume PATH'),
    ('size mismatch', 'the checkpoint does not fit the model: was it trained with another config?'),
    ("don't match the size of", 'the checkpoint does not fit the model: was it trained with '
     'another config?'),
    ("doesn't match the size of", 'the optimizer state of the checkpoint does not fit: was it '
     'trained with another config? Use load_from to take the weights alone'),
    ('device-side assert triggered', 'a check of values failed on the GPU (images outside their '
     'range, labels above num_classes, values that are not finite): run again with '
     'CUDA_VISIBLE_DEVICES= to read on the CPU which'),
    ('Address already in use', 'the port is taken: set PORT (tools/dist_*.sh), MASTER_PORT '
     '(slurm, mpi) or --master-port (torchrun) to another one'),
    ('unexpected keyword argument', 'a key of the config is not known to the class that it '
     'configures'),
)


# torch wraps the traceback of a worker's exception, the exception itself standing last.
_IN_A_WORKER = re.compile(r'^Caught \S+ in DataLoader worker process \d+\.')
_RAISED = re.compile(r'^(?:\w+\.)*\w+: ')


def explain_error(error: BaseException) -> str:
    """Return the line that ends a failed run.

    Args:
        error: What stopped it.

    Returns:
        The mend where one is known, else the error's own first line.
    """
    text = str(error)
    for sign, advice in _ADVICE:
        if sign in text:
            return advice
    if (raised := raised_in_a_worker(text)) is not None:
        return raised
    first_line = next((line for line in text.splitlines() if line.strip()), '')
    return f'{type(error).__name__}: {first_line}' if first_line else type(error).__name__


def raised_in_a_worker(text: str) -> str | None:
    """Find the exception itself in the traceback that torch makes of a worker's.

    Args:
        text: Text of the exception that reached the main process.

    Returns:
        Its last line, ``module.Class: message``; None if the exception is not of a worker.
    """
    if not _IN_A_WORKER.match(text):
        return None
    _, _, traceback = text.partition('\n')
    lines = [line for line in traceback.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if _RAISED.match(line)), lines[-1])
