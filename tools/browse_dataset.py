"""Draw what a config's data give the model: files, crops, augmented views, masks, annotations.

Example:
    python tools/browse_dataset.py configs/peco/pretrain_vitb_800e.py --out data.png
    python tools/browse_dataset.py CONFIG --split val --num 12 --out data.png
"""

import argparse
import random
from itertools import islice
from pathlib import Path
from typing import Any

import _environment  # noqa: F401
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import VISUALIZERS, init_default_scope
from torch.utils.data import IterableDataset

import peco.datasets  # noqa: F401
from peco.apis.inference import image_array
from peco.engine.checks import check_components, check_data
from peco.engine.cli import is_dense, readable_errors
from peco.engine.dense.draw_annotation import draw_annotation
from peco.engine.image_folders import image_folder_configs, is_dataset, use_test_mode
from peco.registry import DATASETS
from peco.utils.config import ConfigError, add_options_argument, load_config
from peco.visualization import data_grid, save_picture


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='any config with data')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train',
                        help='which of its data (default: train)')
    parser.add_argument('--num', type=int, default=8, metavar='N', help='images (default: 8)')
    parser.add_argument('--seed', type=int, default=0, help='which images, crops and masks')
    parser.add_argument('--out', required=True, help='PNG to write')
    add_options_argument(parser)
    args = parser.parse_args()
    if args.num < 1:
        parser.error(f'--num must be at least 1, got {args.num}')
    if Path(args.out).suffix != '.png':
        parser.error(f'--out must end with .png, got {args.out}')
    return args


def read_config(args: argparse.Namespace) -> Config:
    """The config, whose data are there; raise ConfigError where they are not."""
    cfg = load_config(args.config, args.cfg_options)
    loader = f'{args.split}_dataloader'
    if cfg.get(loader) is None:
        found = [name for name in ('train', 'val', 'test') if cfg.get(f'{name}_dataloader')]
        raise ConfigError(f"config '{args.config}' has no {loader}"
                          + (f': try --split {found[0]}' if found else ''))
    problems = check_components(cfg) or check_data(cfg, [loader])
    if problems:
        raise ConfigError(problems)
    for _, images in image_folder_configs(cfg[loader].get('dataset')):
        images.pop('token_cache', None)
        for transform in images.get('pipeline') or ():
            # Ours tells the crop as well.
            if transform['type'] in ('PackInputs', 'mmpretrain.PackInputs'):
                transform['type'] = 'peco.PackInputs'
    if args.split != 'train':
        use_test_mode(cfg[loader])
    if is_dataset(cfg[loader].get('dataset'), 'TarShards'):
        cfg[loader].dataset.seed = args.seed
    return cfg


def pick(dataset: Any, num: int, seed: int) -> list[dict]:
    """Samples spread over the data, or the first of shards."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    if isinstance(dataset, IterableDataset):
        return list(islice(iter(dataset), num))
    indices = np.random.default_rng(seed).choice(
        len(dataset), size=min(num, len(dataset)), replace=False)
    return [dataset[int(index)] for index in sorted(indices)]


def to_rgb(image: torch.Tensor, cfg: Config) -> np.ndarray:
    """A sample's image ``(3, H, W)`` as the model will read it, uint8 ``(H, W, 3)``."""
    node = (cfg.get('model') or {}).get('data_preprocessor') or cfg.get('data_preprocessor') or {}
    if node.get('to_rgb') or node.get('bgr_to_rgb'):
        image = image.flip(0)
    return np.ascontiguousarray(image.float().clamp(0, 255).byte().permute(1, 2, 0).numpy())


def box_of_file(sample: Any, file: np.ndarray) -> list[int]:
    """The crop in pixels of the file, which may have been decoded at a part of its size."""
    scale = file.shape[0] / sample.ori_shape[0]
    return [round(scale * side) for side in sample.crop_box[:4]]


def draw_images(samples: list[dict], cfg: Config, classes: Any, title: str) -> np.ndarray:
    """Files and views of images that are to be classified, tokenized or predicted."""
    inputs = [sample['inputs'] if isinstance(sample['inputs'], (list, tuple)) else
              [sample['inputs']] for sample in samples]
    views = [[to_rgb(view, cfg) for view in of_sample] for of_sample in inputs]
    info = [sample['data_samples'] for sample in samples]
    options: dict[str, Any] = {}
    paths = [Path(sample.get('img_path') or '') for sample in info]
    if all(path.is_file() for path in paths):
        options['files'] = [image_array(path) for path in paths]
        if all('crop_box' in sample for sample in info):
            options['boxes'] = [box_of_file(sample, file) for sample, file in zip(
                info, options['files'], strict=True)]
    if all('mask' in sample for sample in info):
        options['masks'] = torch.stack([torch.as_tensor(sample.mask) for sample in info])
    if all('gt_label' in sample for sample in info):
        labels = [int(sample.gt_label) for sample in info]
        options['captions'] = [str(classes[label]) if classes else str(label) for label in labels]
    elif 'files' in options:
        options['captions'] = [path.name for path in paths]
    names = ['ViT', 'tokenizer'] if 'masks' in options and len(inputs[0]) == 2 else [
        f'view {number}' for number in range(1, len(inputs[0]) + 1)]
    return data_grid(views, names if len(inputs[0]) > 1 else ['input'], title=title, **options)


def annotations_are_of_the_file(dataset: Config) -> bool:
    """Whether annotations are loaded after the image was resized, as tests do it."""
    while 'pipeline' not in dataset:
        dataset = dataset.dataset if 'dataset' in dataset else dataset.datasets[0]
    kinds = [transform['type'].split('.')[-1] for transform in dataset.pipeline]
    resized = next((place for place, kind in enumerate(kinds) if 'Resize' in kind), len(kinds))
    return any(kind.startswith('Load') and 'Annotations' in kind for kind in kinds[resized:])


def draw_dense(samples: list[dict], cfg: Config, dataset: Config, metainfo: dict,
               title: str) -> np.ndarray:
    """Images as the model gets them, and their annotations by mmdet's or mmseg's visualizer."""
    kind = dict(mmdet='mmdet.DetLocalVisualizer',
                mmseg='mmseg.SegLocalVisualizer')[cfg.default_scope]
    visualizer = VISUALIZERS.build(dict(cfg.get('visualizer') or dict(type=kind),
                                        name='browse_dataset', vis_backends=[]))
    visualizer.dataset_meta = metainfo
    of_file = annotations_are_of_the_file(dataset)
    views = []
    for sample in samples:
        image, info = to_rgb(sample['inputs'], cfg), sample['data_samples']
        views.append([image, draw_annotation(visualizer, image, info,
                                             info.ori_shape[:2] if of_file else None)])
    names = [Path(sample['data_samples'].get('img_path') or '').name for sample in samples]
    return data_grid(views, ['input', 'annotation'], captions=names, title=title, cell=256)


def main() -> None:
    args = parse_args()
    with readable_errors():
        cfg = read_config(args)
        init_default_scope(cfg.get('default_scope', 'mmengine'))
        node = cfg[f'{args.split}_dataloader'].dataset
        dataset = DATASETS.build(node)
        samples = pick(dataset, args.num, args.seed)
        title = f'{Path(args.config).stem}: {args.split}, {len(samples)} images'
        metainfo = getattr(dataset, 'metainfo', {})
        if is_dense(cfg):
            picture = draw_dense(samples, cfg, node, metainfo, title)
        else:
            picture = draw_images(samples, cfg, metainfo.get('classes'), title)
        save_picture(picture, Path(args.out))
    print(f'wrote {args.out}')


if __name__ == '__main__':
    main()
