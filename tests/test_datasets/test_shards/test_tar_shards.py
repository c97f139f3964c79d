import json
from collections import Counter
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmengine.hooks import Hook
from PIL import Image
from torch.utils.data import DataLoader

from peco.datasets import ImageFolder
from peco.datasets.shards import TarShards, tar_shards, write_shards
from peco.engine.cli import build_runner, complete_dataloaders
from peco.engine.hooks import PictureHook
from tests.toy_configs import (
    make_images,
    pretrain_config,
    run_tool,
    tokenizer_config,
    write_config,
)

LOAD = [dict(type='peco.LoadImage'), dict(type='peco.PackInputs')]
PIPELINE = [LOAD[0], dict(type='peco.RandomCropBox'), dict(type='peco.PackInputs')]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """25 images in two classes and three shards."""
    root = make_images(tmp_path_factory.mktemp('flat'), train=12)
    Image.new('RGB', (16, 16)).save(root / 'train/dark/last.png')
    out = root / 'shards'
    list(write_shards(ImageFolder(str(root / 'train')), out, images_per_shard=10))
    return out


def _seen(dataset, workers=0, batch=2):
    loader = DataLoader(dataset, batch_size=batch, num_workers=workers,
                        collate_fn=default_collate, persistent_workers=workers > 0)

    def epoch(number):
        dataset.set_epoch(number)
        samples = [sample for data in loader for sample in data['data_samples']]
        return [(sample.sample_idx, sample.crop_box) for sample in samples]
    return epoch, len(loader)


def test_the_shards_hold_the_files_and_labels(folder):
    assert json.loads((folder / 'index.json').read_text()) == dict(
        names=['000000.tar', '000001.tar', '000002.tar'], images=[10, 10, 5],
        classes=['dark', 'light'])
    files = ImageFolder(str(folder.parent / 'train'), pipeline=LOAD)
    shards = TarShards(str(folder), LOAD, with_label=True)
    found = {sample['data_samples'].sample_idx: sample for sample in shards}
    assert sorted(found) == list(range(25))
    for index, sample in found.items():
        assert torch.equal(sample['inputs'], files[index]['inputs'])
        assert sample['data_samples'].gt_label == files[index]['data_samples'].gt_label
        name = files[index]['data_samples'].img_path.split('/train/')[1]
        assert sample['data_samples'].img_path.endswith(f'.tar/{name}')


@pytest.mark.parametrize('workers', [0, 2, 3])
def test_an_epoch_is_determined_and_differs_from_the_next(folder, workers):
    epoch, length = _seen(TarShards(str(folder), PIPELINE, batch_size=2), workers)
    first, second = epoch(0), epoch(1)
    assert length == 12 and len(first) == len(second) == 24
    assert max(Counter(index for index, _ in first).values()) == 1
    assert [i for i, _ in first] != [i for i, _ in second]
    again, _ = _seen(TarShards(str(folder), PIPELINE, batch_size=2), workers)
    assert again(1) == second  # as after a resume: draws of the pipeline too
    assert again(0) == first
    other, _ = _seen(TarShards(str(folder), PIPELINE, batch_size=2, seed=1), workers)
    assert [i for i, _ in other(0)] != [i for i, _ in first]


def test_ranks_share_an_epoch_without_overlap(folder):
    seen = []
    for rank in range(2):
        with mock.patch.object(tar_shards, 'get_dist_info', return_value=(rank, 2)):
            dataset = TarShards(str(folder), PIPELINE, batch_size=4)
        seen.append([index for index, _ in _seen(dataset, 2, 4)[0](3)])
    assert [len(part) for part in seen] == [12, 12]
    assert len(set(seen[0]) | set(seen[1])) == 24


def test_the_buffer_loosens_the_order(folder):
    orders = []
    for size in (1, 8):
        dataset = TarShards(str(folder), PIPELINE, shuffle_buffer=size)
        orders.append([sample['data_samples'].sample_idx for sample in dataset])
    assert sorted(orders[0]) == sorted(orders[1]) and orders[0] != orders[1]
    moved = [abs(orders[1].index(index) - place) for place, index in enumerate(orders[0])]
    assert np.mean(moved) > 2


