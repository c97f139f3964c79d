"""FLOPs and parameters of a config's model; no checkpoint needs to exist.

Of detectors and segmentors backbone, neck and the heads of whole feature maps are counted.

Example:
    python tools/get_flops.py configs/peco/pretrain_vitb_800e.py --shape 224 224
"""

import argparse
from collections.abc import Iterator, Sequence
from copy import deepcopy

import _environment  # noqa: F401
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.models import ImageClassifier
from rich.console import Console
from rich.table import Table
from torch import nn

import peco  # noqa: F401  (registers the components)
from peco.apis.init_model import image_size, training_size
from peco.datasets.transforms import BlockwiseMask
from peco.engine.checks import check_components
from peco.engine.cli import is_dense, readable_errors
from peco.models.tokenizers import BaseTokenizer
from peco.registry import MODELS
from peco.utils.complexity import count_complexity
from peco.utils.config import ConfigError, add_options_argument, load_config


class _Call(nn.Module):
    """A function of a model's parts, with the parts as children so that the table names them."""

    def __init__(self, function, **parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.function(self, *inputs)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--shape', type=int, nargs='+', metavar='SIDE',
                        help='height and width of the input, or one for both (default: those '
                        'of the config)')
    parser.add_argument('--depth', type=int, default=2, help='depth of modules in the table')
    add_options_argument(parser)
    return parser.parse_args()


def split_model(cfg: Config, shape: tuple[int, int]) -> Iterator[tuple[str, nn.Module, tuple]]:
    """Build the parts of a config's model that run, each with its name and inputs."""
    if is_dense(cfg):
        yield from split_dense(cfg, shape)
        return
    model_cfg = cfg.model.to_dict()
    model_cfg.pop('data_preprocessor', None)
    model_cfg.pop('token_cache', None)
    image = torch.zeros(1, 3, *shape)
    kind = MODELS.get(model_cfg['type'])  # None for a class of another scope
    is_tokenizer = kind is not None and issubclass(kind, BaseTokenizer)
    tokenizer_cfg = model_cfg if is_tokenizer else model_cfg.pop('tokenizer', None)
    if tokenizer_cfg is not model_cfg:
        model_cfg.pop('tokenizer_checkpoint', None)
        model = MODELS.build(model_cfg)
        if hasattr(model, 'predict_tokens'):
            grid = model.backbone.grid_size(shape)
            total = grid[0] * grid[1]
            masked = max(1, round(masked_share(cfg) * total))
            mask = (torch.arange(total) < masked).reshape(1, *grid)
            yield f'backbone and head, {masked} of {total} patches masked', _Call(
                lambda self, x, m: self.head.predict(
                    self.backbone(x, m)[-1][:, model.backbone.num_extra_tokens:][m.flatten(1)]),
                backbone=model.backbone, head=model.head), (image, mask)
        elif isinstance(model, ImageClassifier):
            yield 'classifier', _Call(
                lambda self, x: self.model(x, mode='tensor'), model=model), (image, )
        else:
            yield 'backbone', _Call(
                lambda self, x: self.backbone(x), backbone=model.backbone), (image, )
    if tokenizer_cfg is not None:
        for part in {'perceptual_loss', 'network'} & set(tokenizer_cfg):
            tokenizer_cfg[part] = None
        tokenizer = MODELS.build(tokenizer_cfg)
        yield 'tokenizer: encoder', _Call(
            lambda self, x: self.encoder(x), encoder=tokenizer.encoder), (image, )
        quantizer, grid = tokenizer.quantizer, tokenizer.grid_size(shape)
        codes = torch.zeros(1, quantizer.code_dim, *grid)
        # Weights of the search: each vector is compared with each code.
        codebook = nn.Linear(quantizer.code_dim, quantizer.codebook_size, bias=False)
        yield 'tokenizer: codebook', _Call(
            lambda self, z: self.codebook(z.flatten(2).mT), codebook=codebook), (codes, )
        yield 'tokenizer: decoder', _Call(
            lambda self, z: self.decoder(z), decoder=tokenizer.decoder), (codes, )


