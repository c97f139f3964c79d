"""Each part on tiny sizes: what is compared does the same work, and the report is complete."""

import pytest
import torch

from peco.benchmark import (
    PARTS,
    backbone,
    contest,
    data,
    limits,
    perceptual,
    pretrain_step,
    quantizer,
    scaling,
    tokenizing,
)
from peco.benchmark.contest import Contestant, hold
from peco.benchmark.report import Row
from tests.toy_configs import ROOT

TINY = dict(dim=16, depth=2, heads=2, img_size=16, patch_size=4, masked=6, batch=2)


def make_step(device, dtype, seconds):
    return lambda: seconds


@pytest.fixture
def in_process(monkeypatch):
    """Run what a child would run; each child takes seconds to import torch."""
    def call(function, *args, threads=None):
        return function(*args), 1.
    for module in (contest, limits, data, quantizer):
        monkeypatch.setattr(module, 'run_in_child', call)


def test_ratios_are_against_ours_of_the_same_dtype(in_process, monkeypatch):
    # A step tells how long it took, in the place of a clock.
    monkeypatch.setattr(contest, 'take_turns', lambda calls, rounds, device: {
        name: [call()] * rounds for name, call in calls.items()})
    rows = hold([
        Contestant('a', 'float32', make_step, 4, dict(seconds=0.01), True),
        Contestant('b', 'float32', make_step, 4, dict(seconds=0.05)),
        Contestant('c', 'bfloat16', make_step, 4, dict(seconds=0.02)),
        Contestant('d', 'bfloat16', make_step, 4, package='no_such_package'),
    ], 'cpu', None, 2)
    a, b, c, d = rows
    assert a.ratio_vs_ours is None and c.ratio_vs_ours is None
    assert b.ratio_vs_ours == pytest.approx(5.)
    assert (b.median_s, b.img_per_s) == (0.05, 80.)
    assert d.name == 'd (no_such_package is not installed)' and d.median_s is None


@pytest.mark.parametrize('make', [
    backbone.make_ours, backbone.make_mmpretrain, backbone.make_timm])
def test_backbones_do_the_same_work(make):
    torch.manual_seed(0)
    flops = limits.count_flops(make('cpu', 'float32', **TINY))
    reference = limits.count_flops(backbone.make_ours('cpu', 'float32', **TINY))
    assert flops == pytest.approx(reference, rel=0.06)


def test_the_backbone_part_reports_rows_and_limits(in_process, monkeypatch):
    monkeypatch.setattr(limits, '_SHAPES', ((8, 8, 8), ))
    report = backbone.measure(None, rounds=1, size=TINY)
    assert [row.dtype for row in report.rows] == ['float32'] * 3 + ['bfloat16'] * 3
    assert [row.ratio_vs_ours is None for row in report.rows] == [True, False, False] * 2
    assert all(row.img_per_s > 0 and row.peak_mib for row in report.rows)
    rate = report.limit['matmul_gflops']['float32'] / report.limit['gflop_per_image']
    assert report.limit['img_per_s at the matmul rate, float32'] == pytest.approx(rate)


def test_perceptual_losses_give_the_same_gradient():
    size = dict(dim=16, depth=4, heads=2, img_size=16, patch_size=4, batch=2)
    gradients = []
    for make in (perceptual.make_ours, perceptual.make_plain, perceptual.make_recorded):
        torch.manual_seed(0)
        step = make('cpu', 'float32', **size)
        step()
        held = dict(zip(step.__code__.co_freevars,
                        (cell.cell_contents for cell in step.__closure__), strict=True))
        gradients.append(held['x_hat'].grad)
    for gradient in gradients[1:]:
        torch.testing.assert_close(gradient, gradients[0])


def test_the_quantizer_part_checks_the_distances(in_process):
    size = dict(batch=2, side=4, dim=8, codes=16)
    report = quantizer.measure(None, rounds=1, size=size, many_codes=64)
    assert len(report.rows) == 5 and all(row.median_s > 0 for row in report.rows)
    assert 0 <= report.limit['worst_relative_excess_of_distance'] < 1e-5
    assert report.limit['ours_over_bare_product'] > 0


def test_pipelines_make_the_same_views(tmp_path):
    data._write_images(tmp_path, 1)
    from mmengine.dataset import Compose
    shapes = []
    for pipeline in data._transforms():
        data._reader(str(tmp_path), pipeline)()
        out = Compose(pipeline)(dict(img_path=str(tmp_path / '000.jpg')))
        shapes.append(([tuple(view.shape) for view in out['inputs']],
                       int(out['data_samples'].mask.sum())))
    assert shapes[0] == shapes[1] == ([(3, 224, 224), (3, 112, 112)], 75)


def test_the_data_part_reports_the_share_of_decoding(in_process):
    report = data.measure(None, rounds=1, images=2)
    assert [row.ratio_vs_ours is None for row in report.rows] == [True, False] * 2
    decoding = 2 / report.limit['decoding_img_per_s']
    assert report.limit['decoding_share_of_ours'] == pytest.approx(decoding
                                                                   / report.rows[0].median_s)
    assert 20 < report.limit['kib_of_a_file'] < 200


def test_exponents_are_slopes():
    assert scaling.exponent([1, 2, 4], [3, 6, 12]) == pytest.approx(1)
    assert scaling.exponent([1, 2, 4], [3, 12, 48]) == pytest.approx(2)
    rows = [Row('', '', peak_mib=500 + size / 10) for size in (100, 400, 900, 1600)]
    assert scaling._memory_exponent([100, 400, 900, 1600], rows) == pytest.approx(1)


