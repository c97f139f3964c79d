"""Names of a bare backbone's weights become those of the whole model."""

import pytest
import torch
from torch import nn

from peco.engine.dense.bare_backbone_hook import name_backbone_weights
from peco.models.backbones import PeCoViT

ARCH = dict(embed_dims=8, num_layers=1, num_heads=1)


class Detector(nn.Module):

    def __init__(self):
        super().__init__()
        self.backbone = PeCoViT(ARCH, img_size=16, patch_size=8)
        self.head = nn.Linear(8, 2)


@pytest.mark.parametrize('wrap', [
    lambda state: state, lambda state: dict(state_dict=state, meta=dict(a=1)),
    lambda state: dict(model=state), lambda state: dict(module=state)])
def test_a_bare_backbone_is_named(wrap):
    source, model = Detector(), Detector()
    checkpoint = wrap(dict(source.backbone.state_dict(), lm_head=torch.zeros(1)))
    name_backbone_weights(model, checkpoint)
    state = checkpoint['state_dict']
    assert {key.partition('.')[0] for key in state} == {'backbone'}
    model.load_state_dict({**model.state_dict(), **state}, strict=False)
    assert torch.equal(model.backbone.cls_token, source.backbone.cls_token)
    assert 'model' not in checkpoint and 'cls_token' not in checkpoint


def test_other_files_and_models_are_left_alone():
    state = Detector().state_dict()
    checkpoint = dict(state_dict=dict(state))
    name_backbone_weights(Detector(), checkpoint)
    assert checkpoint['state_dict'] == state
    bare = dict(state_dict=dict(Detector().backbone.state_dict()))
    before = dict(bare['state_dict'])
    name_backbone_weights(PeCoViT(ARCH, img_size=16, patch_size=8), bare)
    name_backbone_weights(nn.Linear(2, 2), bare)
    assert bare['state_dict'] == before
