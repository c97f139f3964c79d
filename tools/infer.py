"""What a trained model makes of one image.

A tokenizer gives ids and a picture, a classifier its five likeliest classes, a detector or a
segmentor a picture, a backbone or a pretrained model a feature vector.

Example:
    python tools/infer.py CONFIG CHECKPOINT cat.jpg --out cat_tokens.png
"""

import argparse
from pathlib import Path

import _environment  # noqa: F401
import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.models import ImageClassifier
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from peco.apis import (
    classify,
    draw_dense,
    extract_features,
    init_model,
    load_images,
    predict_dense,
    reconstruct,
    tokenize,
)
from peco.apis.dense_inference import class_meta
from peco.apis.inference import image_array
from peco.engine.cli import check_device, is_dense, readable_errors
from peco.models.tokenizers import BaseTokenizer
from peco.registry import MODELS
from peco.utils.config import ConfigError, add_options_argument, load_config
from peco.utils.whole_file import whole_file
from peco.visualization import reconstruction_grid, save_picture


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('image', help='image file')
    parser.add_argument('--out', help='file to write: the picture of a tokenizer, detector or '
                        'segmentor (.png), a feature vector (.npy) (default: named after the '
                        'image, in the current folder)')
    parser.add_argument('--score-thr', type=float, default=0.3, metavar='SCORE',
                        help='of a detector: score from which boxes and masks are drawn (default: '
                        '%(default)s)')
    parser.add_argument('--device', help='cpu or cuda (default: cuda if there is one)')
    add_options_argument(parser)
    return parser.parse_args()


def check_out(out: str | None, cfg: Config) -> None:
    """Raise ConfigError where the file to write has another name than its content."""
    kind = (cfg.get('model') or {}).get('type')
    # An unknown class is for the checks of the config.
    with MODELS.switch_scope_and_registry(None) as registry:
        model = registry.get(kind) if isinstance(kind, str) else kind
    if out is None or model is None:
        return
    if issubclass(model, ImageClassifier):
        raise ConfigError(f'--out {out}: classes are printed, there is no file to write')
    suffix, what = (('.png', 'picture of a tokenizer') if issubclass(model, BaseTokenizer) else
                    ('.png', 'picture of a prediction') if is_dense(cfg) else
                    ('.npy', 'feature vector'))
    if Path(out).suffix != suffix:
        raise ConfigError(f'--out {out}: the {what} is a {suffix} file')


def show_tokens(model: nn.Module, images: Tensor, name: str, out: Path, console: Console) -> None:
    """Print the ids, and write original, reconstruction (if there is one) and token map."""
    ids = tokenize(model, images)
    console.print(f'{ids.shape[1]} x {ids.shape[2]} tokens out of {model.codebook_size}, '
                  f'{ids.unique().numel()} different ones:')
    width = len(str(model.codebook_size - 1))
    for row in ids[0].tolist():
        print(' '.join(f'{number:{width}d}' for number in row))
    decoded = reconstruct(model, images).cpu() if hasattr(model, 'reconstruct') else None
    picture = reconstruction_grid(images.cpu(), decoded, ids.cpu(), name)
    console.print(f'picture: {save_picture(picture, out)}')


def show_classes(model: nn.Module, images: Tensor, name: str, console: Console) -> None:
    """Print the likeliest classes."""
    table = Table(title=name, title_justify='left')
    table.add_column('class')
    table.add_column('probability', justify='right')
    for label, score in classify(model, images):
        table.add_row(label, f'{score:.1%}')
    console.print(table)


def show_dense(model: nn.Module, image: np.ndarray, args: argparse.Namespace,
               console: Console) -> None:
    """Print what was found, and write a picture."""
    sample = predict_dense(model, image)
    names = class_meta(model)['classes']
    if 'pred_instances' in sample:
        found = sample.pred_instances
        labels = found.labels[found.scores >= args.score_thr].cpu()
        title, column = f'{Path(args.image).name}: objects of {args.score_thr:g} or more', 'count'
    else:
        labels = sample.pred_sem_seg.data.cpu().flatten()
        title, column = Path(args.image).name, 'share of pixels'
    table = Table(title=title, title_justify='left')
    table.add_column('class')
    table.add_column(column, justify='right')
    values, counts = labels.unique(return_counts=True)
    for value, count in sorted(zip(values.tolist(), counts.tolist(), strict=True),
                               key=lambda pair: -pair[1]):
        table.add_row(names[value],
                      f'{count}' if column == 'count' else f'{count / len(labels):.1%}')
    console.print(table)
    out = Path(args.out or f'{Path(args.image).stem}_prediction.png')
    console.print(f'picture: {draw_dense(model, image, sample, out, args.score_thr)}')


def main() -> None:
    args = parse_args()
    console = Console()
    with readable_errors():
        check_device(args.device)
        if Path(args.image).is_dir():
            raise ConfigError(f"image '{args.image}' is a folder: give one image file")
        cfg = load_config(args.config, args.cfg_options)
        init_default_scope(cfg.get('default_scope', 'mmengine'))
        check_out(args.out, cfg)
        try:
            model = init_model(cfg, args.checkpoint, args.device)
            images = image_array(args.image) if is_dense(cfg) else load_images(model, args.image)
        except ConfigError:
            raise
        except (FileNotFoundError, ValueError) as error:
            raise ConfigError(str(error)) from error
        if is_dense(cfg):
            return show_dense(model, images, args, console)
        name = Path(args.image)
        if isinstance(model, ImageClassifier):
            return show_classes(model, images, name.name, console)
        if isinstance(model, BaseTokenizer):
            out = Path(args.out or f'{name.stem}_tokens.png')
            return show_tokens(model, images, name.name, out, console)
        features = extract_features(model, images)[0].cpu().numpy()
        out = Path(args.out or f'{name.stem}_features.npy')
        with whole_file(out) as unfinished:
            np.save(unfinished, features)
        console.print(f'feature vector of {features.size} numbers, norm '
                      f'{np.linalg.norm(features):.3f}: {out}')


if __name__ == '__main__':
    main()
