import re

import pytest

from tests.toy_configs import (
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
