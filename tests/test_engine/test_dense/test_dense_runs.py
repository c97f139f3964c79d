"""Real runs of both tasks on six images: train, save, resume, test, two ranks."""

import copy

import pytest
import torch
from mmengine.model import is_model_wrapper
from timm.models.beit import Beit

from tests.dist_utils import run_distributed

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')

from peco.engine.cli import build_runner, complete_dataloaders  # noqa: E402
from tests.dense_toys import detector_config, make_ade, make_coco, segmentor_config  # noqa: E402

TASKS = dict(
    detection=(detector_config, make_coco, ('coco/bbox_mAP', 'coco/segm_mAP')),
    segmentation=(segmentor_config, make_ade, ('mIoU', 'aAcc')))


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp('dense')
    return {task: make(folder / task) for task, (_, make, _) in TASKS.items()}


def config(task, data, work_dir, iters=3, validate=False):
    """``iters`` steps of two images, a checkpoint at the end."""
    cfg = TASKS[task][0](data[task], work_dir)
    if task == 'detection':
        cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=iters // 3, val_interval=1)
    else:
        cfg.train_cfg.update(max_iters=iters, val_interval=iters)
        cfg.default_hooks.checkpoint.interval = 3
    # A fifth of the rate within the first three steps, a fifth of that within the next three.
    cfg.param_scheduler = [dict(type='MultiStepLR', by_epoch=False, begin=0, end=6,
                                milestones=[2, 4], gamma=0.2)]
    if not validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    return cfg


def run(cfg, stage='train', launcher='none'):
    complete_dataloaders(cfg)
    runner = build_runner(cfg, stage, launcher)
    return runner, getattr(runner, stage)()


def weights(runner):
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    return {key: value.clone() for key, value in model.state_dict().items()}


@pytest.mark.parametrize('task', TASKS)
def test_train_save_resume_and_test(task, data, tmp_path):
    cfg = config(task, data, tmp_path / task, validate=True)
    before = [p.clone() for p in build_runner(copy.deepcopy(cfg), 'train', 'none')
              .model.parameters()]
    runner, _ = run(copy.deepcopy(cfg))
    assert runner.iter == 3
    changed = [not torch.equal(a, b) for a, b in zip(before, runner.model.parameters(),
                                                     strict=True)]
    assert all(changed)
    checkpoint = (tmp_path / task / 'last_checkpoint').read_text()

    resumed = config(task, data, tmp_path / task, iters=6)
    resumed.merge_from_dict(dict(resume=True, load_from=checkpoint,
                                 experiment_name=f'{task}_resumed'))
    runner, _ = run(resumed)
    assert runner.iter == 6
    # Rates and moments went on, too.
    first = torch.load(checkpoint, weights_only=True)['optimizer']
    now = runner.optim_wrapper.state_dict()
    for group, before in zip(now['param_groups'], first['param_groups'], strict=True):
        assert group['lr'] == pytest.approx(0.2 * before['lr'])
    assert {int(state['step']) for state in now['state'].values()} == {6}
    assert any(not torch.equal(weights(runner)[key], value) for key, value in torch.load(
        checkpoint, weights_only=True)['state_dict'].items())

    # Once in float32, once in bfloat16, both on the first checkpoint.
    for fp16 in (False, True):
        test = config(task, data, tmp_path / task)
        test.merge_from_dict(dict(
            load_from=checkpoint, experiment_name=f'{task}_test_{fp16}', test_cfg=dict(fp16=fp16)))
        _, metrics = run(test, 'test')
        for name in TASKS[task][2]:
            assert 0 <= metrics[name] <= 100


@pytest.mark.parametrize('task', TASKS)
def test_load_from_takes_a_bare_file_of_timm(task, data, tmp_path, caplog):
    torch.manual_seed(0)
    beit = Beit(img_size=32, patch_size=8, embed_dim=16, depth=4, num_heads=2, mlp_ratio=2,
                use_rel_pos_bias=True, init_values=0.1, num_classes=3)
    for parameter in beit.parameters():
        torch.nn.init.normal_(parameter)  # tables of biases start at zero
    torch.save(dict(model=beit.state_dict()), tmp_path / 'beit.pth')
    cfg = config(task, data, tmp_path / task)
    cfg.merge_from_dict(dict(load_from=str(tmp_path / 'beit.pth'),
                             experiment_name=f'{task}_bare'))
    cfg.model.backbone.img_size = 32
    complete_dataloaders(cfg)
    runner = build_runner(cfg, 'train', 'none')
    runner.load_or_resume()
    backbone = runner.model.backbone
    for name in ('cls_token', 'patch_embed.proj.weight', 'blocks.3.mlp.fc2.bias',
                 'blocks.2.attn.relative_position_bias_table'):
        assert torch.equal(backbone.get_parameter(name), beit.get_parameter(name)), name


def test_empty_images_crowds_gaps_and_masks_of_all_kinds_are_read(data, tmp_path):
    runner = build_runner(config('detection', data, tmp_path / 'gaps'), 'train', 'none')
    dataset = runner.build_dataloader(runner.cfg.train_dataloader).dataset
    samples = [dataset[index]['data_samples'] for index in range(len(dataset))]
    assert len(samples) == 6
    found = sorted(len(sample.gt_instances.labels) for sample in samples)
    assert found == [0, 2, 2, 3, 3, 3] or found == [0, 2, 2, 2, 3, 3]
    for sample in samples:
        assert set(sample.gt_instances.labels.tolist()) <= {0, 1, 2}
        assert len(sample.gt_instances.masks) == len(sample.gt_instances.labels)
    assert sum(len(sample.ignored_instances.labels) for sample in samples) == 2


def test_other_is_ignored_and_classes_start_at_zero(data, tmp_path):
    runner = build_runner(config('segmentation', data, tmp_path / 'zero'), 'train', 'none')
    dataset = runner.build_dataloader(runner.cfg.train_dataloader).dataset
    labels = set()
    for index in range(len(dataset)):
        labels |= set(dataset[index]['data_samples'].gt_sem_seg.data.unique().tolist())
    assert labels == {0, 6, 149, 255}


def _three_steps(data, folder):
    found = {}
    for task in TASKS:
        cfg = config(task, data, folder / f'{task}_rank')
        cfg.experiment_name = f'{task}_{torch.distributed.get_rank()}'
        if task == 'detection':
            cfg.train_cfg.max_epochs = 2  # two steps each: six images on two ranks
        runner, _ = run(cfg, launcher='pytorch')
        assert is_model_wrapper(runner.model) and not runner.model.find_unused_parameters
        found[task] = runner.iter, weights(runner)
    return found


@pytest.mark.whole
def test_two_ranks_without_a_search_for_unused_parameters(data, tmp_path):
    first, second = run_distributed(_three_steps, 2, data, tmp_path)
    for task in TASKS:
        assert first[task][0] >= 3
        for name, value in first[task][1].items():
            if 'running_' not in name:  # statistics of BN are each rank's own
                assert torch.equal(value, second[task][1][name]), name
