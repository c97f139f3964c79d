"""Which modules become islands, and mmcv's CPU operators under bfloat16."""

import copy

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from peco.engine.dense import Float32IslandsHook, add_float32_islands


class Head(nn.Module):

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        out = self.fc(x)
        self.inside = out.dtype
        return out, [out], dict(ids=torch.arange(2), name='a')

    def predict_by_feat(self):
        pass


class Extractor(nn.Module):

    def __init__(self):
        super().__init__()
        self.roi_layers = nn.ModuleList()

    def forward(self, feats, rois, scale=None):
        return [x.dtype for x in (*feats, rois)] + [None if scale is None else scale.dtype]


def bf16():
    return torch.autocast('cpu', torch.bfloat16)


def test_heads_compute_in_bfloat16_and_give_float32():
    model = nn.Sequential(Head())
    with bf16():
        assert model(torch.randn(1, 4))[0].dtype == torch.bfloat16
    add_float32_islands(model)
    with bf16():
        out, (listed, ), rest = model(torch.randn(1, 4))
    assert model[0].inside == torch.bfloat16
    assert out.dtype == listed.dtype == torch.float32
    assert rest['ids'].dtype == torch.int64 and rest['name'] == 'a'


def test_extractors_are_given_float32():
    extractor = Extractor()
    add_float32_islands(extractor)
    half = torch.randn(2, dtype=torch.bfloat16)
    assert extractor((half, half), half.double(), scale=half) == [
        torch.float32, torch.float32, torch.float64, torch.float32]


def test_twice_is_once_and_other_modules_are_left_alone():
    model = nn.ModuleList([Head(), Extractor(), nn.Linear(2, 2)])
    for _ in range(2):
        add_float32_islands(model)
    assert [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model] == [0, 1, 0]
    assert model[0].forward.args[0] == Head.forward.__get__(model[0])  # wrapped once
    clone = copy.deepcopy(model)
    add_float32_islands(clone)
    with bf16():
        clone[0](torch.randn(1, 4))
    assert clone[0].inside == torch.bfloat16 and not hasattr(model[0], 'inside')


def test_decode_heads_of_mmseg_upsample_and_lose_in_float32(monkeypatch):
    pytest.importorskip('mmseg')
    from mmengine.structures import PixelData
    from mmseg.models import UPerHead
    from mmseg.structures import SegDataSample
    head = UPerHead(in_channels=[4] * 4, in_index=[0, 1, 2, 3], channels=8, num_classes=3,
                    norm_cfg=dict(type='BN'), dropout_ratio=0.)
    add_float32_islands(head)
    seen = []
    for name in ('loss_by_feat', 'predict_by_feat'):
        of_head = getattr(head, name)
        monkeypatch.setattr(head, name, lambda logits, *args, of_head=of_head: (
            seen.append(logits.dtype), of_head(logits, *args))[1])
    maps = [torch.randn(2, 4, size, size) for size in (16, 8, 4, 2)]
    labels = PixelData(data=torch.zeros(1, 64, 64, dtype=torch.long))
    samples = [SegDataSample(gt_sem_seg=labels) for _ in range(2)]
    with bf16():
        head.loss(maps, samples, None)
        head.predict(maps, [dict(img_shape=(64, 64))] * 2, None)
    assert seen == [torch.float32] * 2


def test_without_autocast_nothing_changes():
    head = Head()
    x = torch.randn(1, 4)
    before = head(x)[0]
    add_float32_islands(head)
    assert torch.equal(head(x)[0], before)


def test_the_optim_wrapper_prepares_its_model():
    model = nn.Sequential(Head())
    wrapper = build_optim_wrapper(model, dict(
        type='peco.AmpOptimWrapper', optimizer=dict(type='SGD', lr=0.1)))
    with wrapper.optim_context(model):
        assert model(torch.randn(1, 4))[0].dtype == torch.float32


def test_the_hook_prepares_the_model_of_a_run():
    class Runner:
        model = nn.Sequential(Head())
    Float32IslandsHook().before_run(Runner)
    with bf16():
        assert Runner.model(torch.randn(1, 4))[0].dtype == torch.float32


def test_mmcvs_roi_align_works_and_boxes_are_not_rounded():
    pytest.importorskip('mmdet')
    from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
    extractor = SingleRoIExtractor(
        dict(type='RoIAlign', output_size=2, sampling_ratio=0), out_channels=3,
        featmap_strides=[4, 8])
    feats = [torch.randn(1, 3, 400, 400), torch.randn(1, 3, 200, 200)]
    rois = torch.tensor([[0, 1201.3, 733.1, 1290.7, 790.9], [0, 5.2, 4.1, 300., 500.]])
    wanted = extractor(feats, rois)
    half = [x.bfloat16() for x in feats]
    with pytest.raises((RuntimeError, TypeError), match='BFloat16'):
        extractor(half, rois)
    add_float32_islands(extractor)
    with bf16():
        found = extractor(half, rois)
    assert found.dtype == torch.float32
    # Only the maps are rounded; boxes rounded as well would read other pixels.
    torch.testing.assert_close(found, extractor([x.float() for x in half], rois))
    torch.testing.assert_close(found, wanted, rtol=0.02, atol=0.02)
