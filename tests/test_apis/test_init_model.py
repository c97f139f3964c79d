import numpy as np
import pytest
import torch
from mmengine.config import Config

from peco.apis import init_model
from peco.apis.init_model import evaluation_transforms, image_size
from peco.utils import ConfigError, load_checkpoint, load_config
from tests.toy_configs import ROOT, SIZE, classifier_config, pretrain_config, tokenizer_config


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


def test_options_change_a_config_too_and_leave_the_original(images):
    cfg = Config(tokenizer_config(images))
    options = {'model.quantizer.codebook_size': 5}
    assert init_model(cfg, cfg_options=options).codebook_size == 5
    assert init_model(cfg).codebook_size == 8
    with pytest.raises(ConfigError, match='modell'):
        init_model(cfg, cfg_options={'modell.type': 'x'})


def test_image_size(images):
    cfg = Config(classifier_config(images))
    assert image_size(cfg) == (SIZE, SIZE)
    del cfg.model.backbone['img_size']
    assert image_size(cfg) == (224, 224)  # the default of the class
    cfg = tokenizer_config(images)
    with pytest.raises(ConfigError, match='no image size.*--shape'):
        image_size(Config(cfg))
    cfg['train_dataloader']['dataset']['pipeline'] = [
        dict(type='peco.LoadImage'), dict(type='peco.CropAndResize', size=(64, 48))]
    assert image_size(Config(cfg)) == (64, 48)
    cfg['test_dataloader']['dataset']['pipeline'] = [
        dict(type='ResizeEdge', scale=64), dict(type='Resize', scale=(40, 24)),
        dict(type='RandomFlip', prob=0.5)]
    assert image_size(Config(cfg)) == (24, 40)


@pytest.mark.parametrize('name', ['perceptual_simclr-resnet18_b256-coslr-8e',
                                  'perceptual-knn_simclr-resnet18', 'tokenprobe_vqgan-f4'])
def test_image_size_inside_views_and_joined_data_sets(name):
    assert image_size(load_config(ROOT / 'configs/cifar10' / f'{name}_cifar10.py')) == (32, 32)


def test_unequal_images_keep_their_sides_in_evaluation(images):
    cfg = tokenizer_config(images)
    del cfg['test_dataloader']
    cfg['train_dataloader']['dataset']['pipeline'] = [
        dict(type='peco.CropAndResize', size=(32, 48))]
    resize, = evaluation_transforms(Config(cfg))
    assert resize(dict(img=np.zeros((20, 20, 3), np.uint8)))['img'].shape == (32, 48, 3)
