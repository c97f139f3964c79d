import re

import pytest
from mmengine.config import Config

from tests.toy_configs import (
    ROOT,
    classifier_config,
    pretrain_config,
    run_tool,
    tokenizer_config,
    write_config,
)


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch):
    monkeypatch.setenv('COLUMNS', '160')


def rows(capsys):
    """The summary: part -> (GFLOPs, million parameters)."""
    found = re.findall(r'│ (.+?) +│ +([\d.]+) │ +([\d.]+) │', capsys.readouterr().out)
    return {name: (float(flops), float(params)) for name, flops, params in found}


def test_no_checkpoint_is_needed(images, tmp_path, capsys):
    config = write_config(pretrain_config(images, tmp_path / 'none.pth'), tmp_path / 'mim.py')
    assert run_tool('get_flops', config) == 0
    # As many as the pipeline masks.
    assert set(rows(capsys)) == {'backbone and head, 24 of 64 patches masked',
                                 'tokenizer: encoder', 'tokenizer: codebook', 'tokenizer: decoder'}


def test_tokenizer_scales_with_the_image(images, tmp_path, capsys):
    config = write_config(tokenizer_config(images), tmp_path / 'tokenizer.py')
    assert run_tool('get_flops', config, '--shape', 32) == 0
    small = rows(capsys)
    assert run_tool('get_flops', config, '--shape', 64, 32) == 0
    large = rows(capsys)
    assert set(small) == {'tokenizer: encoder', 'tokenizer: codebook', 'tokenizer: decoder'}
    for name, (flops, params) in small.items():
        assert large[name] == (pytest.approx(2 * flops, rel=0.05, abs=1e-3), params)


def test_flops_of_vit_b(tmp_path, capsys):
    """17.58 billion multiply-adds and 86 million weights are ViT-B's known costs at 224 px."""
    config = write_config(
        dict(default_scope='mmpretrain', model=dict(
            type='ImageClassifier',
            backbone=dict(type='peco.PeCoViT', arch='base', rel_pos_bias=None, beit_init=False,
                          out_type='avg_featmap'),
            head=dict(type='LinearClsHead', num_classes=1000, in_channels=768))),
        tmp_path / 'vitb.py')
    assert run_tool('get_flops', config, '--shape', 224) == 0
    flops, params = rows(capsys)['classifier']
    assert flops == pytest.approx(17.58, abs=0.05) and params == pytest.approx(86.5, abs=0.3)


@pytest.mark.parametrize('name, size, parts', [
    ('nuclei/mask-rcnn_peco-vit-micro_b4-coslr-4e_nuclei', 256, {'backbone', 'neck', 'rpn head'}),
    ('camvid/upernet_peco-vit-micro_b8-500it_camvid-256x256', 256,
     {'backbone', 'neck', 'decode head', 'auxiliary head'})])
def test_parts_of_detectors_and_segmentors(name, size, parts, capsys):
    pytest.importorskip('mmdet')
    pytest.importorskip('mmseg')
    config = ROOT / f'configs/{name}.py'
    found = []
    for shape in ((), ('--shape', size), ('--shape', 2 * size, size)):
        assert run_tool('get_flops', config, *shape) == 0
        found.append(rows(capsys))
    default, same, twice = found
    assert default == same and parts <= set(default)
    for part in parts - {'backbone'}:  # whose global blocks grow with the square
        assert twice[part][0] == pytest.approx(2 * default[part][0], rel=0.05)


def test_images_of_many_sizes(tmp_path, capsys):
    pytest.importorskip('mmdet')
    cfg = Config.fromfile(ROOT / 'configs/nuclei/mask-rcnn_peco-vit-micro_b4-coslr-4e_nuclei.py')
    steps = cfg.train_dataloader.dataset.pipeline
    cfg.train_dataloader.dataset.pipeline = [step for step in steps if step.type != 'RandomCrop']
    cfg.dump(str(tmp_path / 'nuclei.py'))
    assert run_tool('get_flops', tmp_path / 'nuclei.py') == 2
    assert 'one size for all images: give --shape' in capsys.readouterr().err


def test_parts_that_take_more_than_maps_are_named(tmp_path, capsys):
    pytest.importorskip('mmdet')
    (tmp_path / 'detr.py').write_text("_base_ = 'mmdet::detr/detr_r50_8xb2-150e_coco.py'\n"
                                      'model = dict(backbone=dict(init_cfg=None))')
    assert run_tool('get_flops', tmp_path / 'detr.py', '--shape', 64) == 0
    out = capsys.readouterr().out
    assert 'more than feature maps: encoder, decoder, bbox_head' in out and '│ neck' in out


def test_faults(images, tmp_path, capsys):
    cfg = classifier_config(images)
    config = write_config(cfg, tmp_path / 'faulty.py')
    assert run_tool('get_flops', config, '--cfg-options', 'model.head.num_clases=2') == 2
    assert 'num_clases' in capsys.readouterr().err
    assert run_tool('get_flops', config, '--shape', 1, 2, 3) == 2
    assert '--shape 1 2 3' in capsys.readouterr().err
    pipeline = tmp_path / 'pipeline.py'
    pipeline.write_text('stages = []\n')
    assert run_tool('get_flops', pipeline) == 2
    assert f"config '{pipeline}' has no model" in capsys.readouterr().err


def test_the_codebook_counts(images, tmp_path, capsys):
    cfg = tokenizer_config(images)
    cfg['model'] = dict(cfg['model'], quantizer=dict(
        type='peco.EMAQuantizer', codebook_size=8192, code_dim=256, init='random'),
        encoder=dict(cfg['model']['encoder'], out_channels=256),
        decoder=dict(cfg['model']['decoder'], in_channels=256))
    config = write_config(cfg, tmp_path / 'large.py')
    assert run_tool('get_flops', config, '--shape', 28) == 0
    flops, params = rows(capsys)['tokenizer: codebook']
    assert flops == pytest.approx(14 * 14 * 8192 * 256 / 1e9, abs=1e-3)
    assert params == pytest.approx(8192 * 256 / 1e6, abs=0.01)
