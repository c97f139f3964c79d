import argparse

import pytest
from mmengine.config import Config

from peco.utils.config import ConfigError, OptionsAction, find_value, load_config, merge_options


def config():
    return Config(
        dict(
            data_root='data/here',
            model=dict(type='A', backbone=dict(type='B', depth=2)),
            train_dataloader=dict(batch_size=4, dataset=dict(data_root='data/here')),
            randomness=dict(seed=0),
            custom_hooks=[dict(type='H', interval=1)]))


def test_known_keys_are_merged_also_in_lists():
    cfg = config()
    merge_options(cfg, {'model.backbone.depth': 3, 'custom_hooks.0.interval': 5, 'work_dir': 'w',
                        'train_cfg.max_epochs': 2})
    assert (cfg.model.backbone.depth, cfg.custom_hooks[0].interval, cfg.work_dir) == (3, 5, 'w')
    assert cfg.train_cfg.max_epochs == 2


@pytest.mark.parametrize('key, message', [
    ('modle.depth', "no key 'modle' .did you mean 'model'"),
    ('foo', "no key 'foo'"),
    ('train_dataloader.batchsize', "has no 'batchsize' .did you mean 'batch_size'"),
    ('randomness.sed', "did you mean 'seed'"),
    ('train_dataloader.datset.data_root', "has no 'datset' .did you mean 'dataset'"),
    ('train_dataloader.other.deep', "has no 'other'"),
    ('custom_hooks.1.interval', 'list of 1'),
    ('model.backbone.depth.x', 'is 2, it has no'),
    ('data_root', 'helper variable.*set train_dataloader.dataset.data_root'),
])
def test_an_option_without_effect_is_refused(key, message):
    cfg = config()
    with pytest.raises(ConfigError, match=message):
        merge_options(cfg, {key: 1})
    assert cfg.to_dict() == config().to_dict()


def test_all_refused_options_are_told_at_once():
    with pytest.raises(ConfigError) as error:
        merge_options(config(), {'foo': 1, 'randomness.sed': 1})
    assert len(error.value.problems) == 2


@pytest.mark.parametrize('text, message', [
    ('a = (', 'line 1'),
    ("custom_imports = dict(imports=['not_a_module'], allow_failed_imports=False)",
     'imports what cannot be imported'),
    ("_base_ = ['nowhere.py']", 'cannot be read'),
    ('a = undefined', 'undefined'),
])
def test_errors_in_the_file_name_the_file(tmp_path, text, message):
    path = tmp_path / 'faulty.py'
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as error:
        load_config(path)
    assert 'faulty.py' in str(error.value)


def test_missing_file_names_a_near_miss(tmp_path):
    (tmp_path / 'pretrain.py').write_text('a = 1')
    with pytest.raises(ConfigError, match=r"pretrian.py' does not exist .did you mean"):
        load_config(tmp_path / 'pretrian.py')


def test_load_config_applies_options(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text('model = dict(depth=1)')
    assert load_config(path, {'model.depth': 4}).model.depth == 4


def test_option_without_equal_sign_is_a_usage_error(capsys):
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=OptionsAction)
    assert parser.parse_args(['--cfg-options', 'a.b=[1,2]']).cfg_options == {'a.b': [1, 2]}
    with pytest.raises(SystemExit):
        parser.parse_args(['--cfg-options', 'model'])
    assert "'model' is not key=value" in capsys.readouterr().err


def test_find_value():
    assert list(find_value(config(), 'data/here')) == [
        'data_root', 'train_dataloader.dataset.data_root']
