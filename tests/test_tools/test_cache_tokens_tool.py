import json
import shutil

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmengine.registry import init_default_scope
from PIL import Image

from peco.registry import DATASETS, MODELS
from peco.token_cache import DONE, MISSING, UNREADABLE, TokenCache
from tests.toy_configs import SIZE, pretrain_config, run_tool, write_config

VIEW = [
    dict(type='peco.LoadImage'),
    dict(type='peco.RandomCropBox', scale=(0.3, 1.0)),
    dict(type='peco.CropAndResize', size=SIZE),
    dict(type='peco.ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1),
]


@pytest.fixture(scope='module')
def config(images, tokenizer_run, tmp_path_factory):
    cfg = pretrain_config(images, tokenizer_run / 'epoch_2.pth')
    dataset = cfg['train_dataloader']['dataset']
    dataset['pipeline'] = VIEW + [dataset['pipeline'][1], dict(type='peco.PackInputs')]
    folder = tmp_path_factory.mktemp('cached')
    cfg['custom_hooks'] = cfg['custom_hooks'][:2]
    return write_config(cfg, folder / 'cached_pretrain.py')


@pytest.fixture(scope='module')
def cache(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp('cache') / 'c'
    assert run_tool('cache_tokens', config, '--out', folder, '--views', 3) == 0
    return folder


def _build(config, **dataset):
    cfg = Config.fromfile(config)
    init_default_scope('mmpretrain')
    cfg.model.data_preprocessor = cfg.data_preprocessor
    model = MODELS.build(cfg.model).eval()
    return model, DATASETS.build(dict(cfg.train_dataloader.dataset, **dataset))


def test_ids_equal_those_computed_online_bit_for_bit(config, cache):
    model, dataset = _build(config, token_cache=str(cache))
    np.random.seed(1)
    samples = [dataset[index] for index in list(range(len(dataset))) * 5]
    boxes = {(s['data_samples'].sample_idx, s['data_samples'].crop_box) for s in samples}
    assert len(boxes) > 2 * len(dataset)  # several views of an image
    masks = {s['data_samples'].mask.numpy().tobytes() for s in samples}
    assert len(masks) > 3 * len(dataset)  # masks are drawn anew, whatever the view
    for batch in (samples, samples[:1]):
        data = model.data_preprocessor(default_collate(batch))
        cached = torch.stack([torch.as_tensor(s.token_ids) for s in data['data_samples']])
        assert torch.equal(model.tokenize(data['inputs'][1]), cached)
    assert len(cached.unique()) > 1


def test_crops_differ_from_image_to_image_and_from_seed_to_seed(config, cache, tmp_path):
    assert run_tool('cache_tokens', config, '--out', tmp_path / 'c', '--views', 3, '--seed', 1) == 0
    first, second = (np.load(folder / 'boxes.npy') for folder in (cache, tmp_path / 'c'))
    assert first.shape == second.shape and first.shape[:2] == (8, 3)
    assert (first != second).any(axis=-1).mean() > 0.9
    # The images of the toy set are of one size: equal draws would give equal boxes.
    for view in range(3):
        assert len(np.unique(first[:, view], axis=0)) > 4


def test_pretraining_replays_it_without_a_tokenizer_in_memory(config, cache, tmp_path):
    options = [f'model.token_cache={cache}', f'train_dataloader.dataset.token_cache={cache}']
    assert run_tool('train', config, '--work-dir', tmp_path, '--cfg-options', *options) == 0
    checkpoint = torch.load(tmp_path / 'epoch_2.pth', weights_only=False)
    meta = json.loads((cache / 'meta.json').read_text())
    assert checkpoint['tokenizer'] == meta['tokenizer']
    # The guard lets a cached run go on online: the tokenizer is the same.
    assert run_tool('train', config, '--work-dir', tmp_path, '--resume', '--cfg-options',
                    'train_cfg.max_epochs=3') == 0
    assert (tmp_path / 'pictures' / 'pretrain_epoch_02.png').is_file()
    cfg = Config.fromfile(config)
    cfg.model.token_cache = str(cache)
    model = MODELS.build(cfg.model)
    assert model.tokenizer is None
    with model.with_tokenizer() as tokenizer:
        assert tokenizer.fingerprint() == model.tokenizer_info['fingerprint']
    assert model.tokenizer is None


def test_interrupted_it_goes_on_and_ends_the_same(config, cache, tmp_path, capsys):
    folder = tmp_path / 'c'
    assert run_tool('cache_tokens', config, '--out', folder, '--views', 3) == 0
    assert '8 images x 3 views x 8x8 tokens of 8 codes: 3.' in capsys.readouterr().out
    state, ids = (np.load(folder / f'{name}.npy', mmap_mode='r+') for name in ('state', 'ids'))
    state[[1, 6]] = MISSING
    ids[[1, 6]] = 0
    with pytest.raises(ValueError, match='lacks 2 of 8'):
        TokenCache(folder)
    assert run_tool('cache_tokens', config, '--out', folder, '--views', 3, '--batch-size', 1) == 0
    for name in ('state', 'ids', 'boxes', 'sums'):
        left, right = (np.load(path / f'{name}.npy') for path in (folder, cache))
        assert np.array_equal(left, right), name


def test_a_stale_cache_is_refused(config, cache, tmp_path, capsys):
    options = [f'model.token_cache={cache}', f'train_dataloader.dataset.token_cache={cache}']

    def train(*more):
        code = run_tool('train', config, '--work-dir', tmp_path, '--cfg-options', *options, *more)
        error = capsys.readouterr().err
        assert code == 2 and 'Traceback' not in error, error
        return error

    pipeline = 'train_dataloader.dataset.pipeline.1.scale=(0.1,1.0)'
    assert 'transforms before the mask was' in train(pipeline)
    assert 'the number of images was 8, now it is 4' in train('train_dataloader.dataset.indices=4')
    assert 'must stand in the model and in its images' in train('model.token_cache=None')
    assert run_tool('cache_tokens', config, '--out', cache, '--views', 3, '--seed', 1) == 2
    assert 'the seed of the crops was 0, now it is 1' in capsys.readouterr().err
    options = ['model.token_cache=nowhere', 'train_dataloader.dataset.token_cache=nowhere']
    assert "token cache 'nowhere' does not exist" in train()


def test_a_crop_that_is_not_the_one_that_was_tokenized_is_noticed(config, cache, tmp_path):
    folder = tmp_path / 'c'
    shutil.copytree(cache, folder)
    boxes = np.load(folder / 'boxes.npy', mmap_mode='r+')
    boxes[3, :, 2] += 1
    boxes.flush()
    _, dataset = _build(config, token_cache=str(folder))
    dataset[2]
    with pytest.raises(ValueError, match=r'view \d of .* is the crop .*, tokenized was .* Make'):
        dataset[3]


def test_another_tokenizer_makes_it_stale(config, cache, tokenizer_run, tmp_path):
    changed = torch.load(tokenizer_run / 'epoch_2.pth', weights_only=False)
    changed['state_dict']['quantizer.embedding'] += 1
    torch.save(changed, tmp_path / 'other.pth')
    cfg = Config.fromfile(config)
    cfg.model.update(token_cache=str(cache), tokenizer_checkpoint=str(tmp_path / 'other.pth'))
    with pytest.raises(ValueError, match='stale: the tokenizer was'):
        MODELS.build(cfg.model)


def test_a_changed_or_unreadable_image_is_noticed(config, images, tmp_path, capsys):
    for index in range(4):
        noise = np.random.default_rng(index).integers(0, 255, (20, 30, 3)).astype(np.uint8)
        Image.fromarray(noise).save(tmp_path / f'{index}.png')
    (tmp_path / '1.png').write_bytes(b'no image')
    root = f'train_dataloader.dataset.data_root={tmp_path}'
    folder = tmp_path.with_name('cache_of_four')
    assert run_tool('cache_tokens', config, '--out', folder, '--views', 2,
                    '--cfg-options', root) == 0
    assert '1 images could not be read' in capsys.readouterr().out
    assert np.load(folder / 'state.npy').tolist() == [DONE, UNREADABLE, DONE, DONE]
    _, dataset = _build(config, data_root=str(tmp_path), token_cache=str(folder))
    assert dataset[1]['data_samples'].sample_idx != 1  # another image takes its place
    original = (tmp_path / '2.png').read_bytes()
    dataset[2]
    for size in ((20, 30), (40, 60)):
        Image.fromarray(np.zeros((*size, 3), np.uint8)).save(tmp_path / '2.png')
        with pytest.raises(ValueError, match='stale: .*2.png is not the image'):
            dataset[2]
    (tmp_path / '2.png').write_bytes(original)
    # An image that can be read by now has no ids all the same.
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / '1.png')
    assert {dataset[1]['data_samples'].sample_idx for _ in range(5)} <= {0, 2, 3}
    assert dataset[-1]['data_samples'].sample_idx == 3
    # It has once it is tried again.
    assert run_tool('cache_tokens', config, '--out', folder, '--views', 2,
                    '--cfg-options', root) == 0
    _, dataset = _build(config, data_root=str(tmp_path), token_cache=str(folder))
    assert dataset[1]['data_samples'].sample_idx == 1


def test_refuses_configs_without_a_tokenizer(tokenizer_run, config, capsys):
    assert run_tool('cache_tokens', tokenizer_run / 'shared_tokenizer.py') == 2
    assert 'no model.tokenizer' in capsys.readouterr().err
    assert run_tool('cache_tokens', config, '--views', 0) == 2


class Nameless:
    def __call__(self, results):
        return results


def test_views_that_cannot_be_repeated_are_refused():
    from mmengine.dataset import Compose

    from peco.datasets import ViewPipeline
    with pytest.raises(ValueError, match='__repr__, got .*Nameless object at'):
        ViewPipeline(Compose([*VIEW[:1], Nameless(), dict(type='peco.PackInputs')]))
    with pytest.raises(ValueError, match='loads an image and crops it'):
        ViewPipeline(Compose([*VIEW[:1], dict(type='peco.PackInputs')]))


def test_shares_do_not_depend_on_who_looks_first(config, tmp_path):
    from peco.engine.token_caching import describe_cache, fill_cache
    from peco.token_cache import TokenCacheWriter
    model, dataset = _build(config)
    TokenCacheWriter.create(tmp_path / 'c', describe_cache(model, dataset, 1, 0))
    # The second rank looks when the first has finished.
    for rank in range(2):
        steps = list(fill_cache(model, dataset, tmp_path / 'c', 1, 0, 2, 0, 'cpu', rank, 2))
        assert steps[0] == (0, 4) and steps[-1] == (4, 4)
    assert TokenCache(tmp_path / 'c').meta['images'] == 8


@pytest.mark.parametrize('amp', [False, True])
def test_the_tokenizer_computes_in_the_precision_that_the_model_asks_for(config, tmp_path, amp):
    from peco.engine.token_caching import describe_cache, fill_cache
    from peco.token_cache import TokenCacheWriter
    model, dataset = _build(config)
    model.tokenizer_amp = amp
    dtypes = set()
    model.tokenizer.encoder.register_forward_hook(lambda *args: dtypes.add(args[-1].dtype))
    TokenCacheWriter.create(tmp_path / 'c', describe_cache(model, dataset, 1, 0))
    list(fill_cache(model, dataset, tmp_path / 'c', 1, 0, 2, 0))
    assert dtypes == {torch.bfloat16 if amp else torch.float32}
    model.tokenizer_amp = not amp
    with pytest.raises(ValueError, match=f'tokenizer_amp was {amp}, now it is {not amp}'):
        TokenCacheWriter.create(tmp_path / 'c', describe_cache(model, dataset, 1, 0))


def test_tools_that_need_no_cache_do_not_ask_for_it(config, pretrain_run, tmp_path):
    absent = ('--cfg-options', 'model.token_cache=nowhere')
    assert run_tool('get_flops', config, '--shape', SIZE, *absent) == 0
    cfg = Config.fromfile(config)
    cfg.model.token_cache = 'nowhere'
    from peco.apis import init_model
    assert init_model(cfg, pretrain_run / 'epoch_2.pth', 'cpu').token_cache is None