@pytest.mark.parametrize('workers, persistent', [(0, False), (2, False), (2, True)])
def test_passes_follow_each_other_where_nobody_tells_the_epoch(folder, workers, persistent):
    # As in a loop over iterations.
    loader = DataLoader(TarShards(str(folder), PIPELINE, batch_size=2), batch_size=2,
                        num_workers=workers, persistent_workers=persistent,
                        collate_fn=default_collate)
    passes = [[(s.sample_idx, s.crop_box) for data in loader for s in data['data_samples']]
              for _ in range(3)]
    dataset = TarShards(str(folder), PIPELINE, batch_size=2)
    epoch, _ = _seen(dataset, workers)
    assert passes == [epoch(number) for number in range(3)]


def test_every_image_has_its_turn_even_in_one_shard(tmp_path):
    root = make_images(tmp_path)
    list(write_shards(ImageFolder(str(root / 'train')), tmp_path / 's'))
    dataset = TarShards(str(tmp_path / 's'), LOAD, batch_size=5)
    seen = set()
    for number in range(12):
        dataset.set_epoch(number)
        indices = [sample['data_samples'].sample_idx for sample in dataset]
        assert len(indices) == 5
        seen |= set(indices)
    assert seen == set(range(8))


def test_unreadable_images_are_made_up_for(tmp_path):
    root = make_images(tmp_path, train=3)
    (root / 'train/dark/1.png').write_bytes(b'no image')
    list(write_shards(ImageFolder(str(root / 'train')), tmp_path / 's', 4))
    dataset = TarShards(str(tmp_path / 's'), PIPELINE, batch_size=3)
    indices = [sample['data_samples'].sample_idx for sample in dataset]
    assert len(indices) == 6 and len(set(indices)) == 5
    for path in (root / 'train').glob('*/*.png'):
        path.write_bytes(b'no image')
    list(write_shards(ImageFolder(str(root / 'train')), tmp_path / 't', 4))
    with pytest.raises(RuntimeError, match='none of 6 images'):
        list(TarShards(str(tmp_path / 't'), PIPELINE))


def test_bad_folders_are_refused(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match='make_shards.py'):
        TarShards(str(tmp_path), PIPELINE)
    with pytest.raises(ValueError, match='25 images .* give no batch of 26'):
        TarShards(str(folder), PIPELINE, batch_size=26)
    root = make_images(tmp_path / 'more')
    list(write_shards(ImageFolder(str(root / 'train'), with_label=False), tmp_path / 's', 3))
    with pytest.raises(ValueError, match='no labels'):
        TarShards(str(tmp_path / 's'), PIPELINE, with_label=True)
    (tmp_path / 's/000001.tar').unlink()
    with pytest.raises(FileNotFoundError, match='lacks 1 of 3 shards .* 000001.tar'):
        TarShards(str(tmp_path / 's'), PIPELINE)


def test_writing_goes_on_where_it_was(tmp_path):
    dataset = ImageFolder(str(make_images(tmp_path) / 'train'))
    steps = write_shards(dataset, tmp_path / 's', 3)
    for _ in range(5):
        next(steps)
    steps.close()
    assert not (tmp_path / 's/000001.tar').exists()
    before = (tmp_path / 's/000000.tar').stat().st_mtime_ns
    assert list(write_shards(dataset, tmp_path / 's', 3))[-1] == 8
    assert (tmp_path / 's/000000.tar').stat().st_mtime_ns == before
    assert len(list(TarShards(str(tmp_path / 's'), LOAD))) == 8
    with pytest.raises(FileExistsError, match='holds shards already'):
        list(write_shards(dataset, tmp_path / 's', 3))


@pytest.mark.parametrize('change', [dict(images_per_shard=2), dict(seed=1)])
def test_a_part_of_other_shards_is_not_gone_on_with(tmp_path, change):
    dataset = ImageFolder(str(make_images(tmp_path) / 'train'))
    steps = write_shards(dataset, tmp_path / 's', 3)
    for _ in range(5):
        next(steps)
    steps.close()
    with pytest.raises(FileExistsError, match='a part of other shards'):
        list(write_shards(dataset, tmp_path / 's', **{**dict(images_per_shard=3), **change}))
    (tmp_path / 's/plan.json').unlink()
    with pytest.raises(FileExistsError, match='holds other tar files'):
        list(write_shards(dataset, tmp_path / 's', 3))


