from mmengine.config import Config

from tests.toy_configs import classifier_config, run_tool, write_config


def test_output_is_the_merged_config(images, tmp_path, capsys):
    write_config(classifier_config(images), tmp_path / 'base.py')
    derived = tmp_path / 'derived.py'
    derived.write_text("_base_ = 'base.py'\nmodel = dict(head=dict(num_classes=5))\n")
    assert run_tool('print_config', derived, '--cfg-options', 'randomness.seed=7') == 0
    printed = Config.fromstring(capsys.readouterr().out, '.py')
    assert printed.model.head.num_classes == 5 and printed.model.head.in_channels == 8
    assert printed.randomness.seed == 7


def test_faults(tmp_path, capsys):
    assert run_tool('print_config', tmp_path / 'none.py') == 2
    assert 'does not exist' in capsys.readouterr().err
