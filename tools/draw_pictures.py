"""Draw what a trained PeCo sees: originals, reconstructions, token maps, masked predictions.

Example:
    python tools/draw_pictures.py configs/peco/pretrain_vitb_800e.py \\
        work_dirs/pretrain_vitb_800e/epoch_800.pth --images data/imagenet/val --out pictures.png
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import default_collate

from peco.datasets import ImageFolder
from peco.registry import MODELS
from peco.utils.checkpoint import load_checkpoint
from peco.visualization import masked_prediction_grid, reconstruction_grid, save_picture


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='pretraining config')
    parser.add_argument('checkpoint', help='its checkpoint')
    parser.add_argument('--tokenizer-checkpoint', help="replaces the config's")
    parser.add_argument('--images', required=True, help='folder of images, searched through')
    parser.add_argument('--num', type=int, default=8, help='how many images (default: 8)')
    parser.add_argument('--seed', type=int, default=0, help='which images and masks')
    parser.add_argument('--out', required=True, help='PNG to write')
    return parser.parse_args()


def load_model(cfg: Config, checkpoint: str) -> torch.nn.Module:
    """Build the pretrainer and load its weights, strictly."""
    if 'data_preprocessor' in cfg:
        cfg.model.setdefault('data_preprocessor', cfg.data_preprocessor)
    model = MODELS.build(cfg.model)
    model.load_state_dict(load_checkpoint(checkpoint)['state_dict'])
    return model.eval()


def pick_batch(cfg: Config, folder: str, num: int, seed: int) -> dict:
    """Take images spread over the folder through the config's pretraining pipeline."""
    dataset = ImageFolder(folder, with_label=False, pipeline=cfg.train_dataloader.dataset.pipeline)
    rng = np.random.default_rng(seed)
    np.random.seed(seed)
    indices = rng.choice(len(dataset), size=min(num, len(dataset)), replace=False)
    return default_collate([dataset[int(index)] for index in indices])


@torch.no_grad()
def draw(model: torch.nn.Module, batch: dict) -> np.ndarray:
    """Both grids, one above the other; uint8 ``(H, W, 3)``."""
    data = model.data_preprocessor(batch, training=False)
    views, tokenizer = data['inputs'], model.tokenizer
    images = views[1]
    masks = torch.stack([torch.as_tensor(sample.mask) for sample in data['data_samples']]).bool()
    ids = tokenizer.tokenize(images)
    decoded = tokenizer.decode(ids)
    predicted = model.predict_tokens(views, masks)
    right = [float((p == t)[m].float().mean() * 100) for p, t, m in zip(
        predicted, ids, masks, strict=True)]
    grids = [
        reconstruction_grid(images, decoded, ids, title='Tokenizer'),
        masked_prediction_grid(
            images, masks, tokenizer.decode(predicted), decoded, right,
            title='Masked image modelling'),
    ]
    width = max(grid.shape[1] for grid in grids)
    return np.concatenate([
        np.pad(grid, ((0, 0), (0, width - grid.shape[1]), (0, 0)), constant_values=255)
        for grid in grids
    ])


def main() -> int:
    args = parse_args()
    try:
        cfg = Config.fromfile(args.config)
        if args.tokenizer_checkpoint:
            cfg.model.tokenizer_checkpoint = args.tokenizer_checkpoint
        model = load_model(cfg, args.checkpoint)
        batch = pick_batch(cfg, args.images, args.num, args.seed)
        save_picture(draw(model, batch), Path(args.out))
    except (FileNotFoundError, ValueError, RuntimeError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    print(f'wrote {args.out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
