"""``compile``: a step that torch has compiled trains as one that it has not."""

import pytest
import torch

from peco.utils import load_checkpoint
from tests.toy_configs import pretrain_config, run_tool, write_config


@pytest.mark.whole
def test_compiled_pretraining_gives_the_weights_of_eager_pretraining(
        images, tokenizer_run, pretrain_run, tmp_path):
    """The backend is the one that only records: generating code takes minutes on a CPU."""
    cfg = pretrain_config(images, tokenizer_run / 'epoch_2.pth')
    cfg['custom_hooks'] = []  # they draw and watch, and change nothing
    config = write_config(cfg, tmp_path / 'compile.py')
    torch._dynamo.reset()
    assert run_tool('train', config, '--work-dir', tmp_path, '--cfg-options',
                    'compile.backend=aot_eager') == 0
    assert torch._dynamo.utils.counters['stats']['calls_captured'] > 100
    wanted, found = (load_checkpoint(folder / 'epoch_2.pth')['state_dict']
                     for folder in (pretrain_run, tmp_path))
    assert wanted.keys() == found.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-5)
