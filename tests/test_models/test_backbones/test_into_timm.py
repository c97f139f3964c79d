"""The weights in timm's BEiT, as the README tells."""

import pytest
import torch
from timm.models.beit import Beit

from peco.models.backbones import PeCoViT

ARCH = dict(embed_dims=32, num_layers=2, num_heads=2)
BEIT = dict(img_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=2, init_values=0.1,
            num_classes=0, use_abs_pos_emb=False)  # as beit_base_patch16_224 has them


def randomise(model):
    generator = torch.Generator().manual_seed(0)
    for param in model.parameters():
        torch.nn.init.normal_(param, std=0.2, generator=generator)
    return model.eval()


@pytest.mark.parametrize('ours, theirs', [
    (dict(rel_pos_bias='shared', mask_token=True, out_type='raw'),
     dict(use_rel_pos_bias=False, use_shared_rel_pos_bias=True, global_pool='token')),
    (dict(rel_pos_bias='per_layer', out_type='avg_featmap'), dict(use_rel_pos_bias=True)),
], ids=['pretrained', 'fine-tuned'])
def test_features_are_the_same(ours, theirs):
    source = randomise(PeCoViT(arch=ARCH, img_size=32, patch_size=8, **ours))
    target = Beit(**BEIT, **theirs).eval()
    left = target.load_state_dict(source.state_dict(), strict=False)
    assert left.missing_keys == []
    assert left.unexpected_keys == (['mask_token'] if 'mask_token' in ours else [])
    image = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = source(image)[-1]
        found = found[:, 0] if ours['out_type'] == 'raw' else found
        torch.testing.assert_close(target(image), found, rtol=1e-4, atol=1e-5)
