"""Same weights, same outputs as timm's BEiT."""

import pytest
import torch
from timm.models.beit import Beit, checkpoint_filter_fn

from peco.models.backbones import PeCoViT

ARCH = dict(embed_dims=32, num_layers=3, num_heads=2)


def timm_beit(img_size=32, **kwargs):
    """A timm BEiT with no weight at its initial value."""
    torch.manual_seed(0)
    model = Beit(img_size=img_size, patch_size=8, embed_dim=32, depth=3, num_heads=2,
                 num_classes=0, **kwargs).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, mean=0.1, std=0.3)
    return model


def peco_vit(timm_model, img_size=32, **kwargs):
    model = PeCoViT(ARCH, img_size=img_size, patch_size=8, **kwargs).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.load_state_dict(timm_model.state_dict(), strict=True)
    return model


VARIANTS = {
    'shared': (dict(use_shared_rel_pos_bias=True, use_abs_pos_emb=False, init_values=0.1),
               dict(rel_pos_bias='shared')),
    'per_layer': (dict(use_rel_pos_bias=True, use_abs_pos_emb=False, init_values=0.1),
                  dict(rel_pos_bias='per_layer')),
    'absolute': (dict(use_abs_pos_emb=True),
                 dict(rel_pos_bias=None, abs_pos_embed=True, layer_scale_init=None)),
}


@pytest.mark.parametrize('variant', VARIANTS)
@pytest.mark.parametrize('img_size', [32, (32, 48)])
def test_tokens_equal_timm(variant, img_size):
    theirs, ours = VARIANTS[variant]
    beit = timm_beit(img_size, global_pool='token', **theirs)
    vit = peco_vit(beit, img_size, out_type='raw', **ours)
    size = (img_size, img_size) if isinstance(img_size, int) else img_size
    x = torch.randn(2, 3, *size)
    assert (vit(x)[-1] - beit.forward_features(x)).abs().max() <= 1e-5


@pytest.mark.parametrize('pool, out_type', [('token', 'cls_token'), ('avg', 'avg_featmap')])
def test_pooled_features_equal_timm(pool, out_type):
    theirs, ours = VARIANTS['per_layer']
    beit = timm_beit(global_pool=pool, **theirs)
    vit = peco_vit(beit, out_type=out_type, **ours)
    x = torch.randn(2, 3, 32, 32)
    assert (vit(x)[-1] - beit(x)).abs().max() <= 1e-5


def test_maps_of_several_blocks_equal_timm():
    theirs, ours = VARIANTS['shared']
    beit = timm_beit(global_pool='token', **theirs)
    vit = peco_vit(beit, out_type='featmap', out_indices=(0, 1, 2), final_norm=True, **ours)
    x = torch.randn(2, 3, 32, 32)
    outs = vit(x)
    last, maps = beit.forward_intermediates(x)
    for out, wanted in zip(outs[:2], maps[:2], strict=True):
        assert (out - wanted).abs().max() <= 1e-5
    wanted = last[:, 1:].transpose(1, 2).reshape(2, 32, 4, 4)
    assert (outs[2] - wanted).abs().max() <= 1e-5


# Bias tables of smaller grids are exact here, and not in timm: see test_rel_pos_bias.py.
@pytest.mark.parametrize('variant, new_size',
                         [('per_layer', 48), ('absolute', 48), ('absolute', 24)])
def test_another_image_size_equals_timm_with_resized_tables(variant, new_size):
    theirs, ours = VARIANTS[variant]
    beit = timm_beit(global_pool='avg', **theirs)
    resized = timm_beit(new_size, global_pool='avg', **theirs)
    resized.load_state_dict(checkpoint_filter_fn(beit.state_dict(), resized))
    x = torch.randn(2, 3, new_size, new_size)
    wanted = resized(x)

    at_run_time = peco_vit(beit, out_type='avg_featmap', **ours)
    assert (at_run_time(x)[-1] - wanted).abs().max() <= 1e-5
    at_load_time = peco_vit(beit, new_size, out_type='avg_featmap', **ours)
    assert (at_load_time(x)[-1] - wanted).abs().max() <= 1e-5


def test_gradients_equal_timm():
    theirs, ours = VARIANTS['per_layer']
    beit = timm_beit(global_pool='avg', **theirs)
    vit = peco_vit(beit, out_type='avg_featmap', **ours)
    x = torch.randn(2, 3, 32, 32)
    beit(x).square().sum().backward()
    vit(x)[-1].square().sum().backward()
    grads = dict(vit.named_parameters())
    for name, parameter in beit.named_parameters():
        torch.testing.assert_close(grads[name].grad, parameter.grad, rtol=1e-3, atol=1e-4)


def test_keys_equal_timm():
    theirs, ours = VARIANTS['shared']
    beit = timm_beit(global_pool='token', **theirs)
    vit = PeCoViT(ARCH, img_size=32, patch_size=8, **ours)
    assert set(vit.state_dict()) == set(beit.state_dict())
