"""Several views of each image, by config."""

import pytest
from mmengine.config import Config

from peco.engine.dense import use_tta
from peco.utils.config import ConfigError


def config():
    return Config(dict(
        model=dict(type='EncoderDecoder', data_preprocessor=dict(type='Seg', size=(512, 512))),
        test_dataloader=dict(dataset=dict(type='RepeatDataset', dataset=dict(pipeline=[]))),
        tta_model=dict(type='SegTTAModel'), tta_pipeline=[dict(type='TestTimeAug')]))


def test_the_model_and_its_own_preprocessor_are_wrapped():
    cfg, before = config(), config()
    use_tta(cfg)
    assert cfg.model.type == 'SegTTAModel' and cfg.model.module == before.model
    # mmengine gives the wrapper's preprocessor to the module.
    assert cfg.model.data_preprocessor == before.model.data_preprocessor
    assert cfg.test_dataloader.dataset.dataset.pipeline == before.tta_pipeline


@pytest.mark.parametrize('key', ['tta_model', 'tta_pipeline'])
def test_a_config_without_views_is_refused(key):
    cfg = config()
    cfg.pop(key)
    with pytest.raises(ConfigError, match=f'the config has no {key}'):
        use_tta(cfg)
