import pytest
import torch
from mmengine.dataset import default_collate
from mmpretrain.structures import DataSample

from peco.models.data_preprocessors import TwoViewDataPreprocessor
from peco.registry import MODELS

MEAN, STD = (1., 2., 3.), (10., 20., 40.)


def _bgr(height=4, width=4):
    """Blue 51, green 102, red 204."""
    image = torch.tensor([51, 102, 204], dtype=torch.uint8).view(3, 1, 1)
    return image.expand(3, height, width).contiguous()


def _batch(inputs):
    return default_collate([dict(inputs=inputs, data_samples=DataSample(label=i))
                            for i in range(2)])


def _colours(view):
    return view[0, :, 0, 0].tolist()


def test_one_batch_serves_both_views():
    out = TwoViewDataPreprocessor(MEAN, STD)(_batch(_bgr()))
    backbone, tokenizer = out['inputs']
    assert _colours(backbone) == pytest.approx([(204 - 1) / 10, (102 - 2) / 20, (51 - 3) / 40])
    assert _colours(tokenizer) == pytest.approx([0.8, 0.4, 0.2])
    assert backbone.dtype == tokenizer.dtype == torch.float32
    assert [sample.label for sample in out['data_samples']] == [0, 1]


def test_two_batches_keep_their_order_and_sizes():
    backbone, tokenizer = TwoViewDataPreprocessor(MEAN, STD)(
        _batch([_bgr(8, 8), _bgr(2, 6)]), training=True)['inputs']
    assert backbone.shape == (2, 3, 8, 8) and tokenizer.shape == (2, 3, 2, 6)
    assert _colours(tokenizer) == pytest.approx([0.8, 0.4, 0.2])
    assert _colours(backbone)[0] == pytest.approx(20.3)


def test_without_to_rgb_channels_stay():
    _, tokenizer = TwoViewDataPreprocessor(MEAN, STD, to_rgb=False)(_batch(_bgr()))['inputs']
    assert _colours(tokenizer) == pytest.approx([0.2, 0.4, 0.8])


def test_extremes_map_to_zero_and_one_and_the_batch_is_not_changed():
    image = torch.tensor([0, 255, 128], dtype=torch.uint8).view(3, 1, 1).expand(3, 2, 2)
    batch = _batch(image.contiguous())
    before = batch['inputs'].clone()
    view = TwoViewDataPreprocessor(MEAN, STD)(batch)['inputs'][1]
    assert view.min() == 0 and view.max() == 1
    assert torch.equal(batch['inputs'], before)


def test_no_data_samples():
    out = TwoViewDataPreprocessor()(dict(inputs=_bgr()[None]))
    assert out['data_samples'] is None


@pytest.mark.parametrize('inputs', [[_bgr(), _bgr()], [_bgr()[None]] * 3, _bgr()])
def test_other_inputs_are_refused(inputs):
    with pytest.raises(ValueError, match='default_collate'):
        TwoViewDataPreprocessor()(dict(inputs=inputs))


def test_it_is_registered():
    assert isinstance(MODELS.build(dict(type='peco.TwoViewDataPreprocessor')),
                      TwoViewDataPreprocessor)
