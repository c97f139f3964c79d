import cv2
import numpy as np
import pytest
import torch
from torch import nn

from peco.engine.dense import LabelRangeHook


class Runner:

    def __init__(self, num_classes=3, ignore_index=255, channels=None):
        self.model = nn.Module()
        self.model.decode_head = nn.Module()
        self.model.decode_head.num_classes = num_classes
        self.model.decode_head.ignore_index = ignore_index
        self.model.decode_head.out_channels = channels or num_classes


def batch(*labels):
    class Labels:
        data = torch.tensor([labels])
    return dict(data_samples=[dict(gt_sem_seg=Labels, seg_map_path='a.png')])


def test_classes_and_what_does_not_count_pass():
    hook = LabelRangeHook()
    hook.before_train_iter(Runner(), 0, batch(0, 1, 2, 255))
    hook.before_test_iter(Runner(ignore_index=7), 0, batch(0, 7))
    hook.before_val_iter(Runner(), 0, batch(255, 255))
    views = batch(0, 2)
    hook.before_test_iter(Runner(), 0, dict(data_samples=[views['data_samples'] * 2]))
    hook.before_test_iter(Runner(), 0, dict(inputs=[]))
    # A sigmoid over one channel has two classes, however many the config tells.
    for num_classes in (1, 2):
        hook.before_train_iter(Runner(num_classes, channels=1), 0, batch(0, 1, 255))


def test_in_training_only_what_the_loss_ignores_is_left_out():
    hook = LabelRangeHook()
    hook.before_val_iter(Runner(ignore_index=7), 0, batch(0, 7, 255))
    with pytest.raises(ValueError, match='class 255, .* what does not count is 7:'):
        hook.before_train_iter(Runner(ignore_index=7), 0, batch(0, 7, 255))


@pytest.mark.parametrize('labels, wrong', [((0, 3), 3), ((-1, 2), -1), ((254, 255), 254)])
def test_other_labels_are_refused(labels, wrong):
    with pytest.raises(ValueError, match=rf"'a\.png' has pixels of class {wrong}, the 3 classes"):
        LabelRangeHook().before_val_iter(Runner(), 0, batch(*labels))


def test_a_test_of_a_segmentor_stops(tmp_path):
    pytest.importorskip('mmseg')
    from peco.engine.cli import build_runner, complete_dataloaders
    from tests.dense_toys import make_ade, segmentor_config
    data = make_ade(tmp_path / 'ade')
    path = data / 'annotations/validation/2.png'
    labels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(path), np.where(labels == 7, 151, labels))
    cfg = segmentor_config(data, tmp_path / 'work')
    complete_dataloaders(cfg)
    with pytest.raises(ValueError, match=r"2\.png' has pixels of class 150, the 150 classes"):
        build_runner(cfg, 'test', 'none').test()
