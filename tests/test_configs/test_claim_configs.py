"""The arms of the claim: weights arrive where they should, stages are shared between studies."""

import functools
import re
from pathlib import Path

import pytest
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope
from mmengine.runner import save_checkpoint

from peco.datasets import ImageFolder
from peco.engine.checks import check_components
from peco.engine.image_folders import image_folder_configs
from peco.engine.pipeline.stage import config_text
from peco.engine.study import Study
from peco.registry import MODELS, TRANSFORMS
from peco.utils import load_config

ROOT = Path(__file__).parents[2]
CLAIM = ROOT / 'configs/claim'
SOURCES = {
    'mae': CLAIM / 'pretrain-mae_vit-micro_b256-coslr-30e_cifar10-20k.py',
    'simclr': ROOT / 'configs/cifar10/perceptual_simclr-resnet18_b256-coslr-8e_cifar10.py',
}
TAKERS = [path for arm in SOURCES for path in sorted(CLAIM.glob(f'*-{arm}_*.py'))
          if not path.name.startswith('pretrain')]


def build(path):
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    cfg.model.setdefault('data_preprocessor', cfg.get('data_preprocessor'))
    return MODELS.build(cfg.model)


@pytest.mark.parametrize('path', TAKERS, ids=lambda path: path.stem)
def test_a_backbone_takes_all_its_weights(path):
    arm = path.name.split('-')[1].split('_')[0]
    source = build(SOURCES[arm])
    source.init_weights()
    state = source.state_dict()
    taker = build(path)
    own = {key for key in taker.state_dict() if key.startswith('backbone.')}
    # The norm after the mean is new, as in mmpretrain's own recipe of MAE.
    assert own - set(state) <= {'backbone.ln2.weight', 'backbone.ln2.bias'}
    assert all(state[key].shape == taker.state_dict()[key].shape for key in own & set(state))


@pytest.mark.parametrize('arm', SOURCES)
def test_fine_tuning_starts_from_them(arm, tmp_path):
    source = build(SOURCES[arm])
    source.init_weights()
    save_checkpoint(dict(state_dict=source.state_dict()), str(tmp_path / 'source.pth'))
    cfg = Config.fromfile(next(path for path in TAKERS if path.name.startswith(f'finetune-{arm}')))
    cfg.model.backbone.init_cfg.checkpoint = str(tmp_path / 'source.pth')
    model = MODELS.build(cfg.model)
    model.init_weights()
    state = source.state_dict()
    for key, value in model.state_dict().items():
        if key in state:
            assert value.equal(state[key]), key


def test_studies_of_one_folder_share_stages(monkeypatch):
    monkeypatch.chdir(ROOT)
    read = functools.cache(config_text)
    prints = [{stage.name: stage.fingerprint(read) for stage in
               Study(f'configs/claim/{name}.py', seeds=1, arms=['pixel', 'peco']).pipeline.stages}
              for name in ('extended', 'core', 'tuning', 'pretraining', 'tokenizers')]
    extended, core, tuning, pretraining, tokenizers = prints
    assert core.items() <= extended.items()
    shared = set(core) & set(tuning)
    assert {'perceptual', 'seed0/peco/tokenizer', 'seed0/peco/pretrain'} <= shared
    assert all(core[name] == tuning[name] for name in shared)
    shared = set(core) & set(pretraining)
    assert {'seed0/pixel/pretrain', 'seed0/peco/epoch30', 'seed0/peco/finetune-5k'} <= shared
    assert all(core[name] == pretraining[name] for name in shared)
    shared = set(core) & set(tokenizers)
    assert {'classifier', 'seed0/pixel/tokenizer', 'seed0/peco/tokenizer'} <= shared
    assert all(core[name] == tokenizers[name] for name in shared)


def test_each_set_of_images_is_a_study_of_its_own(monkeypatch):
    monkeypatch.chdir(ROOT)
    both, nuclei, camvid = ({stage.name: stage for stage in
                             Study(f'configs/claim/{name}.py', seeds=1).pipeline.stages}
                            for name in ('dense', 'dense-nuclei', 'dense-camvid'))
    assert both == {**nuclei, **camvid} and not set(nuclei) & set(camvid)