def test_the_scaling_part_reports_exponents(in_process):
    arch = dict(embed_dims=16, num_layers=1, num_heads=2)
    with pytest.MonkeyPatch.context() as patch:
        peaks = iter([600., 700., 900., *[1.] * 20])
        patch.setattr(contest, 'run_in_child', lambda function, *args, threads=None: (
            function(*args), next(peaks) if function is contest._run_alone else 0.))
        report = scaling.measure(None, rounds=1, sides=(112, 224, 336), batches=(1, 2),
                                 codes=(16, 64), arch=arch)
    assert len(report.rows) == 7 and set(report.limit) == {
        'exponent of seconds in pixels', 'exponent of memory in pixels',
        'exponent of seconds in images', 'exponent of seconds in codes'}


def test_the_plain_encoder_gives_our_ids():
    config = str(ROOT / 'configs/_base_/models/tokenizer_vqgan-f8-small.py')
    seen = {}
    for make in (tokenizing.make_ours, tokenizing.make_plain):
        torch.manual_seed(0)
        call = make('cpu', 'float32', config=config, batch=1)
        held = dict(zip(call.__wrapped__.__code__.co_freevars,
                        (cell.cell_contents for cell in call.__wrapped__.__closure__),
                        strict=True))
        with torch.inference_mode():
            seen[make] = held['function'](held['images'])
    ours, plain = seen.values()
    assert (ours.flatten() == plain.flatten()).float().mean() > 0.98 and len(ours.unique()) > 9


@pytest.fixture
def tiny_step(monkeypatch):
    """The part at a size of 16 px; gives the models that it builds."""
    monkeypatch.setattr(pretrain_step, '_GRID', 4)
    monkeypatch.setattr(pretrain_step, '_MASKED', 6)
    monkeypatch.setattr(pretrain_step, '_images', lambda batch: torch.zeros(
        batch, 3, 16, 16, dtype=torch.uint8))
    built = []

    def model():
        from peco.models.pretrainers import PeCo
        built.append(PeCo(
            backbone=dict(type='peco.PeCoViT', mask_token=True, out_type='raw', img_size=16,
                          patch_size=4, arch=dict(embed_dims=16, num_layers=1, num_heads=2)),
            head=dict(type='peco.MIMHead', embed_dims=16, num_classes=8192)))
        return built[-1]
    monkeypatch.setattr(pretrain_step, '_model', model)
    return built


@pytest.mark.whole
@pytest.mark.parametrize('make', [tokenizing.make_dalle, tokenizing.make_vqkd])
def test_peers_give_an_id_for_each_patch(make):
    call = make('cpu', 'bfloat16', batch=1)
    held = dict(zip(call.__wrapped__.__code__.co_freevars,
                    (cell.cell_contents for cell in call.__wrapped__.__closure__), strict=True))
    with torch.inference_mode():
        ids = held['function'](held['images'])
    if make is tokenizing.make_vqkd:
        ids = ids['token']
    assert ids.shape[0] == 1 and ids.numel() == 14 * 14
    assert not ids.is_floating_point() and 0 <= ids.min() and ids.max() < 8192


@pytest.mark.whole
@pytest.mark.parametrize('make', [pretrain_step.make_dalle, pretrain_step.make_vqkd])
def test_peers_train_the_same_backbone_by_the_same_masks(make, monkeypatch):
    kept = {}
    train_step = pretrain_step._train_step

    def keep(model, data, **kwargs):
        kept.update(model=model, data=data)
        return train_step(model, data, **kwargs)
    monkeypatch.setattr(pretrain_step, '_train_step', keep)
    step = make('cpu', 'bfloat16', batch=1)
    backbone, masked = kept['model'].backbone, kept['data']['data_samples'][0].mask.sum()
    before = {name: value.clone() for name, value in backbone.named_parameters()}
    step()
    ours = pretrain_step._model().backbone
    assert (len(backbone.layers), backbone.embed_dims) == (len(ours.blocks), ours.embed_dims)
    assert masked == pretrain_step._MASKED
    moved = [name for name, value in backbone.named_parameters()
             if not torch.equal(value, before[name])]
    assert len(moved) > 0.9 * len(before)


def test_our_step_trains_on_cached_ids(tiny_step):
    step = pretrain_step.make_ours('cpu', 'bfloat16', batch=2)
    before = tiny_step[0].head.fc.weight.clone()
    step()
    assert not torch.equal(tiny_step[0].head.fc.weight, before)


def test_every_part_of_the_tool_takes_the_same_arguments():
    import inspect
    for measure in PARTS.values():
        names = list(inspect.signature(measure).parameters)
        assert names[:4] == ['root', 'device', 'threads', 'rounds']


def test_the_pretraining_part_tells_the_utilisation(tiny_step, in_process, monkeypatch):
    monkeypatch.setattr(limits, '_SHAPES', ((8, 8, 8), ))
    monkeypatch.setattr(pretrain_step, 'make_bare', make_small_bare)
    for peer in ('make_dalle', 'make_vqkd'):
        monkeypatch.setattr(pretrain_step, peer, make_small_bare)
    monkeypatch.setattr(torch, 'compile', lambda function: function)
    report = pretrain_step.measure(ROOT, rounds=1, batch=2, compiled=True)
    ours = {row.name: row.img_per_s for row in report.rows if row.name.startswith('PeCo')}
    assert len(ours) == 2 and len(report.rows) == 4
    for name, speed in ours.items():
        assert report.limit[f'model FLOP utilisation, {name}'] == pytest.approx(
            speed * 2 * 2 * 3 * 4 / 1e9 / report.limit['matmul_gflops'])


def make_small_bare(device, dtype, batch):
    a, b = torch.rand(2 * batch, 3), torch.rand(3, 4)
    return lambda: a @ b