def split_dense(cfg: Config, shape: tuple[int, int]) -> Iterator[tuple[str, nn.Module, tuple]]:
    """The parts of a detector or segmentor whose cost depends on the size of the image alone."""
    model = MODELS.build(deepcopy(cfg.model)).eval()
    image = torch.zeros(1, 3, *shape)
    yield 'backbone', _Call(lambda self, x: self.part(x), part=model.backbone), (image, )
    with torch.no_grad():
        maps = model.backbone(image)
    for name, part in model.named_children():
        if name != 'neck' and not takes_maps(part, cfg.default_scope):
            continue
        yield name.replace('_', ' '), _Call(lambda self, *x: self.part(x), part=part), tuple(maps)
        if name == 'neck':
            with torch.no_grad():
                maps = part(maps)


def takes_maps(part: nn.Module, scope: str) -> bool:
    """Whether a part of a detector or segmentor is a function of the feature maps alone."""
    if scope == 'mmseg':
        from mmseg.models.decode_heads.decode_head import BaseDecodeHead
        return isinstance(part, BaseDecodeHead)
    from mmdet.models.dense_heads import AnchorFreeHead, AnchorHead
    return isinstance(part, (AnchorHead, AnchorFreeHead))


def masked_share(cfg: Config) -> float:
    """Share of masked patches in the training pipeline; without one, the paper's 75 of 196."""
    dataset = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    while 'pipeline' not in dataset and 'dataset' in dataset:
        dataset = dataset['dataset']
    for step in dataset.get('pipeline') or ():
        if str(step['type']).split('.')[-1] == 'BlockwiseMask':
            rows, columns = BlockwiseMask(
                **{key: value for key, value in step.items() if key != 'type'}).grid_size
            return step.get('num_masked', 75) / (rows * columns)
    return 75 / 196


def input_shape(cfg: Config, shape: Sequence[int] | None) -> tuple[int, int]:
    """Height and width from the command line, or else the config's."""
    if shape is None:
        # The backbone of a detector or segmentor tells the size of its pretraining.
        shape = training_size(cfg) if is_dense(cfg) else image_size(cfg)
    if len(shape) > 2 or min(shape) < 1:
        raise ConfigError(f'--shape {" ".join(map(str, shape))}: give one or two sides')
    return (shape[0], shape[-1])


def main() -> None:
    args = parse_args()
    console = Console()
    with readable_errors():
        cfg = load_config(args.config, args.cfg_options)
        if not (cfg.get('model') or {}).get('type'):
            raise ConfigError(f"config '{args.config}' has no model: give the config of a training "
                              'or a test')
        if problems := check_components(cfg):
            raise ConfigError(problems)
        init_default_scope(cfg.get('default_scope', 'mmengine'))
        shape = input_shape(cfg, args.shape)
        summary = Table(title=f'{args.config} at {shape[0]}x{shape[1]}', title_justify='left')
        for column in ('part', 'GFLOPs (multiply-adds)', 'parameters (M)'):
            summary.add_column(column, justify='left' if column == 'part' else 'right')
        counted = set()
        for name, model, inputs in split_model(cfg, shape):
            counted.add(name)
            costs = count_complexity(model, inputs, args.depth)
            console.print(costs['table'], markup=False)
            summary.add_row(name, f"{costs['flops'] / 1e9:.3f}", f"{costs['params'] / 1e6:.2f}")
        console.print(summary)
        left_out = [key for key in cfg.model if is_dense(cfg) and key.endswith(
            ('head', 'encoder', 'decoder')) and key.replace('_', ' ') not in counted]
        if left_out:
            console.print('Not counted, for it takes more than feature maps: '
                          + ', '.join(left_out))


if __name__ == '__main__':
    main()