def test_trials_of_dense_tasks(monkeypatch):
    """As many for each arm, from the chain of dense.py, on images that its figures do not use."""
    pytest.importorskip('mmdet')
    pytest.importorskip('mmseg')
    monkeypatch.chdir(ROOT)
    chain, tuning = ({stage.name: stage for stage in
                      Study(f'configs/claim/{name}.py', seeds=1).pipeline.stages}
                     for name in ('dense', 'dense-tuning'))
    read = functools.cache(load_config)
    shared = set(chain) & set(tuning)
    assert {'camvid/perceptual', 'seed0/peco/nuclei-tokenizer', 'seed0/pixel/camvid-pretrain'} <= (
        shared)
    assert all(chain[name] == tuning[name] for name in shared)
    trials = {}
    for name, stage in tuning.items():
        if name not in shared:
            _, arm, name = name.split('/')
            name, rate = name.split('-lr')
            assert stage.cfg_options['optim_wrapper.optimizer.lr'] == rate
            trials.setdefault(name, {}).setdefault(arm, []).append(rate)
            final = read(chain[f'seed0/{arm}/{name}'].config)
            scored, tested = (_scored(cfg[f'{loader}_dataloader'].dataset) for cfg, loader in (
                (read(stage.config), 'val'), (final, 'test')))
            assert scored != tested and '--no-validate' not in stage.args, name
            if 'train' in scored[0]:  # then they are held out
                learned = read(stage.config).train_dataloader.dataset
                assert _scored(learned.get('dataset', learned))[1:] != scored[1:], name
    assert set(trials) == {f'{data}-{task}' for data in ('nuclei', 'camvid')
                           for task in ('tokenizer', 'finetune')}
    for name, of_arms in trials.items():
        assert set(of_arms) >= {'pixel', 'pixel-x8', 'peco'}
        assert len(of_arms['peco']) >= 3 and len(set(map(tuple, of_arms.values()))) == 1, name
    stage = tuning['seed0/scratch/nuclei-finetune-lr4e-3']
    train, held = (read(stage.config)[f'{loader}_dataloader'].dataset.indices
                   for loader in ('train', 'val'))
    assert train - held == 535  # of the images, none is in both


def _scored(dataset):
    """Folder and part of a data set."""
    return [str(dataset.data_prefix), dataset.get('indices'), dataset.get('holdout')]


def test_the_examples_of_changes_are_studies(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r'```python\n# (\S+)(.*?)```', (CLAIM / 'README.md').read_text(), re.DOTALL)
    files = {}
    for path, text in blocks:
        files[Path(path).stem] = tmp_path / Path(path).name
        text = re.sub("_base_ = '(.*)'", f"_base_ = '{CLAIM}/\\1'", text)
        files[Path(path).stem].write_text(text)
    stages = Study(str(files['mask38']), seeds=1).pipeline.stages
    masked = {stage.name: _masked(stage) for stage in stages if stage.name.endswith('/pretrain')}
    assert masked == {'seed0/pixel/pretrain': [38], 'seed0/peco/pretrain': [38]}
    core = Study('configs/claim/core.py', seeds=1, arms=['pixel', 'peco']).pipeline.stages
    assert [stage.name for stage in stages] == [stage.name for stage in core]
    stages = {stage.name: stage for stage in Study(str(files['other-f']), seeds=1).pipeline.stages}
    of_arms = [{name.removeprefix(f'seed0/{arm}/') for name in stages if f'/{arm}/' in name}
               for arm in ('peco', 'r18')]
    assert of_arms[0] == of_arms[1] and len(of_arms[0]) > 10
    tokenizer = stages['seed0/r18/tokenizer']
    assert Path(tokenizer.config).stem in files
    cfg = load_config(files[Path(tokenizer.config).stem])
    assert check_components(cfg) == []
    assert cfg.model.perceptual_loss.network.pop('checkpoint') == '/my/resnet18.pth'
    cfg.model.perceptual_loss.network.allow_random = True
    assert MODELS.build(cfg.model).perceptual_loss.weight == 1


