import pytest

from peco.utils import load_checkpoint
from tests.toy_configs import classifier_config, run_tool, write_config


@pytest.mark.parametrize('batch, counts, expected', [(4, 1, 0.005), (4, 2, 0.01), (2, 8, 0.02)])
def test_accumulated_batches_count_for_the_learning_rate(images, tmp_path, batch, counts,
                                                         expected):
    # mmengine's own Runner scales by the batch alone: 0.005, 0.005 and 0.0025.
    config = write_config(classifier_config(images), tmp_path / f'scale_lr_{counts}.py')
    assert run_tool('train', config, '--work-dir', tmp_path, '--auto-scale-lr', '--cfg-options',
                    f'train_dataloader.batch_size={batch}', 'train_cfg.max_epochs=1',
                    f'optim_wrapper.accumulative_counts={counts}') == 0
    group = load_checkpoint(tmp_path / 'epoch_1.pth')['optimizer']['param_groups'][0]
    assert group['lr'] == pytest.approx(expected)
