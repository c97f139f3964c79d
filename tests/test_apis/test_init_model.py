import pytest
import torch
from mmengine.config import Config

from peco.apis import init_model
from peco.apis.init_model import image_size
from peco.utils import ConfigError, load_checkpoint
from tests.toy_configs import SIZE, classifier_config, pretrain_config, tokenizer_config


def test_weights_are_loaded_and_the_model_is_ready(tokenizer_run):
    model = init_model(tokenizer_run / 'shared_tokenizer.py', tokenizer_run / 'epoch_2.pth', 'cpu')
    saved = load_checkpoint(tokenizer_run / 'epoch_2.pth')['state_dict']
    assert torch.equal(model.state_dict()['quantizer.embedding'], saved['quantizer.embedding'])
    assert not model.training and model.cfg.model.type == 'peco.PerceptualTokenizer'


def test_no_other_checkpoint_is_read(images, tmp_path):
    cfg = pretrain_config(images, tmp_path / 'none.pth')
    assert init_model(Config(cfg)).tokenizer is None


def test_weights_of_another_model(classifier_run, tokenizer_run):
    with pytest.raises(ConfigError, match='epoch_2.pth'):
        init_model(tokenizer_run / 'shared_tokenizer.py', classifier_run / 'epoch_2.pth')


def test_config_faults_are_named(images):
    cfg = Config(classifier_config(images))
    cfg.model.head.num_clases = 3
    with pytest.raises(ConfigError, match='num_clases'):
        init_model(cfg)


def test_image_size(images, tmp_path):
    assert image_size(Config(classifier_config(images))) == SIZE
    cfg = tokenizer_config(images)
    assert image_size(Config(cfg)) == 224
    cfg['train_dataloader']['dataset']['pipeline'] = [
        dict(type='peco.LoadImage'), dict(type='peco.CropAndResize', size=(64, 48))]
    assert image_size(Config(cfg)) == 48