def test_the_large_study_widens_every_stage_of_the_vit_and_has_its_images(class_folders,
                                                                          monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv('PECO_CIFAR10_DIR', str(class_folders))
    large, small = ({stage.name: stage for stage in Study(
        f'configs/claim/{name}.py', seeds=1, arms=['scratch', 'pixel', 'peco', 'vq-kd']
    ).pipeline.stages} for name in ('large', 'core'))
    assert set(small) < set(large)  # and 50,000 labels
    arch = dict(embed_dims=256, num_layers=6, num_heads=8, feedforward_channels=1024)
    for name, stage in large.items():
        if stage.config is None:
            continue
        cfg = load_config(stage.config, {key: DictAction._parse_iterable(str(text))
                                         for key, text in stage.cfg_options.items()})
        backbone, head = cfg.model.get('backbone') or {}, cfg.model.get('head') or {}
        if backbone.get('type') == 'peco.PeCoViT':
            assert backbone.arch == arch, name
            assert not head or head.get('in_channels', head.get('embed_dims')) == 256, name
        if name.endswith(('/tokenizer', '/pretrain')):
            (_, dataset), = image_folder_configs(cfg.train_dataloader.dataset, 'dataset')
            dataset = {key: value for key, value in dataset.items()
                       if key in ('data_root', 'with_label', 'num_per_class', 'holdout')}
            # Of two classes.
            count = 2 * (4800 if name.endswith('/tokenizer') else 5000)
            assert len(ImageFolder(**dataset)) == count, name
    vit = MODELS.build(dict(type='peco.PeCoViT', arch=arch, img_size=32, patch_size=4))
    assert 4.65e6 < sum(weight.numel() for weight in vit.parameters()) < 4.8e6


def _masked(stage):
    """How many patches the masks of a stage hide."""
    cfg = load_config(stage.config, {key: DictAction._parse_iterable(text)
                                     for key, text in stage.cfg_options.items()})
    return [int(TRANSFORMS.build(transform)({})['mask'].sum())
            for transform in cfg.train_dataloader.dataset.pipeline
            if transform['type'] == 'peco.BlockwiseMask']


def test_variants_of_masked_image_modelling(monkeypatch):
    monkeypatch.chdir(ROOT)
    study = Study('configs/claim/pretraining.py')
    found = {}
    for stage in study.pipeline.stages:
        if '/peco/pretrain' not in stage.name:
            continue
        cfg = load_config(stage.config, {key: DictAction._parse_iterable(text)
                                         for key, text in stage.cfg_options.items()})
        assert check_components(cfg) == [], stage.name
        assert cfg.param_scheduler[1].end == cfg.train_cfg.max_epochs
        found[stage.name.rpartition('/')[2]] = (cfg.train_cfg.max_epochs, *_masked(stage))
    assert found == {
        'pretrain': (30, 26), 'pretrain-10e': (10, 26), 'pretrain-10e-mask13': (10, 13),
        'pretrain-10e-mask38': (10, 38), 'pretrain-10e-mask48': (10, 48)}


def test_every_variant_of_the_tokenizer_builds(monkeypatch):
    monkeypatch.chdir(ROOT)
    study = Study('configs/claim/tokenizers.py')
    peco = study.pipeline.stages[study.pipeline.index('seed0/peco/tokenizer')]
    for stage in study.pipeline.stages:
        if not stage.name.endswith('/tokenizer') or stage is peco or 'vq-kd' in stage.name:
            continue
        cfg = load_config(stage.config, {key: DictAction._parse_iterable(text)
                                         for key, text in stage.cfg_options.items()})
        assert check_components(cfg) == [], stage.name
        cfg.model.perceptual_loss.network = dict(
            type='peco.TimmFeatures', model_name='resnet18', out_indices=(1, 2, 3, 4),
            allow_random=True)
        model = MODELS.build(cfg.model)
        assert model.quantizer.codebook_size == cfg.val_evaluator[1].codebook_size
        assert cfg.param_scheduler[1].end == cfg.train_cfg.max_epochs


# Fairness: what arms differ in, what seeds change, what no image is used for twice ---------------


def flat(node, here=''):
    """``{'a.0.b': value}`` of a config."""
    if isinstance(node, (dict, list, tuple)) and node:
        items = node.items() if isinstance(node, dict) else enumerate(node)
        return {key: value for name, child in items
                for key, value in flat(child, f'{here}.{name}' if here else str(name)).items()}
    return {here: node}


def differences(first, second):
    left, right = (flat(Config.fromfile(CLAIM / name).to_dict()) for name in (first, second))
    return {key for key in left.keys() | right.keys() if left.get(key) != right.get(key)}


def test_what_the_arms_differ_in():
    tokenizer = 'tokenizer-{}_vqgan-f4_b128-coslr-6e_cifar10-20k.py'
    assert differences(tokenizer.format('pixel'), tokenizer.format('peco')) == {
        'model.perceptual_loss.weight'}
    assert differences(tokenizer.format('pixel-x50'), tokenizer.format('pixel')) == {
        'model.pixel_loss.weight'}
    assert differences(tokenizer.format('lpips-like'), tokenizer.format('peco')) == {
        f'model.perceptual_loss.layer_weights.{depth}' for depth in range(4)}
    rest = differences(tokenizer.format('vq-kd'), tokenizer.format('peco'))
    allowed = ('model.type', 'model.decoder.', 'model.network.', 'model.perceptual_loss',
               'model.pixel_loss', 'custom_hooks.', 'val_', 'test_', 'default_hooks.checkpoint')
    rest.remove('model.commitment_weight')  # 0.25, which is the default of both classes
    assert [key for key in rest if not key.startswith(allowed)] == []
    pretrain = 'pretrain{}_vit-micro_b256-coslr-30e_cifar10-20k.py'
    rest = differences(pretrain.format('-vq-kd'), pretrain.format(''))
    # Hooks draw and measure.
    assert rest and [key for key in rest
                     if not key.startswith(('model.tokenizer.', 'custom_hooks.'))] == []


def test_what_the_arms_of_dense_tasks_differ_in(monkeypatch):
    monkeypatch.chdir(ROOT)
    study = Study('configs/claim/dense.py', seeds=1)
    of_stages = {}
    for stage in study.pipeline.stages:
        if stage.name.startswith('seed0/'):
            _, arm, name = stage.name.split('/')
            options = {key: text.replace(f'seed0/{arm}/', '')
                       for key, text in stage.cfg_options.items()}
            of_stages.setdefault(name, {})[arm] = (stage.config, stage.args, options)
    weights = {'pixel': ('0.', '10.'), 'pixel-x8': ('0.', '80.'), 'peco': ('1.', '10.')}
    for name, of_arms in of_stages.items():
        scratch = of_arms.pop('scratch', None)
        assert (scratch is not None) == name.endswith(('-finetune', '-test'))
        if scratch:
            config, args, options = of_arms['peco']
            rest = {key: text for key, text in options.items() if 'init_cfg' not in key}
            assert scratch == (config.replace('_peco-', '_scratch-'), args, rest)
        assert set(of_arms) == set(weights)
        for arm, (_, _, options) in of_arms.items():
            if name.endswith('-tokenizer'):
                assert (options.pop('model.perceptual_loss.weight'),
                        options.pop('model.pixel_loss.weight')) == weights[arm]
                assert float(options.pop('optim_wrapper.optimizer.lr')) > 0  # each its own
        assert all(rest == of_arms['peco'] for rest in of_arms.values()), name


def test_dense_tasks_learn_from_no_image_that_is_scored(monkeypatch):
    pytest.importorskip('mmdet')
    pytest.importorskip('mmseg')
    monkeypatch.chdir(ROOT)
    found = {'train': set(), 'test': set()}
    stages = Study('configs/claim/dense.py').pipeline.stages
    for path in {stage.config for stage in stages} - {None}:
        cfg = load_config(path)
        for loader, folders in found.items():
            if f'{loader}_dataloader' in cfg:
                node = cfg[f'{loader}_dataloader'].dataset
                node = node.get('dataset', node)
                prefix = node.data_prefix
                images = next(prefix[key] for key in ('img', 'img_path') if key in prefix) if (
                    isinstance(prefix, dict)) else prefix
                folders.add(f'{node.data_root}/{images}'.rstrip('/'))
    assert found == {'train': {'data/nuclei/train', 'data/camvid/images/train'},
                     'test': {'data/nuclei/val', 'data/camvid/images/test'}}


@pytest.mark.parametrize('name', [
    'extended', 'large', 'tuning', 'tokenizers', 'pretraining', 'dense', 'dense-tuning'])
def test_every_training_has_the_seed_of_its_run(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    study = Study(f'configs/claim/{name}.py', seeds=1, first_seed=3)
    of_arms = [stage for stage in study.pipeline.stages if stage.name.startswith('seed3/')]
    assert of_arms
    for stage in of_arms:
        if stage.run == 'train':
            assert stage.cfg_options['randomness.seed'] == '3', stage.name
        if '/finetune-1k' in stage.name or '/finetune-5k' in stage.name:
            if stage.run == 'train':
                assert stage.cfg_options['train_dataloader.dataset.seed'] == '3', stage.name
        if stage.name.endswith('/token-cache'):
            assert stage.args[stage.args.index('--seed') + 1] == '3'


@pytest.fixture(scope='module')
def class_folders(tmp_path_factory):
    """Two of CIFAR-10's classes in its numbers; the files are empty, only their names count."""
    root = tmp_path_factory.mktemp('cifar10')
    for split, count in (('train', 5000), ('test', 1000)):
        for name in ('cat', 'dog'):
            (root / split / name).mkdir(parents=True)
            for index in range(count):
                (root / split / name / f'{index:04d}.jpg').touch()
    return root


def test_no_image_is_both_learned_from_and_scored(class_folders, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv('PECO_CIFAR10_DIR', str(class_folders))
    found = {}

    def images(node):
        """Paths of a data set; several stages name the same."""
        node = {key: value for key, value in node.items()
                if key in ('data_root', 'data_prefix', 'holdout', 'num_per_class', 'seed')}
        key = str(sorted(node.items()))
        if key not in found:
            dataset = ImageFolder(**node)
            found[key] = {dataset.get_data_info(index)['img_path'] for index in range(len(dataset))}
        return found[key]

    def parts(cfg, loader):
        return [(node.get('split_role'), images(node)) for _, node in image_folder_configs(
            (cfg.get(loader) or {}).get('dataset'))]

    configs = {stage.config for name in ('extended', 'tuning', 'tokenizers')
               for stage in Study(f'configs/claim/{name}.py', seeds=1).pipeline.stages
               if stage.config}
    scored = 0
    for path in sorted(configs):
        cfg = load_config(path)
        learned = set().union(*(part for _, part in parts(cfg, 'train_dataloader')))
        assert not any('/test/' in image for image in learned), path
        for loader in ('val_dataloader', 'test_dataloader'):
            of_loader = parts(cfg, loader)
            bank = set().union(*(part for role, part in of_loader if role == 'bank'))
            query = set().union(*(part for role, part in of_loader if role != 'bank'))
            assert not bank & query, (path, loader)
            # Tokenizers, f and masked image modelling have no labels to learn.
            if Path(path).name.startswith(('finetune', 'scratch', 'linear', 'classifier')):
                assert not learned & query, (path, loader)
                assert query, (path, loader)
            if 'holdout' in path and loader == 'val_dataloader':
                assert not any('/test/' in image for image in query), path
            scored += bool(query)
    assert scored > 30
