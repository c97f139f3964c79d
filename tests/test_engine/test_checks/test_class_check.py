import pytest
from mmengine.config import Config

from peco.engine.checks.class_check import check_classes
from peco.engine.checks.preflight import check_config
from tests.toy_configs import classifier_config

LOADERS = ('train_dataloader', 'val_dataloader')


@pytest.fixture
def folders(tmp_path):

    def make(train, val, num_classes=3, **kwargs):
        for part, names in (('train', train), ('val', val)):
            for name in names:
                (tmp_path / part / name).mkdir(parents=True)
        return Config(dict(
            model=dict(type='ImageClassifier', head=dict(num_classes=num_classes)),
            train_dataloader=dict(dataset=dict(
                type='peco.ImageFolder', data_root=str(tmp_path / 'train'), **kwargs)),
            val_dataloader=dict(dataset=dict(type='ConcatDataset', datasets=[
                dict(type='peco.ImageFolder', data_root=str(tmp_path), data_prefix='val')]))))

    return make


def test_equal_folders_pass(folders):
    assert check_classes(folders('abc', 'cba'), LOADERS) == []


def test_folders_that_number_classes_differently(folders):
    problem, = check_classes(folders('abc', 'ac'), LOADERS)
    assert "val' (2)" in problem and "train' (3)" in problem and "['b']" in problem


def test_as_many_classes_of_other_names(folders):
    problem, = check_classes(folders('abc', 'abd'), LOADERS)
    assert "['c', 'd']" in problem and 'the labels would not mean the same' in problem


def test_the_head_must_have_as_many_classes(folders):
    problem, = check_classes(folders('abc', 'abc', num_classes=10), LOADERS)
    assert 'has 3 class folders, model.head.num_classes is 10' in problem
    assert 'model.head.num_classes=3' in problem


def test_a_pretraining_head_counts_codes_not_classes(folders):
    cfg = folders('abc', 'abc', num_classes=1024)
    cfg.model.type = 'peco.PeCo'
    assert check_classes(cfg, LOADERS) == []


def test_unlabelled_folders_do_not_count(folders):
    assert check_classes(folders('xyzw', 'abc', with_label=False), LOADERS) == []


def test_the_start_of_a_run_is_stopped(images, tmp_path):
    cfg = Config(classifier_config(images))
    cfg.model.head.num_classes = 7
    problem, = check_config(cfg, 'train')
    assert 'model.head.num_classes is 7' in problem


@pytest.mark.parametrize('change, key, value', [
    ({'data_preprocessor.num_classes': 9}, 'data_preprocessor.num_classes', 3),
    ({'model.data_preprocessor': dict(num_classes=9)}, 'model.data_preprocessor.num_classes', 3),
    ({'data_preprocessor.batch_augments': dict(augments=[dict(type='Mixup', num_classes=9)])},
     'data_preprocessor.batch_augments.augments.0.num_classes', 3),
    ({'model.train_cfg': dict(augments=dict(type='Mixup', num_classes=9))},
     'model.train_cfg.augments.num_classes', 3),
    ({'model.head.loss': dict(type='LabelSmoothLoss', num_classes=9)},
     'model.head.loss.num_classes', 3),
    ({'val_evaluator': dict(type='Accuracy', topk=(1, 5))}, 'val_evaluator.topk', 1),
    ({'val_evaluator': [dict(type='Accuracy', topk=5)]}, 'val_evaluator.0.topk', 1),
    ({'model.head.cal_acc': True, 'model.head.topk': (1, 5)}, 'model.head.topk', 1),
])
def test_everything_that_counts_classes_is_checked(folders, change, key, value):
    cfg = folders('abc', 'abc')
    cfg.merge_from_dict(change)
    problem, = check_classes(cfg, LOADERS)
    assert f'has 3 class folders, {key} is ' in problem
    assert problem.endswith(f'set --cfg-options {key}={value}')


def test_a_flat_folder_has_no_labels(folders, tmp_path, monkeypatch):
    cfg = folders('', 'abc')
    (tmp_path / 'train').mkdir()
    (tmp_path / 'train/a.png').touch()
    assert check_classes(cfg, LOADERS) == [
        f"'{tmp_path / 'train'}' (train_dataloader.dataset.data_root) has no class folders: this "
        'stage needs labels, set train_dataloader.dataset.data_root to a folder with class folders '
        '(one sub-folder a class)']
    monkeypatch.setenv('PECO_TRAIN_DIR', str(tmp_path / 'train'))
    cfg = Config(cfg.to_dict(), cfg_text="train_dir = '{{$PECO_TRAIN_DIR:data/train}}'")
    assert 'needs labels, set PECO_TRAIN_DIR to a folder' in check_classes(cfg, LOADERS)[0]
