import pytest
import torch

from peco.models.tokenizers import PerceptualTokenizer, load_frozen_tokenizer
from peco.registry import MODELS
from tests.test_models.test_tokenizers.tokenizer_cfg import PERCEPTUAL, tokenizer_cfg


def _save(tmp_path, wrap=True, **kwargs):
    torch.manual_seed(0)
    trained = MODELS.build(tokenizer_cfg(**kwargs))
    path = tmp_path / 'tokenizer_of_a_test' / 'epoch_1.pth'
    path.parent.mkdir(exist_ok=True)
    state = trained.state_dict()
    torch.save(dict(state_dict=state, meta=dict(epoch=1)) if wrap else state, path)
    return trained, str(path)


@pytest.mark.parametrize('wrap', [True, False])
def test_loads_without_losses_and_frozen(tmp_path, wrap):
    trained, path = _save(tmp_path, wrap, perceptual=PERCEPTUAL)
    # The file of the perceptual network need not exist.
    gone = dict(PERCEPTUAL, network=dict(type='peco.PerceptualNetwork', checkpoint='/gone.pth'))
    cfg = tokenizer_cfg(perceptual=gone, data_preprocessor=dict(type='no such thing'))
    loaded = load_frozen_tokenizer(cfg, path)
    images = torch.rand(1, 3, 16, 16)
    assert torch.equal(loaded.tokenize(images), trained.eval().tokenize(images))
    assert loaded.fingerprint() == trained.fingerprint()
    assert loaded.perceptual_loss is None and cfg['perceptual_loss'] is gone
    assert not loaded.train().training and not any(p.requires_grad for p in loaded.parameters())


@MODELS.register_module(force=True)
class PlainTokenizer(PerceptualTokenizer):
    """A tokenizer of its own kind, without the arguments of a loss."""

    def __init__(self, encoder, quantizer, decoder):
        super().__init__(encoder, quantizer, decoder)


def test_a_tokenizer_without_perceptual_loss_among_its_arguments(tmp_path):
    trained, path = _save(tmp_path)
    loaded = load_frozen_tokenizer(dict(tokenizer_cfg(), type='peco.PlainTokenizer'), path)
    assert loaded.fingerprint() == trained.fingerprint()


def test_missing_file(tmp_path):
    path = str(tmp_path / 'tokenizer_x' / 'epoch_100.pth')
    with pytest.raises(FileNotFoundError) as error:
        load_frozen_tokenizer(tokenizer_cfg(), path)
    assert path in str(error.value) and 'tools/train.py' in str(error.value)
    assert '.py' not in str(error.value).replace('tools/train.py', '')


@pytest.mark.parametrize('kwargs', [dict(codebook_size=32), dict(code_dim=4)])
def test_other_shapes_are_named_with_both(tmp_path, kwargs):
    _, path = _save(tmp_path)
    with pytest.raises(ValueError, match='have another shape') as error:
        load_frozen_tokenizer(tokenizer_cfg(**kwargs), path)
    assert path in str(error.value)
    assert ') instead of (' in str(error.value)


def test_other_architecture_names_keys_on_both_sides(tmp_path):
    _, path = _save(tmp_path)
    cfg = tokenizer_cfg()
    cfg['encoder'] = dict(cfg['encoder'], num_res_blocks=2)
    with pytest.raises(ValueError, match=r'weights are missing, such as encoder\.blocks'):
        load_frozen_tokenizer(cfg, path)
    _, path = _save(tmp_path)
    cfg['encoder'] = dict(cfg['encoder'], num_res_blocks=1, attn_levels=())
    with pytest.raises(ValueError, match=r'weights are unknown, such as encoder\.blocks'):
        load_frozen_tokenizer(cfg, path)


def test_uninitialised_codebook(tmp_path):
    _, path = _save(tmp_path, init='kmeans')
    with pytest.raises(ValueError, match='not initialised'):
        load_frozen_tokenizer(tokenizer_cfg(), path)


def test_a_pickle_is_never_run(tmp_path):
    path = tmp_path / 'evil.pth'
    torch.save(dict(state_dict=_Evil(str(tmp_path / 'ran'))), path)
    with pytest.raises(Exception, match='refused'):
        load_frozen_tokenizer(tokenizer_cfg(), str(path))
    assert not (tmp_path / 'ran').exists()


class _Evil:

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, 'w')
