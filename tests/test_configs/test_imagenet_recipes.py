"""The figures of the ImageNet recipes, as BEiT, MoCo v3 and configs/peco/README.md have them."""

import pytest
from mmengine.config import Config

from peco.models.quantizers import EMAQuantizer
from peco.registry import MODELS
from tests.toy_configs import ROOT, tokenizer_config

# lr, betas, weight decay, clipping, epochs, warm-up, images a step, stochastic depth, layer decay
BEIT = (1.5e-3, (0.9, 0.999), 0.05, 3.0)
RECIPES = {
    'pretrain_vitb_300e': (*BEIT, 300, 10, 2048, 0.1, None),
    'pretrain_vitb_800e': (*BEIT, 800, 10, 2048, 0.1, None),
    'pretrain_vitb_800e_shards': (*BEIT, 800, 10, 2048, 0.1, None),
    'pretrain_vitb_800e_token-cache': (*BEIT, 800, 10, 2048, 0.1, None),
    'pretrain-vq-kd_vitb_800e': (*BEIT, 800, 10, 2048, 0.1, None),
    'pretrain_vitl_800e': (*BEIT, 800, 10, 2048, 0.1, None),
    'finetune_vitb_8xb128-amp-coslr-100e_in1k': (
        4e-3, (0.9, 0.999), 0.05, None, 100, 20, 1024, 0.1, 0.65),
    'finetune_vitl_8xb128-amp-coslr-50e_in1k': (
        1e-3, (0.9, 0.999), 0.05, None, 50, 5, 1024, 0.2, 0.75),
    'tokenizer_vqgan-f16_8xb32-amp-coslr-100e_in1k': (
        2e-4, (0.9, 0.99), 1e-4, 1.0, 100, 1, 256, None, None),
    'tokenizer-vq-kd_vqgan-f16_8xb32-amp-coslr-100e_in1k': (
        2e-4, (0.9, 0.99), 1e-4, 1.0, 100, 1, 256, None, None),
    'perceptual_mocov3-vit-base-p16_16xb256-amp-coslr-300e_in1k': (
        2.4e-3, (0.9, 0.999), 0.1, None, 300, 40, 4096, None, None),
}


@pytest.mark.parametrize('name', RECIPES)
def test_the_figures_of_a_recipe(name):
    cfg = Config.fromfile(str(ROOT / f'configs/peco/{name}.py'))
    optim, (warm_up, cosine) = cfg.optim_wrapper, cfg.param_scheduler
    optimizer = optim.optimizer
    assert (
        optimizer.lr, tuple(optimizer.get('betas', (0.9, 0.999))), optimizer.weight_decay,
        (optim.get('clip_grad') or {}).get('max_norm'), cfg.train_cfg.max_epochs, warm_up.end,
        cfg.auto_scale_lr.base_batch_size,
        (cfg.model.get('backbone') or {}).get('drop_path_rate'),
        (optim.get('paramwise_cfg') or {}).get('layer_decay_rate')) == RECIPES[name]
    assert cosine.end == cfg.train_cfg.max_epochs and cosine.begin == warm_up.end


@pytest.mark.parametrize('name', [name for name in RECIPES if name.startswith('pretrain')])
def test_masks_are_those_of_beit(name):
    cfg = Config.fromfile(str(ROOT / f'configs/peco/{name}.py'))
    dataset = cfg.train_dataloader.dataset
    mask, = (transform for transform in dataset.pipeline if 'Mask' in transform.type)
    assert (mask.num_masked, tuple(mask.grid_size), mask.min_patches) == (75, (14, 14), 16)
    assert cfg.model.head.num_classes == cfg.model.tokenizer.quantizer.codebook_size == 8192


def test_what_the_tokenizer_leaves_to_its_classes():
    """The README names these as assumed; some configs rely on them."""
    cfg = Config.fromfile(
        str(ROOT / 'configs/peco/tokenizer_vqgan-f16_8xb32-amp-coslr-100e_in1k.py')).model
    assert (cfg.commitment_weight, cfg.pixel_loss.weight, cfg.perceptual_loss.weight) == (
        0.25, 1., 1.)
    assert (cfg.quantizer.code_dim, cfg.quantizer.codebook_size) == (256, 8192)
    quantizer = EMAQuantizer(8, 4)
    assert (quantizer.decay, quantizer.restart_threshold, quantizer.init) == (0.99, 0.05, 'kmeans')


def test_the_commitment_weight_where_a_config_does_not_say(images):
    cfg = dict(tokenizer_config(images)['model'])
    cfg.pop('commitment_weight', None)
    assert MODELS.build(cfg).commitment_weight == 0.25
