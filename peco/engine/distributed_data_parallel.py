"""Data parallelism over GPUs or over CPU processes."""

from __future__ import annotations

from mmengine.model import MMDistributedDataParallel, revert_sync_batchnorm
from torch import nn

from peco.registry import MODEL_WRAPPERS


@MODEL_WRAPPERS.register_module()
class DistributedDataParallel(MMDistributedDataParallel):
    """mmengine's wrapper that also takes a model on the CPU, where there are no device ids.

    Nor is there SyncBN on a CPU: it becomes plain BN, as mmengine makes it for one process.

    Buffers are not broadcast: those of PeCo's models are kept equal by the modules themselves. The
    statistics of a plain BN are each rank's own, and a checkpoint holds the first's, unless the
    config has mmengine's ``SyncBuffersHook``, as linear probes do. Every parameter of a model is
    used in every step, so unused ones are not searched for.

    Args:
        module: The model, on its device.
        device_ids: The GPU of this process; dropped when the model is on the CPU.
        broadcast_buffers: As in torch.
        find_unused_parameters: As in torch.
        **kwargs: Other arguments of torch's wrapper.
    """

    def __init__(self, module: nn.Module, device_ids: list[int] | None = None,
                 broadcast_buffers: bool = False, find_unused_parameters: bool = False,
                 **kwargs) -> None:
        on_cpu = all(parameter.device.type == 'cpu' for parameter in module.parameters())
        if on_cpu:
            module = revert_sync_batchnorm(module)
        super().__init__(
            module=module,
            device_ids=None if on_cpu else device_ids,
            broadcast_buffers=broadcast_buffers,
            find_unused_parameters=find_unused_parameters,
            **kwargs)
