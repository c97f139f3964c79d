from PIL import Image

from tests.toy_configs import run_tool


def test_runs_side_by_side(tokenizer_run, pretrain_run, tmp_path, capsys):
    out = tmp_path / 'curves.png'
    assert run_tool('plot_curves', tokenizer_run, pretrain_run, out) == 0
    assert capsys.readouterr().out.strip() == str(out)
    few = tmp_path / 'few.png'
    assert run_tool('plot_curves', tokenizer_run, few, '--keys', 'loss') == 0
    assert Image.open(out).height > Image.open(few).height


def test_faults(tokenizer_run, tmp_path, capsys):
    for arguments, message in (
        ([tmp_path, tmp_path / 'a.png'], 'is it the work dir of a run'),
        ([tokenizer_run, tmp_path / 'a.png', '--keys', 'lost'], "'lost'"),
        ([tokenizer_run, tmp_path], 'does not end with'),
    ):
        assert run_tool('plot_curves', *arguments) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / 'a.png').exists()


def test_folders_without_curves_are_left_out(tokenizer_run, tmp_path, capsys):
    out = tmp_path / 'curves.png'
    (tmp_path / 'export').mkdir()
    assert run_tool('plot_curves', tmp_path / 'export', f'{tokenizer_run}/', out) == 0
    assert out.exists() and f'nothing was logged in {tmp_path}/export' in capsys.readouterr().err
    assert run_tool('plot_curves', tmp_path / 'export', tmp_path, out) == 2
