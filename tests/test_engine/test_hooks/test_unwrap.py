from mmengine.model import BaseTTAModel
from torch import nn

from peco.engine.hooks.epoch_end import unwrap


class Views(BaseTTAModel):

    def merge_preds(self, data_samples_list):
        return data_samples_list


def test_wrappers_are_seen_through():
    model = nn.Linear(1, 1)
    model.test_step = lambda data: data
    assert unwrap(model) is model
    assert unwrap(nn.parallel.DataParallel(model)) is model
    assert unwrap(Views(model)) is model
    assert unwrap(nn.parallel.DataParallel(Views(model))) is model
