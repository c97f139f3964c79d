import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from peco.registry import MODELS
from tests.dist_utils import run_distributed
from tests.test_models.test_tokenizers.tokenizer_cfg import PERCEPTUAL, tokenizer_cfg


def _train(init):
    """Five SGD steps in float64 without randomness; the ranks share each batch of four."""
    world = dist.get_world_size() if dist.is_initialized() else 1
    rank = dist.get_rank() if dist.is_initialized() else 0
    torch.manual_seed(0)
    model = MODELS.build(tokenizer_cfg(init=init, codebook_size=24, perceptual=PERCEPTUAL))
    model.quantizer.restart_threshold = 0.
    model.double().train()
    wrapped = DistributedDataParallel(model, broadcast_buffers=False) if world > 1 else model
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    for step in range(5):
        images = torch.rand(4, 3, 16, 16, dtype=torch.float64,
                            generator=torch.Generator().manual_seed(step))
        losses = wrapped(images.chunk(world)[rank], mode='loss')
        optimizer.zero_grad()
        sum(value for name, value in losses.items() if name.startswith('loss')).backward()
        optimizer.step()
    return {name: value.numpy() for name, value in model.state_dict().items()}


def _both():
    return {init: _train(init) for init in ('data', 'kmeans')}


def test_two_ranks_under_ddp_equal_one_rank_with_twice_the_batch():
    """No parameter is left unused and no buffer needs a broadcast of DDP's."""
    single = _both()
    first, second = run_distributed(_both, 2)
    for init, expected in single.items():
        assert bool(expected['quantizer.initted'])
        for name, value in expected.items():
            assert (first[init][name] == second[init][name]).all(), name
            difference = first[init][name].astype('float64') - value.astype('float64')
            assert abs(difference).max() < 1e-6, (init, name)
