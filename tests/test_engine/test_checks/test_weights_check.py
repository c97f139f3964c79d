import pytest
import torch
from torch import nn

from peco.engine.checks.weights_check import check_fit, check_initial_weights, state_dict_of
from peco.registry import MODELS
from tests.toy_configs import VIT


class Net(nn.Module):
    """A backbone of two layers and a head."""

    def __init__(self, width=4, init_cfg=None, layers=2):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Linear(2, width), *(nn.Linear(width, width) for _ in range(layers - 1)))
        self.backbone.init_cfg = init_cfg
        self.head = nn.Linear(width, 3)


def test_own_weights_fit():
    assert check_fit(Net(), Net().state_dict(), 'file', complete=True) is None


def test_other_sizes_do_not():
    problem = check_fit(Net(), Net(5).state_dict(), "checkpoint 'a.pth'", complete=True)
    assert problem.startswith("checkpoint 'a.pth' does not fit this Net: backbone.0.weight is "
                              '[5, 2] there and [4, 2] in the model')


def test_a_missing_head_matters_only_where_all_weights_must_be_there():
    weights = {k: v for k, v in Net().state_dict().items() if not k.startswith('head')}
    assert '2 weights are not there (head.weight, head.bias)' in check_fit(
        Net(), weights, 'file', complete=True)
    assert check_fit(Net(), weights, 'file', complete=False) is None
    assert check_fit(Net(), dict(other=torch.ones(1)), 'file', complete=False)


def test_a_whole_backbone_is_enough_below_heads_of_any_size():
    model = Net()
    model.head = nn.Sequential(*(nn.Linear(4, 4) for _ in range(9)))
    backbone = {k: v for k, v in Net().state_dict().items() if k.startswith('backbone')}
    assert check_fit(model, backbone, 'file', complete=False) is None
    assert '18 weights are not there (head.0.weight' in check_fit(
        model, backbone, 'file', complete=True)
    del backbone['backbone.1.bias']
    assert '19 weights are not there (backbone.1.bias' in check_fit(
        model, backbone, 'file', complete=False)


@pytest.mark.parametrize('theirs, complete', [(2, True), (4, True), (2, False)])
def test_other_depths_do_not_fit_though_most_weights_do(theirs, complete):
    problem = check_fit(Net(layers=3), Net(layers=theirs).state_dict(), 'file', complete)
    assert problem.startswith(
        f'file does not fit this Net: backbone has {theirs} layers there and 3 in the model')


def test_the_first_layers_of_a_deeper_backbone_may_be_taken():
    assert check_fit(Net(layers=3), Net(layers=4).state_dict(), 'file', complete=False) is None


def test_a_test_refuses_layers_that_a_backbone_would_drop_unasked():
    def model(layers):
        return nn.ModuleDict(dict(backbone=MODELS.build(dict(VIT, arch=dict(
            embed_dims=8, num_layers=layers, num_heads=2)))))

    problem = check_fit(model(1), model(3).state_dict(), 'file', complete=True)
    assert 'backbone.blocks has 3 layers there and 1 in the model' in problem
    assert check_fit(model(1), model(3).state_dict(), 'file', complete=False) is None


def test_parts_that_a_model_lacks_are_no_matter():
    weights = dict(Net().state_dict(), **{'decoder.0.weight': torch.ones(1)})
    assert check_fit(Net(), dict(weights, **{'backbone.mask_token': torch.ones(1)}), 'file',
                     complete=True) is None
    several = nn.ModuleDict(dict(backbone=Net().backbone, head=nn.Sequential(nn.Linear(4, 3))))
    heads = {'head.0.weight': torch.ones(3, 4), 'head.0.bias': torch.ones(3),
             'head.1.bias': torch.ones(1)}
    weights = {k: v for k, v in Net().state_dict().items() if 'backbone' in k} | heads
    assert check_fit(several, weights, 'file', complete=False) is None
    assert 'head has 2 layers there' in check_fit(several, weights, 'file', complete=True)


def test_wrapper_prefix_is_taken_off():
    weights = {f'module.{k}': v for k, v in Net().state_dict().items()}
    assert check_fit(Net(), state_dict_of(dict(state_dict=weights)), 'file', True) is None


def test_initial_weights(tmp_path):
    path = tmp_path / 'weights.pth'
    torch.save(dict(state_dict=Net().state_dict()), path)
    cfg = dict(type='Pretrained', checkpoint=str(path), prefix='backbone.')
    assert list(check_initial_weights(Net(init_cfg=cfg))) == []
    assert 'does not fit' in next(check_initial_weights(Net(5, init_cfg=cfg)))
    problem, = check_initial_weights(Net(init_cfg=dict(cfg, prefix='trunk.')))
    assert "no weights that begin with 'trunk.'" in problem and 'backbone, head' in problem
