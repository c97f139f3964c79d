import re

import pytest
from mmengine.config import Config

from peco.engine.checks.preflight import check_config, check_data
from tests.toy_configs import classifier_config, pretrain_config, tokenizer_config


def test_a_sound_config_passes(images, tokenizer_run):
    assert check_config(Config(classifier_config(images)), 'train') == []
    assert check_config(Config(tokenizer_config(images)), 'test') == []
    pretrain = pretrain_config(images, tokenizer_run / 'epoch_2.pth')
    assert check_config(Config(pretrain), 'train') == []


def test_everything_missing_is_told_at_once_with_its_mend(images, tmp_path):
    data, checkpoint = tmp_path / 'nowhere', tmp_path / 'tokenizer.pth'
    cfg = pretrain_config(images, checkpoint)
    cfg['train_dataloader']['dataset']['data_root'] = str(data)
    cfg['made_by'] = {str(checkpoint): 'train the tokenizer'}
    assert check_config(Config(cfg), 'train') == [
        f"data folder '{data}' does not exist. Put your data there, or name your own: "
        '--cfg-options train_dataloader.dataset.data_root=PATH',
        f"checkpoint '{checkpoint}' (model.tokenizer_checkpoint) does not exist. Make it with: "
        'train the tokenizer, or name your own: --cfg-options model.tokenizer_checkpoint=PATH',
    ]


def test_one_folder_missing_twice_is_one_line_with_both_overrides(images):
    cfg = Config(classifier_config(images))
    cfg.merge_from_dict({'train_dataloader.dataset.data_root': '/none',
                         'val_dataloader.dataset.data_root': '/none',
                         'made_by': {'/none': 'make data'}})
    assert check_config(cfg, 'train') == [
        "data folder '/none' does not exist. Make it with: make data, or name your own: "
        '--cfg-options train_dataloader.dataset.data_root=PATH '
        'val_dataloader.dataset.data_root=PATH'
    ]
    assert check_config(cfg, 'test') == []


def test_a_missing_folder_of_an_environment_variable_names_it(images):
    cfg = tokenizer_config(images)
    cfg['train_dataloader']['dataset']['data_root'] = '/none/train'
    text = "train_dir = '{{$PECO_TRAIN_DIR:/none/train}}'"
    problem, = check_config(Config(cfg, cfg_text=text), 'train')
    assert 'Put your data there, set the environment variable PECO_TRAIN_DIR to a' in problem


def test_annotations_of_an_evaluator(images):
    cfg = Config(classifier_config(images))
    cfg.val_evaluator = [cfg.val_evaluator, dict(type='CocoMetric', ann_file='/none/val.json')]
    problem, = (line for line in check_config(cfg, 'train') if line.startswith('data'))
    assert problem == ("data file '/none/val.json' does not exist. Put your data there, or name "
                       'your own: --cfg-options val_evaluator.1.ann_file=PATH')
    assert not any(line.startswith('data') for line in check_config(cfg, 'test'))


def test_a_folder_without_images(images, tmp_path):
    cfg = tokenizer_config(images)
    folder = tmp_path / 'data'
    (folder / 'nested').mkdir(parents=True)
    (folder / 'nested/readme.txt').touch()
    cfg['train_dataloader']['dataset']['data_root'] = str(folder)
    problem, = check_config(Config(cfg), 'train')
    assert problem.startswith(f"data folder '{folder}' holds no image (.jpg ")
    assert problem.endswith('--cfg-options train_dataloader.dataset.data_root=PATH')
    cfg['train_dataloader']['dataset'].update(data_root=str(tmp_path), data_prefix='data')
    problem, = check_config(Config(cfg), 'train')
    assert f"'{folder}'" in problem and problem.endswith('dataset.data_prefix=PATH')
    (folder / 'nested/a.PNG').touch()
    assert check_config(Config(cfg), 'train') == []