def test_the_runner_trains_on_shards_and_resumes(images, tokenizer_run, tmp_path, monkeypatch):
    assert run_tool('make_shards', images / 'train', tmp_path / 's', '--images-per-shard', 3) == 0
    cfg = pretrain_config(images, tokenizer_run / 'epoch_2.pth')
    old = cfg['train_dataloader']
    pipeline = old['dataset']['pipeline'][:-1] + [dict(type='peco.PackInputs')]
    cfg['train_dataloader'] = dict(
        batch_size=2, num_workers=1, sampler=old['sampler'],
        dataset=dict(type='peco.TarShards', data_root=str(tmp_path / 's'), pipeline=pipeline))
    cfg['custom_hooks'] = cfg['custom_hooks'][:2]
    config = write_config(cfg, tmp_path / 'shard_pretrain.py')
    assert run_tool('train', config, '--work-dir', tmp_path / 'a') == 0
    assert (tmp_path / 'a/pictures/pretrain_epoch_02.png').is_file()
    whole = torch.load(tmp_path / 'a/epoch_2.pth', weights_only=False)
    assert whole['meta']['iter'] == 8  # two epochs of four batches
    assert run_tool('train', config, '--work-dir', tmp_path / 'b', '--cfg-options',
                    'train_cfg.max_epochs=1') == 0
    assert run_tool('train', config, '--work-dir', tmp_path / 'b', '--resume') == 0
    resumed = torch.load(tmp_path / 'b/epoch_2.pth', weights_only=False)
    for key, value in whole['state_dict'].items():
        assert torch.equal(value, resumed['state_dict'][key]), key


@pytest.mark.whole
def test_a_loop_over_iterations_sees_each_epoch_once(images, tmp_path):
    # mmengine begins to read before its hooks are called.
    assert run_tool('make_shards', images / 'train', tmp_path / 's', '--images-per-shard', 3) == 0
    cfg = tokenizer_config(images)
    pipeline = cfg['train_dataloader']['dataset']['pipeline']
    cfg['train_dataloader'] = dict(batch_size=2, num_workers=1, dataset=dict(
        type='peco.TarShards', data_root=str(tmp_path / 's'), pipeline=pipeline))
    cfg.update(train_cfg=dict(type='IterBasedTrainLoop', max_iters=8, val_interval=99),
               randomness=dict(seed=5), custom_hooks=[])
    cfg = Config.fromfile(write_config(cfg, tmp_path / 'shard_iters.py'))
    cfg.work_dir = str(tmp_path / 'w')
    complete_dataloaders(cfg)
    runner = build_runner(cfg, 'train', 'none')
    seen, watch = [], Hook()
    watch.before_train_iter = lambda runner, batch_idx, data_batch: seen.extend(
        sample.sample_idx for sample in data_batch['data_samples'])
    runner.register_hook(watch)
    runner.train()
    loader = DataLoader(TarShards(str(tmp_path / 's'), pipeline, batch_size=2, seed=5),
                        batch_size=2, num_workers=1, collate_fn=default_collate)
    expected = [sample.sample_idx for _ in range(2) for data in loader
                for sample in data['data_samples']]
    assert seen == expected and seen[:8] != seen[8:]


def test_shards_are_refused_where_each_image_counts(folder, images, capsys, tmp_path):
    cfg = tokenizer_config(images)
    cfg['test_dataloader']['dataset'] = dict(
        type='peco.TarShards', data_root=str(folder), pipeline=LOAD)
    config = write_config(cfg, tmp_path / 'shard_test.py')
    assert run_tool('test', config, 'none.pth') == 2
    assert 'peco.TarShards leaves images out' in capsys.readouterr().err


def test_a_picture_takes_no_pass_from_the_training(folder):
    dataset = TarShards(str(folder), PIPELINE, batch_size=2)
    runner = SimpleNamespace(val_loop=None, train_dataloader=DataLoader(
        dataset, batch_size=2, collate_fn=default_collate))

    def order():
        return [sample['data_samples'].sample_idx for sample in dataset]

    def drawn():
        data = PictureHook(num_images=3)._choose_images(runner)
        return [sample.sample_idx for sample in data['data_samples']]

    before, shown, after, again = order(), drawn(), order(), drawn()
    epoch, _ = _seen(TarShards(str(folder), PIPELINE, batch_size=2), 0)
    assert [before, after] == [[index for index, _ in epoch(number)] for number in range(2)]
    assert shown == again == before[:3]  # after a resume, too
