import pytest
import torch

from peco.evaluation.metrics import ReconstructionAccuracy
from peco.registry import MODELS

CLASSIFIER = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=4),
    neck=dict(type='mmpretrain.GlobalAveragePooling'),
    head=dict(type='mmpretrain.LinearClsHead', num_classes=3, in_channels=32,
              loss=dict(type='mmpretrain.CrossEntropyLoss')))
NORM = dict(mean=[100., 110., 120.], std=[50., 60., 70.])


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    model = MODELS.build(CLASSIFIER)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'classifier.pth')
    return str(tmp_path / 'classifier.pth'), model.eval()


class Brightness(torch.nn.Module):
    """Dark, middle or light, of what a classifier normalised by ``NORM`` sees."""

    def forward(self, images, mode):
        assert mode == 'tensor'
        mean, std = (torch.tensor(NORM[key]).view(3, 1, 1) for key in ('mean', 'std'))
        levels = (images * std + mean).mean((1, 2, 3))
        return -(levels[:, None] - torch.tensor([50., 127., 200.])).abs()


def test_originals_and_reconstructions_are_classified():
    levels = torch.tensor([50., 127., 200., 50.])
    labels = torch.tensor([0, 1, 2, 1])  # the last is wrong
    shown = torch.tensor([50., 200., 50., 127.])  # right, wrong, wrong, right
    samples = [dict(original=torch.full((3, 4, 4), level / 255),
                    reconstruction=torch.full((3, 4, 4), other / 255),
                    gt_label=label.view(1), split_role='query')
               for level, other, label in zip(levels.tolist(), shown.tolist(), labels,
                                              strict=True)]
    bank = dict(samples[0], split_role='bank')
    metric = ReconstructionAccuracy(Brightness(), **NORM, split_role='query')
    metric.process(None, [bank, *samples[:2]])
    metric.process(None, [bank])
    metric.process(None, samples[2:])
    assert metric.evaluate(6) == dict(original_top1=75., reconstruction_top1=50.)


class Reddish(torch.nn.Module):
    """1 where the first channel, as the classifier sees it, is above the third."""

    def forward(self, images, mode):
        first, _, third = images.mean((2, 3)).unbind(1)
        return torch.stack([third, first], dim=1)


def test_channels_are_red_green_blue():
    red, blue = torch.tensor([1., 0, 0]), torch.tensor([0, 0, 1.])
    samples = [dict(original=colour.view(3, 1, 1).expand(3, 4, 4),
                    reconstruction=colour.flip(0).view(3, 1, 1).expand(3, 4, 4),
                    gt_label=torch.tensor([label]), split_role='query')
               for colour, label in ((red, 1), (blue, 0))]
    metric = ReconstructionAccuracy(Reddish(), **NORM, split_role='query')
    metric.process(None, samples)
    assert metric.evaluate(2) == dict(original_top1=100., reconstruction_top1=0.)


def test_weights_come_from_the_checkpoint(checkpoint):
    path, model = checkpoint
    found = ReconstructionAccuracy(CLASSIFIER, **NORM, checkpoint=path).model
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(found(images), model(images)) and not found.training


def test_wrong_files_are_told(checkpoint, tmp_path):
    with pytest.raises(FileNotFoundError, match='none.pth'):
        ReconstructionAccuracy(CLASSIFIER, **NORM, checkpoint=str(tmp_path / 'none.pth'))
    with pytest.raises(ValueError, match='no checkpoint'):
        ReconstructionAccuracy(CLASSIFIER, **NORM)
    torch.save(dict(state_dict=dict(other=torch.zeros(1))), tmp_path / 'other.pth')
    with pytest.raises(ValueError, match='does not fit this ImageClassifier'):
        ReconstructionAccuracy(CLASSIFIER, **NORM, checkpoint=str(tmp_path / 'other.pth'))
    with pytest.raises(ValueError, match='got no sample'):
        ReconstructionAccuracy(CLASSIFIER, **NORM, checkpoint=checkpoint[0]).evaluate(0)
