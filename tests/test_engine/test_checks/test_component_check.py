import pytest
from mmengine.config import Config
from torch import nn

from peco.engine.checks.component_check import accepted_keys, check_components
from peco.utils.config import merge_options
from tests.toy_configs import classifier_config, pretrain_config, tokenizer_config


@pytest.fixture
def cfg(images):
    return Config(classifier_config(images))


def test_sound_configs_have_no_problems(images):
    for cfg in (classifier_config(images), tokenizer_config(images),
                pretrain_config(images, images / 'none.pth')):
        assert check_components(Config(cfg)) == []


@pytest.mark.parametrize('key, value, expected', [
    ('model.backbone.img_sise', 8,
     "model.backbone.img_sise: peco.PeCoViT takes no 'img_sise' (did you mean 'img_size'?)"),
    ('model.head.num_clases', 3,
     "model.head.num_clases: LinearClsHead takes no 'num_clases' (did you mean 'num_classes'?)"),
    ('model.backbone.type', 'peco.PeCoVit',
     "model.backbone.type: there is no model 'peco.PeCoVit' (did you mean 'peco.PeCoViT'?)"),
    ('model.backbone.type', 'PeCoViT',
     "model.backbone.type: there is no model 'PeCoViT' (did you mean 'peco.PeCoViT'?)"),
    ('model.type', 'ImageClasifier',
     "model.type: there is no model 'ImageClasifier' (did you mean 'ImageClassifier'?)"),
    ('train_dataloader.dataset.with_lable', False, "train_dataloader.dataset.with_lable: "
     "peco.ImageFolder takes no 'with_lable' (did you mean 'with_label'?)"),
    ('train_dataloader.sampler.shufle', True, "train_dataloader.sampler.shufle: DefaultSampler "
     "takes no 'shufle' (did you mean 'shuffle'?)"),
    ('optim_wrapper.optimizer.lrr', 1, "optim_wrapper.optimizer.lrr: AdamW takes no 'lrr' (did "
     "you mean 'lr'?)"),
    ('optim_wrapper.type', 'peco.AmpOptimWraper', "optim_wrapper.type: there is no optim_wrapper "
     "'peco.AmpOptimWraper' (did you mean 'peco.AmpOptimWrapper'?)"),
    ('train_cfg.max_epoch', 1, "train_cfg.max_epoch: EpochBasedTrainLoop takes no 'max_epoch' (did "
     "you mean 'max_epochs'?)"),
    ('default_hooks.logger.intervall', 1, "default_hooks.logger.intervall: LoggerHook takes no "
     "'intervall' (did you mean 'interval'?)"),
    ('val_evaluator.topkk', 1, "val_evaluator.topkk: Accuracy takes no 'topkk' (did you mean "
     "'topk'?)"),
    ('train_dataloader.batchsize', 1, "train_dataloader.batchsize: a data loader takes no "
     "'batchsize' (did you mean 'batch_size'?)"),
    ('trian_dataloader', {}, "there is no key 'trian_dataloader' (did you mean "
     "'train_dataloader'?)"),
])
def test_slips_are_named_with_path_class_and_near_miss(cfg, key, value, expected):
    cfg.merge_from_dict({key: value})
    assert check_components(cfg) == [expected]


def test_pipelines_and_hooks_are_checked(images):
    cfg = Config(pretrain_config(images, images / 'none.pth'))
    merge_options(cfg, {'train_dataloader.dataset.pipeline.1.num_maskd': 3,
                        'custom_hooks.1.intervals': 3,
                        'custom_hooks.2.bank_dataloader.dataset.type': 'peco.ImageFolders'})
    found = '\n'.join(check_components(cfg))
    assert "pipeline.1.num_maskd: peco.BlockwiseMask takes no 'num_maskd'" in found
    assert "custom_hooks.1.intervals: peco.PictureHook takes no 'intervals'" in found
    assert "bank_dataloader.dataset.type: there is no dataset 'peco.ImageFolders'" in found


def test_unknown_scope(cfg):
    cfg.default_scope = 'mmnothing'
    assert "default_scope: 'mmnothing'" in check_components(cfg)[0]


def test_helper_variables_are_no_slips(cfg):
    cfg.merge_from_dict(dict(test_pipeline=[], data_root='x', optimizer_name='adam', max_epochs=3))
    assert check_components(cfg) == []


class Base(nn.Module):
    def __init__(self, depth, width=1):
        super().__init__()


class Open(Base):
    def __init__(self, color, **kwargs):
        super().__init__(**kwargs)


def test_accepted_keys_follow_kwargs_to_the_base():
    assert accepted_keys(Base) == ({'depth', 'width'}, False)
    assert accepted_keys(Open) == ({'color', 'depth', 'width'}, True)


def test_parts_of_a_detector_come_from_its_own_registry():
    pytest.importorskip('mmdet')
    train_cfg = dict(rpn=dict(
        sampler=dict(type='RandomSampler', num=256, pos_fraction=0.5),
        assigner=dict(type='MaxIoUAssigner', pos_iou_thr=0.7, neg_iou_thr=0.3)))
    cfg = Config(dict(
        default_scope='mmdet',
        model=dict(type='RPN', train_cfg=train_cfg, neck=dict(
            type='peco.FeaturePyramid', in_channels=8,
            norm_cfg=dict(type='BN', requires_grad=False)))))
    assert check_components(cfg) == []
    cfg.model.train_cfg.rpn.sampler.type = 'RandomSample'
    cfg.model.train_cfg.rpn.assigner.pos_iou_th = 0.5
    cfg.model.neck.norm_cfg.requires_gra = False
    found = '\n'.join(check_components(cfg))
    assert "there is no task util 'RandomSample' (did you mean 'RandomSampler'?)" in found
    assert "MaxIoUAssigner takes no 'pos_iou_th' (did you mean 'pos_iou_thr'?)" in found
    assert "BN takes no 'requires_gra'" in found


@pytest.mark.parametrize('name', [
    'detr/detr_r50_8xb2-150e_coco', 'tood/tood_r101-dconv-c3-c5_fpn_ms-2x_coco',
    'queryinst/queryinst_r50_fpn_1x_coco', 'htc/htc_r50_fpn_1x_coco'])
def test_keys_that_mmdets_parts_take_out(name):
    pytest.importorskip('mmdet')
    assert check_components(Config.fromstring(f"_base_ = 'mmdet::{name}.py'", '.py')) == []
