"""Pretraining on two ranks: no unused parameter, equal weights, equal to one rank."""

import torch
from mmpretrain.structures import DataSample
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from peco.registry import MODELS
from tests.dist_utils import run_distributed


class Thresholds(nn.Module):
    """A tokenizer of four codes for 4x4 patches."""

    codebook_size = 4

    def grid_size(self, size):
        return size[0] // 4, size[1] // 4

    def tokenize(self, images):
        return (nn.functional.avg_pool2d(images.mean(1), 4) * 4).long().clamp(0, 3)


def build(with_cp):
    torch.manual_seed(0)
    return MODELS.build(dict(
        type='peco.PeCo', tokenizer=Thresholds(),
        backbone=dict(type='peco.PeCoViT', arch=dict(embed_dims=16, num_layers=2, num_heads=2),
                      img_size=16, patch_size=4, mask_token=True, out_type='raw',
                      with_cp=with_cp),
        head=dict(type='peco.MIMHead', embed_dims=16, num_classes=4))).double().train()


def batch(step):
    generator = torch.Generator().manual_seed(step)
    views = [torch.randn(4, 3, 16, 16, generator=generator, dtype=torch.float64),
             torch.rand(4, 3, 16, 16, generator=generator, dtype=torch.float64)]
    samples = []
    for _ in range(4):
        mask = torch.zeros(16)
        mask[torch.randperm(16, generator=generator)[:6]] = 1
        samples.append(DataSample())
        samples[-1].set_field(mask.view(4, 4), 'mask')
    return views, samples


def train(model, call, part):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for step in range(3):
        views, samples = batch(step)
        losses = call([view[part] for view in views], samples[part], mode='loss')
        optimizer.zero_grad()
        losses['loss_mim'].backward()
        optimizer.step()
    return {name: p.detach() for name, p in model.named_parameters()}


def train_on_a_rank():
    """The weights after training without and with gradient checkpointing."""
    rank = torch.distributed.get_rank()
    weights = []
    for with_cp in (False, True):
        model = build(with_cp)
        parallel = DistributedDataParallel(model, find_unused_parameters=False)
        weights.append(train(model, parallel, slice(2 * rank, 2 * rank + 2)))
    return weights


def test_two_ranks_equal_one_rank_with_twice_the_batch():
    ranks = run_distributed(train_on_a_rank, 2)
    model = build(with_cp=False)
    start = {name: p.detach().clone() for name, p in model.named_parameters()}
    alone = train(model, model, slice(None))
    for first, second in zip(*ranks, strict=True):
        for name, value in first.items():
            assert torch.equal(value, second[name]), name
            assert not torch.equal(value, start[name]), name
            torch.testing.assert_close(value, alone[name], rtol=0, atol=1e-9)
