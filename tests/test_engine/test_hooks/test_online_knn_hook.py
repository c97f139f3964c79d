import json
import pickle
from types import SimpleNamespace

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from torch.utils.data import Dataset

from peco.engine.hooks import OnlineKNNHook
from peco.registry import DATASETS
from tests.dist_utils import run_distributed


@DATASETS.register_module(force=True)
class Points(Dataset):
    """Points on two rays, one a class; the last of an odd number would be dealt twice."""

    def __init__(self, count, swapped=False):
        self.count = count
        self.swapped = swapped

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        label = index % 2
        vector = torch.tensor([1., 0.]) if label == 0 else torch.tensor([0., 1.])
        return dict(inputs=vector * (index + 1),
                    data_samples=DataSample().set_gt_label(label ^ self.swapped))


def test_features_travel_without_the_batch_they_are_of(monkeypatch):
    sent = []
    monkeypatch.setattr('peco.engine.hooks.online_knn_hook.all_gather_object',
                        lambda found: [sent.extend(found) or found])
    measure(bank=4, query=4)
    assert len(sent) == 8
    assert all(len(pickle.dumps(feature.untyped_storage())) < 600 for feature, _ in sent)
    assert all(feature.untyped_storage().nbytes() == feature.nbytes for feature, _ in sent)


class Identity(BaseModel):
    """The input is the feature; class 1 is lost when it is told so."""

    def __init__(self, blind=False):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))
        self.blind = blind

    def forward(self, inputs, data_samples=None, mode='tensor'):
        assert mode == 'predict' and not self.training
        for vector, sample in zip(inputs, data_samples, strict=True):
            sample.set_field(torch.ones(2) if self.blind else vector, 'feature')
        return data_samples


def measure(bank, query, blind=False, swapped=False):
    """What the hook reports, with the size of the bank and of the query."""
    def loader(count, swapped=False):
        return dict(dataset=dict(type='peco.Points', count=count, swapped=swapped), batch_size=2,
                    num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False))
    said, written = [], {}
    runner = SimpleNamespace(
        model=Identity(blind).train(), build_dataloader=Runner.build_dataloader,
        message_hub=SimpleNamespace(update_scalar=lambda name, value: None),
        visualizer=SimpleNamespace(add_scalars=lambda values, step: written.update(values)),
        logger=SimpleNamespace(info=said.append), train_loop=None, epoch=0, max_epochs=1, iter=3)
    OnlineKNNHook(loader(bank, swapped), loader(query), k=2).after_train_epoch(runner)
    assert runner.model.training
    return written['knn_top1'], said[0]


def test_separate_classes_are_told_apart():
    top1, said = measure(7, 5)
    assert top1 == 100 and '(5 images, bank of 7, k=2)' in said


def test_features_that_say_nothing_score_like_a_guess():
    assert measure(7, 5, blind=True)[0] < 100


def test_the_labels_of_the_bank_decide_and_those_of_the_query_do_not():
    assert measure(7, 5, swapped=True)[0] == 0


def test_two_ranks_agree_with_one_and_count_no_image_twice():
    assert run_distributed(measure, 2, 7, 5) == [measure(7, 5)] * 2


def test_it_is_logged_in_a_real_run(pretrain_run):
    file, = pretrain_run.glob('*/vis_data/scalars.json')
    found = [record for record in map(json.loads, file.read_text().splitlines())
             if 'knn_top1' in record]
    assert [record['step'] for record in found] == [2, 4]
    assert all(0 <= record['knn_top1'] <= 100 for record in found)


def test_a_model_without_features_is_named():
    class Silent(Identity):
        def forward(self, inputs, data_samples=None, mode='tensor'):
            return data_samples

    hook = OnlineKNNHook(dict(dataset=dict(type='peco.Points', count=2), batch_size=2,
                              sampler=dict(type='DefaultSampler', shuffle=False)), {})
    with pytest.raises(KeyError, match='Silent need feature'):
        hook._features(SimpleNamespace(model=Silent().eval(),
                                       build_dataloader=Runner.build_dataloader), 'bank')


def test_a_folder_without_classes_switches_it_off(tmp_path):
    (tmp_path / 'a.png').touch()
    loader = dict(dataset=dict(type='peco.ImageFolder', data_root=str(tmp_path), num_per_class=5))
    hook, said = OnlineKNNHook(loader, loader), []
    runner = SimpleNamespace(logger=SimpleNamespace(warning=said.append))
    hook.before_train(runner)
    hook.at_epoch_end(runner, 1, 1)
    line, = said
    assert line.startswith(f"no online kNN: '{tmp_path}' has no class folders")


def test_small_classes_give_all_their_images(images):
    loader = dict(batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
                  dataset=dict(type='peco.ImageFolder', data_root=str(images / 'train'),
                               num_per_class=500))
    hook = OnlineKNNHook(loader, loader)
    hook.before_train(SimpleNamespace(build_dataloader=Runner.build_dataloader))
    assert len(hook._built['bank'].dataset) == 8
    loader['dataset']['data_root'] = str(images / 'none')
    with pytest.raises(ValueError, match='bank_dataloader of peco.OnlineKNNHook in custom_hooks'):
        OnlineKNNHook(loader, loader).before_train(
            SimpleNamespace(build_dataloader=Runner.build_dataloader))


def test_its_images_are_those_of_an_evaluation():
    loader = dict(dataset=dict(type='peco.ImageFolder', data_root='data'))
    hook = OnlineKNNHook(loader, loader)
    assert all(cfg['dataset']['test_mode'] for cfg in hook.loaders.values())
    assert 'test_mode' not in loader['dataset']
