import pytest
import torch
from torch import nn

from peco.engine.weights_check import check_fit, check_initial_weights, state_dict_of


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


@pytest.mark.parametrize('theirs', [1, 4])
@pytest.mark.parametrize('complete', [True, False])
def test_other_depths_do_not_fit_though_most_weights_do(theirs, complete):
    problem = check_fit(Net(layers=3), Net(layers=theirs).state_dict(), 'file', complete)
    assert problem.startswith(
        f'file does not fit this Net: backbone has {theirs} layers there and 3 in the model')


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