@pytest.mark.parametrize('change, message', [
    (dict(data_prefix='part'), 'data_prefix=PATH'),
    (dict(data_prefix=dict(img_path='part')), 'data_prefix.img_path=PATH'),
    (dict(ann_file='list.txt'), r"data file '.*list.txt'.*ann_file=PATH"),
])
def test_parts_of_a_data_set(images, change, message):
    cfg = classifier_config(images)
    cfg['test_dataloader']['dataset'].update(change)
    problem, = check_config(Config(cfg), 'test')
    assert re.search(message, problem)


def test_data_sets_inside_others_and_of_hooks(images, tokenizer_run):
    cfg = pretrain_config(images, tokenizer_run / 'epoch_2.pth')
    inner = cfg['train_dataloader']['dataset']
    cfg['train_dataloader']['dataset'] = dict(
        type='ConcatDataset', datasets=[inner, dict(inner, data_root='/none')])
    cfg['custom_hooks'][2]['bank_dataloader']['dataset']['data_root'] = '/no_bank'
    found = '\n'.join(check_config(Config(cfg), 'train'))
    assert 'train_dataloader.dataset.datasets.1.data_root=PATH' in found
    assert 'custom_hooks.2.bank_dataloader.dataset.data_root=PATH' in found


def test_initial_weights_matter_to_training_only(images):
    cfg = classifier_config(images)
    cfg['model']['backbone'] = dict(
        cfg['model']['backbone'], init_cfg=dict(type='Pretrained', checkpoint='/none.pth'))
    problem, = check_config(Config(cfg), 'train')
    assert "'/none.pth' (model.backbone.init_cfg.checkpoint)" in problem
    assert check_config(Config(cfg), 'test') == []


def test_load_from_and_resume(images):
    cfg = Config(dict(classifier_config(images), load_from='/none.pth'))
    assert check_config(cfg, 'train') == [
        "checkpoint '/none.pth' (load_from) does not exist. Check the path"]
    cfg.resume = True
    assert '(resume)' in check_config(cfg, 'train')[0]


def test_config_of_another_stage(images):
    cfg = tokenizer_config(images)
    for key in ('test_dataloader', 'test_cfg', 'test_evaluator'):
        cfg.pop(key)
    assert 'it cannot test (it is a config for tools/train.py alone)' in check_config(
        Config(cfg), 'test')[0]
    with pytest.raises(ValueError, match="stage='val'"):
        check_config(Config(cfg), 'val')


def test_loader_loop_and_evaluator_belong_together(images):
    cfg = Config(classifier_config(images))
    cfg.val_evaluator = None
    assert check_config(cfg, 'train') == [
        'the config has no val_evaluator beside val_dataloader, val_cfg: set all three or none']
    cfg.val_dataloader = cfg.val_cfg = None
    assert check_config(cfg, 'train') == []


def test_a_work_dir_that_cannot_be_one(images, tmp_path, monkeypatch):
    (tmp_path / 'file').touch()
    cfg = Config(dict(classifier_config(images), work_dir=str(tmp_path / 'file/w')))
    assert check_config(cfg, 'train') == [
        f"work dir '{tmp_path / 'file/w'}' cannot be used: '{tmp_path / 'file'}' is a file. Name "
        'another: --work-dir PATH']
    cfg.work_dir = str(tmp_path / 'new/w')
    assert check_config(cfg, 'train') == []
    monkeypatch.setattr('os.access', lambda path, mode: False)
    assert f"'{tmp_path}' may not be written" in check_config(cfg, 'train')[0]


def test_the_data_of_some_loaders_alone(images):
    cfg = Config(classifier_config(images))
    cfg.merge_from_dict({'train_dataloader.dataset.data_root': '/none',
                         'model.init_cfg': dict(type='Pretrained', checkpoint='/none.pth')})
    problem, = check_data(cfg, ['train_dataloader', 'val_dataloader'])
    assert "data folder '/none' does not exist" in problem
    assert check_data(cfg, ['val_dataloader', 'nothing_dataloader']) == []
