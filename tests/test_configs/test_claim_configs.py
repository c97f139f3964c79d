"""The arms of the claim: weights arrive where they should, stages are shared between studies."""

from pathlib import Path

import pytest
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope
from mmengine.runner import save_checkpoint

from peco.engine.config_check import check_components
from peco.engine.study import Study
from peco.registry import MODELS, TRANSFORMS
from peco.utils import load_config

ROOT = Path(__file__).parents[2]
CLAIM = ROOT / 'configs/claim'
SOURCES = {
    'mae': CLAIM / 'pretrain-mae_vit-micro_b256-coslr-30e_cifar10-20k.py',
    'simclr': ROOT / 'configs/cifar10/perceptual_simclr-resnet18_b256-coslr-8e_cifar10.py',
}
TAKERS = [path for arm in SOURCES for path in sorted(CLAIM.glob(f'*-{arm}_*.py'))
          if not path.name.startswith('pretrain')]


def build(path):
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    cfg.model.setdefault('data_preprocessor', cfg.get('data_preprocessor'))
    return MODELS.build(cfg.model)


@pytest.mark.parametrize('path', TAKERS, ids=lambda path: path.stem)
def test_a_backbone_takes_all_its_weights(path):
    arm = path.name.split('-')[1].split('_')[0]
    source = build(SOURCES[arm])
    source.init_weights()
    state = source.state_dict()
    taker = build(path)
    own = {key for key in taker.state_dict() if key.startswith('backbone.')}
    # The norm after the mean is new, as in mmpretrain's own recipe of MAE.
    assert own - set(state) <= {'backbone.ln2.weight', 'backbone.ln2.bias'}
    assert all(state[key].shape == taker.state_dict()[key].shape for key in own & set(state))


@pytest.mark.parametrize('arm', SOURCES)
def test_fine_tuning_starts_from_them(arm, tmp_path):
    source = build(SOURCES[arm])
    source.init_weights()
    save_checkpoint(dict(state_dict=source.state_dict()), str(tmp_path / 'source.pth'))
    cfg = Config.fromfile(next(path for path in TAKERS if path.name.startswith(f'finetune-{arm}')))
    cfg.model.backbone.init_cfg.checkpoint = str(tmp_path / 'source.pth')
    model = MODELS.build(cfg.model)
    model.init_weights()
    state = source.state_dict()
    for key, value in model.state_dict().items():
        if key in state:
            assert value.equal(state[key]), key


def test_studies_of_one_folder_share_stages(monkeypatch):
    monkeypatch.chdir(ROOT)
    prints = [{stage.name: stage.fingerprint() for stage in
               Study(f'configs/claim/{name}.py', seeds=1, arms=['pixel', 'peco']).pipeline.stages}
              for name in ('extended', 'core', 'tuning', 'pretraining', 'tokenizers')]
    extended, core, tuning, pretraining, tokenizers = prints
    assert core.items() <= extended.items()
    shared = set(core) & set(tuning)
    assert {'perceptual', 'seed0/peco/tokenizer', 'seed0/peco/pretrain'} <= shared
    assert all(core[name] == tuning[name] for name in shared)
    shared = set(core) & set(pretraining)
    assert {'seed0/pixel/pretrain', 'seed0/peco/epoch30', 'seed0/peco/finetune-5k'} <= shared
    assert all(core[name] == pretraining[name] for name in shared)
    shared = set(core) & set(tokenizers)
    assert {'classifier', 'seed0/pixel/tokenizer', 'seed0/peco/tokenizer'} <= shared
    assert all(core[name] == tokenizers[name] for name in shared)


def test_variants_of_masked_image_modelling(monkeypatch):
    monkeypatch.chdir(ROOT)
    study = Study('configs/claim/pretraining.py')
    found = {}
    for stage in study.pipeline.stages:
        if '/peco/pretrain' not in stage.name:
            continue
        cfg = load_config(stage.config, {key: DictAction._parse_iterable(text)
                                         for key, text in stage.cfg_options.items()})
        assert check_components(cfg) == [], stage.name
        assert cfg.param_scheduler[1].end == cfg.train_cfg.max_epochs
        masks = [TRANSFORMS.build(transform) for transform in cfg.train_dataloader.dataset.pipeline
                 if transform['type'] == 'peco.BlockwiseMask']
        shares = {int(mask({})['mask'].sum()) for mask in masks}
        found[stage.name.rpartition('/')[2]] = (cfg.train_cfg.max_epochs, *shares)
    assert found == {
        'pretrain': (30, 26), 'pretrain-10e': (10, 26), 'pretrain-10e-mask13': (10, 13),
        'pretrain-10e-mask38': (10, 38), 'pretrain-10e-mask48': (10, 48)}


def test_every_variant_of_the_tokenizer_builds(monkeypatch):
    monkeypatch.chdir(ROOT)
    study = Study('configs/claim/tokenizers.py')
    peco = study.pipeline.stages[study.pipeline.index('seed0/peco/tokenizer')]
    for stage in study.pipeline.stages:
        if not stage.name.endswith('/tokenizer') or stage is peco or 'vq-kd' in stage.name:
            continue
        cfg = load_config(stage.config, {key: DictAction._parse_iterable(text)
                                         for key, text in stage.cfg_options.items()})
        assert check_components(cfg) == [], stage.name
        cfg.model.perceptual_loss.network = dict(
            type='peco.TimmFeatures', model_name='resnet18', out_indices=(1, 2, 3, 4),
            allow_random=True)
        model = MODELS.build(cfg.model)
        assert model.quantizer.codebook_size == cfg.val_evaluator[1].codebook_size
        assert cfg.param_scheduler[1].end == cfg.train_cfg.max_epochs
