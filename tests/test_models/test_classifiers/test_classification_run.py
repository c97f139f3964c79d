"""Classification with the real Runner: train, save, resume, test; and on two ranks."""

import pytest
import torch
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from torch.utils.data import Dataset

import peco.evaluation  # noqa: F401
from peco.registry import MODELS
from tests.dist_utils import run_distributed

ARCH = dict(embed_dims=16, num_layers=3, num_heads=2)
VIT = dict(type='peco.PeCoViT', arch=ARCH, img_size=16, patch_size=4, rel_pos_bias='per_layer')
PREPROCESSOR = dict(type='mmpretrain.ClsDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3,
                    num_classes=3, to_rgb=True)
CROSS_ENTROPY = dict(type='mmpretrain.CrossEntropyLoss')
MODEL_CFGS = {
    'finetune': dict(
        backbone=dict(VIT, out_type='avg_featmap', drop_path_rate=0.2),
        head=dict(type='mmpretrain.LinearClsHead', num_classes=3, in_channels=16,
                  loss=CROSS_ENTROPY)),
    'cls_token': dict(
        backbone=dict(VIT, out_type='cls_token', rel_pos_bias='shared', with_cp=True),
        head=dict(type='mmpretrain.LinearClsHead', num_classes=3, in_channels=16,
                  loss=CROSS_ENTROPY)),
    'linear': dict(
        backbone=dict(VIT, out_type='avg_featmap', out_indices=(0, 1, 2), frozen_stages=3),
        head=dict(type='peco.MultiDepthLinearHead', num_classes=3, in_channels=16,
                  num_depths=3)),
}


def classifier(name):
    return dict(type='mmpretrain.ImageClassifier', data_preprocessor=PREPROCESSOR,
                **MODEL_CFGS[name])


class RandomImages(Dataset):
    """Bytes and labels that depend on the index alone."""

    def __init__(self, length=8):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        image = torch.randint(0, 256, (3, 16, 16), dtype=torch.uint8, generator=generator)
        return dict(inputs=image, data_samples=DataSample().set_gt_label(index % 3))


def loader(shuffle):
    return dict(dataset=RandomImages(), batch_size=4, num_workers=0,
                sampler=dict(type='DefaultSampler', shuffle=shuffle))


def runner(name, work_dir, epochs, resume=False):
    metric = 'peco.DepthAccuracy' if name == 'linear' else 'mmpretrain.Accuracy'
    return Runner(
        model=classifier(name), work_dir=str(work_dir), resume=resume,
        train_dataloader=loader(shuffle=True), train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=1e-3)),
        test_dataloader=loader(shuffle=False), test_cfg=dict(),
        test_evaluator=dict(type=metric), default_scope='mmpretrain',
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1)),
        experiment_name=f'{name}_{work_dir.name}_{epochs}', randomness=dict(seed=0))


@pytest.mark.parametrize('name', ['finetune', 'linear'])
def test_train_save_resume_test(name, tmp_path):
    first = runner(name, tmp_path, epochs=1)
    first.train()
    saved = torch.load(tmp_path / 'epoch_1.pth', weights_only=False)
    second = runner(name, tmp_path, epochs=2, resume=True)
    second.train()
    assert second.epoch == 2 and second.iter == 4
    trained = second.model.state_dict()
    moved = {key for key, value in saved['state_dict'].items()
             if not torch.equal(value, trained[key])}
    assert any(key.startswith('head.') for key in moved)
    assert any(key.startswith('backbone.') for key in moved) is (name == 'finetune')

    tester = runner(name, tmp_path, epochs=2)
    tester.load_checkpoint(str(tmp_path / 'epoch_2.pth'))
    scores = tester.test()
    if name == 'linear':
        assert set(scores) == {
            'top1_depth1', 'top1_depth2', 'top1_depth3', 'top1_best_depth'}
    else:
        assert 'accuracy/top1' in scores
    assert all(0 <= score <= 100 for score in scores.values())


def train_all_on_a_rank():
    return {name: train_on_a_rank(name) for name in MODEL_CFGS}


def train_on_a_rank(name):
    """Three steps under DDP without a search for unused parameters; returns the weights."""
    rank, world_size = torch.distributed.get_rank(), torch.distributed.get_world_size()
    torch.manual_seed(0)
    model = MODELS.build(classifier(name))
    model.train()
    parallel = torch.nn.parallel.DistributedDataParallel(model, find_unused_parameters=False)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    data = RandomImages()
    for step in range(3):
        items = [data[(4 * step + 2 * rank + i) % 8] for i in range(2 * 2 // world_size)]
        batch = model.data_preprocessor(
            dict(inputs=[item['inputs'] for item in items],
                 data_samples=[item['data_samples'] for item in items]), True)
        loss, _ = model.parse_losses(parallel(**batch, mode='loss'))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {name: p.detach() for name, p in model.named_parameters()}


def test_two_ranks_stay_equal():
    first, second = run_distributed(train_all_on_a_rank, 2)
    for name in MODEL_CFGS:
        assert all(torch.equal(value, second[name][key]) for key, value in first[name].items())
        torch.manual_seed(0)
        start = dict(MODELS.build(classifier(name)).named_parameters())
        moved = {key for key, value in first[name].items() if not torch.equal(value, start[key])}
        assert any(key.startswith('head.') for key in moved), name
        assert any(key.startswith('backbone.') for key in moved) is (name != 'linear')
