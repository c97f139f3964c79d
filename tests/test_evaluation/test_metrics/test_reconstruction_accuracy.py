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


def test_originals_and_reconstructions_are_classified(checkpoint):
    path, model = checkpoint
    originals, reconstructions = torch.rand(2, 6, 3, 32, 32)
    mean, std = (torch.tensor(NORM[key]).view(3, 1, 1) for key in ('mean', 'std'))
    with torch.no_grad():
        labels = model((originals * 255 - mean) / std).argmax(1)
        changed = model((reconstructions * 255 - mean) / std).argmax(1)
    # Right for all originals but one.
    labels[0] = (labels[0] + 1) % 3
    samples = [dict(original=o, reconstruction=r, gt_label=label.view(1), split_role='query')
               for o, r, label in zip(originals, reconstructions, labels, strict=True)]
    bank = dict(samples[0], split_role='bank')
    metric = ReconstructionAccuracy(CLASSIFIER, **NORM, checkpoint=path, split_role='query')
    metric.process(None, [bank, *samples[:2]])
    metric.process(None, [bank])
    metric.process(None, samples[2:])
    scores = metric.evaluate(8)
    assert scores['original_top1'] == pytest.approx(500 / 6)
    assert scores['reconstruction_top1'] == pytest.approx(
        (changed == labels).double().mean().item() * 100)


def test_wrong_files_are_told(checkpoint, tmp_path):
    with pytest.raises(FileNotFoundError, match='none.pth'):
        ReconstructionAccuracy(CLASSIFIER, **NORM, checkpoint=str(tmp_path / 'none.pth'))
    with pytest.raises(ValueError, match='no checkpoint'):
        ReconstructionAccuracy(CLASSIFIER, **NORM)
    torch.save(dict(state_dict=dict(other=torch.zeros(1))), tmp_path / 'other.pth')
    with pytest.raises(ValueError, match='is no checkpoint of the classifier'):
        ReconstructionAccuracy(CLASSIFIER, **NORM, checkpoint=str(tmp_path / 'other.pth'))
    with pytest.raises(ValueError, match='got no sample'):
        ReconstructionAccuracy(CLASSIFIER, **NORM, checkpoint=checkpoint[0]).evaluate(0)
