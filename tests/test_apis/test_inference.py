import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from peco.apis import (
    classify,
    extract_features,
    init_model,
    load_images,
    reconstruct,
    tokenize,
)
from tests.toy_configs import tokenizer_config


@pytest.fixture(scope='module')
def tokenizer(tokenizer_run):
    return init_model(tokenizer_run / 'shared_tokenizer.py', tokenizer_run / 'epoch_2.pth', 'cpu')


@pytest.fixture(scope='module')
def classifier(classifier_run):
    return init_model(classifier_run / 'shared_classifier.py', classifier_run / 'epoch_2.pth',
                      'cpu')


@pytest.fixture
def path(images):
    return images / 'val/light/0.png'


def test_path_array_and_tensor_are_the_same_image(tokenizer, path):
    array = np.asarray(Image.open(path))
    tensor = torch.from_numpy(array.copy()).permute(2, 0, 1) / 255
    loaded = load_images(tokenizer, path)
    assert torch.equal(loaded[0], tensor)
    assert torch.equal(load_images(tokenizer, str(path)), loaded)
    assert torch.equal(load_images(tokenizer, array), loaded)
    assert torch.equal(load_images(tokenizer, tensor), loaded)


def test_images_are_scaled_as_in_evaluation(images, tmp_path):
    cfg = tokenizer_config(images)
    cfg['test_dataloader']['dataset']['pipeline'] = [
        dict(type='peco.LoadImage'), dict(type='mmpretrain.CenterCrop', crop_size=8),
        dict(type='PackInputs')]
    model = init_model(Config(cfg))
    array = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    expected = torch.from_numpy(array[4:12, 4:12].copy()).permute(2, 0, 1) / 255
    assert torch.equal(load_images(model, array)[0], expected)


def test_tokenize_and_reconstruct(tokenizer, path):
    ids = tokenize(tokenizer, path)
    assert ids.shape == (1, 8, 8) and ids.max() < 8
    picture = reconstruct(tokenizer, path)
    assert picture.shape == (1, 3, 16, 16) and 0 <= picture.min() <= picture.max() <= 1
    assert torch.equal(picture, tokenizer.decode(ids))


def test_features_are_those_of_predict_mode(pretrain_run, path):
    model = init_model(pretrain_run / 'shared_pretrain.py', pretrain_run / 'epoch_2.pth', 'cpu')
    features = extract_features(model, path)
    assert features.shape == (1, 8)
    bgr = torch.from_numpy(np.asarray(Image.open(path))[..., ::-1].copy()).permute(2, 0, 1)
    sample, = model.val_step(dict(inputs=bgr[None]))
    torch.testing.assert_close(features[0], sample.feature)


def test_classify_as_in_a_test(classifier, path):
    ranked = classify(classifier, path)
    assert {name for name, _ in ranked} == {'dark', 'light'}
    assert ranked[0][1] >= ranked[1][1] and sum(score for _, score in ranked) == pytest.approx(1)
    bgr = torch.from_numpy(np.asarray(Image.open(path))[..., ::-1].copy()).permute(2, 0, 1)
    sample, = classifier.test_step(dict(inputs=bgr[None]))
    assert ranked[0][1] == pytest.approx(sample.pred_score.max().item(), rel=1e-5)
    assert extract_features(classifier, path).shape == (1, 8)


@pytest.mark.parametrize('image, message', [
    (torch.full((3, 8, 8), 200.), r'values in \[200, 200\]'),
    (torch.zeros(8, 8), 'a tensor must be float'),
    (torch.zeros(3, 8, 8, dtype=torch.uint8), 'torch.uint8'),
    (np.zeros((8, 8, 3), np.float32), 'an array must be RGB uint8'),
])
def test_wrong_images(tokenizer, image, message):
    with pytest.raises(ValueError, match=message):
        tokenize(tokenizer, image)


def test_wrong_files(tokenizer, tmp_path):
    with pytest.raises(FileNotFoundError, match='none.jpg'):
        tokenize(tokenizer, tmp_path / 'none.jpg')
    broken = tmp_path / 'broken.jpg'
    broken.write_bytes(b'no image')
    with pytest.raises(ValueError, match="broken.jpg' cannot be read"):
        tokenize(tokenizer, broken)


def test_wrong_models(classifier, tokenizer, path):
    with pytest.raises(TypeError, match='ImageClassifier is no tokenizer'):
        tokenize(classifier, path)
    with pytest.raises(TypeError, match='PerceptualTokenizer gives no features'):
        extract_features(tokenizer, path)
