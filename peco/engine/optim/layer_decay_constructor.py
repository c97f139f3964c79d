"""Layer-wise learning rate decay for classifiers, detectors and segmentors alike."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.optim import DefaultOptimWrapperConstructor
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from peco.registry import OPTIM_WRAPPER_CONSTRUCTORS

_NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm)
_TOKENS_AND_TABLES = ('cls_token', 'mask_token', 'pos_embed', 'relative_position_bias_table')


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """Give each block of a backbone its own learning rate, lower towards the image.

    The depth of a parameter is what the backbone's ``get_layer_depth`` says, wherever in the
    model the backbone stands: :class:`PeCoViT` puts patch embedding, tokens, positions and a
    shared bias table at depth 0 and block i at depth i + 1. All else (final norm, necks, heads)
    has the full rate. Biases, norms, other vectors, class and mask token, position and bias
    tables have no weight decay.

    mmpretrain's constructor wants ``get_layer_depth`` of the whole model, which no detector has,
    and makes a group of each parameter; mmseg's decides by names that its models do not have.
    Here parameters of equal rate and decay are one group.

    ``paramwise_cfg`` takes:

    - ``layer_decay_rate`` (float): Factor from one depth to the one before. Defaults to 1.
    - ``bias_decay_mult``, ``norm_decay_mult``, ``flat_decay_mult`` (float): Factor of the weight
      decay of biases, of norms, and of all other vectors. Default to 0.
    - ``custom_keys`` (dict): ``decay_mult`` and ``lr_mult`` (on top of the layer's rate) for
      parameters whose name holds the key; the longest key wins.
    - ``print_groups`` (bool): Whether to log a table of the groups. Defaults to False.

    Raises:
        ValueError: An unknown key of ``paramwise_cfg``, or a model in which nothing has
            ``get_layer_depth``.

    Example:
        >>> optim_wrapper = dict(
        ...     type='peco.AmpOptimWrapper',
        ...     optimizer=dict(type='AdamW', lr=3e-4, weight_decay=0.05),
        ...     constructor='peco.LayerDecayOptimWrapperConstructor',
        ...     paramwise_cfg=dict(layer_decay_rate=0.75, print_groups=True))
    """

    _KEYS = {'layer_decay_rate', 'bias_decay_mult', 'norm_decay_mult', 'flat_decay_mult',
             'custom_keys', 'print_groups'}

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        # Of no options at all mmengine would make one group, with decay for everything.
        super().__init__(optim_wrapper_cfg, dict(dict(layer_decay_rate=1.), **paramwise_cfg or {}))

    def _validate_cfg(self) -> None:
        unknown = set(self.paramwise_cfg) - self._KEYS
        if unknown:
            raise ValueError(f'paramwise_cfg of {type(self).__name__} takes no '
                             f'{sorted(unknown)}; it takes {sorted(self._KEYS)}')
        super()._validate_cfg()

    def add_params(self, params: list[dict], module: nn.Module, **kwargs) -> None:
        """Fill ``params`` with the groups of all trainable parameters of a model.

        Args:
            params: List of groups, extended in place.
            module: The model.
        """
        depth_of = self._depth_function(module)
        rate = self.paramwise_cfg.get('layer_decay_rate', 1.)
        groups: dict[tuple, dict] = {}
        for name, owner, parameter in _trainable(module):
            custom = self._custom(name)
            depth, num_depths = depth_of(name)
            scale = rate**(num_depths - 1 - depth) * custom.get('lr_mult', 1.)
            decay = None if self.base_wd is None else self.base_wd * self._decay_mult(
                name, owner, parameter, custom)
            group = groups.setdefault((depth, scale, decay), dict(
                params=[], lr=self.base_lr * scale, lr_scale=scale, layer_id=depth,
                names=[]))
            if decay is not None:
                group['weight_decay'] = decay
            group['params'].append(parameter)
            group['names'].append(name)
        params.extend(sorted(groups.values(), key=lambda group: group['layer_id']))
        if self.paramwise_cfg.get('print_groups', False):
            print_log('Groups of parameters:\n' + groups_table(params), logger='current')

    def _depth_function(self, model: nn.Module) -> Callable[[str], tuple[int, int]]:
        """Depth of each parameter, asked from the innermost module that knows."""
        if is_model_wrapper(model):
            model = model.module
        known = {name: part for name, part in model.named_modules()
                 if callable(getattr(part, 'get_layer_depth', None))}
        inner = {name: part for name, part in known.items() if not any(
            other != name and other.startswith(f'{name}.' if name else '') for other in known)}
        if not inner:
            raise ValueError(
                f'layer-wise learning rate decay needs a backbone with get_layer_depth, and '
                f'{type(model).__name__} has none: use peco.PeCoViT, or no layer decay')
        num_depths = max(part.get_layer_depth('', f'{name}.')[1] if name else
                         part.get_layer_depth('')[1] for name, part in inner.items())

        def depth_of(parameter: str) -> tuple[int, int]:
            for name, part in inner.items():
                if not name:
                    return part.get_layer_depth(parameter)
                if parameter.startswith(f'{name}.'):
                    return part.get_layer_depth(parameter, f'{name}.')
            return num_depths - 1, num_depths

        return depth_of

    def _custom(self, name: str) -> dict:
        keys = self.paramwise_cfg.get('custom_keys', {})
        found = [key for key in keys if key in name]
        return keys[max(found, key=len)] if found else {}

    def _decay_mult(self, name: str, owner: nn.Module, parameter: nn.Parameter,
                    custom: dict) -> float:
        cfg = self.paramwise_cfg
        if 'decay_mult' in custom:
            return custom['decay_mult']
        if any(token in name.split('.') for token in _TOKENS_AND_TABLES):
            return 0.
        if isinstance(owner, _NORMS):
            return cfg.get('norm_decay_mult', 0.)
        if name.rpartition('.')[2] == 'bias':
            return cfg.get('bias_decay_mult', 0.)
        return cfg.get('flat_decay_mult', 0.) if parameter.ndim == 1 else 1.


def _trainable(model: nn.Module) -> Iterator[tuple[str, nn.Module, nn.Parameter]]:
    """Name, owner and value of each trainable parameter; a shared one comes once."""
    seen: set[int] = set()
    for prefix, owner in model.named_modules():
        for name, parameter in owner.named_parameters(recurse=False):
            if parameter.requires_grad and id(parameter) not in seen:
                seen.add(id(parameter))
                yield f'{prefix}.{name}' if prefix else name, owner, parameter


def groups_table(groups: list[dict]) -> str:
    """Draw a table of parameter groups: depth, rate, decay, how many, and which.

    Args:
        groups: Groups as :class:`LayerDecayOptimWrapperConstructor` makes them.
    """
    table = Table('depth', 'lr', 'weight decay', 'tensors', 'numbers', 'first')
    for column in table.columns[:5]:
        column.justify = 'right'
    for group in groups:
        table.add_row(
            str(group['layer_id']), f'{group["lr"]:.3g}', f'{group.get("weight_decay", 0):.3g}',
            str(len(group['params'])), f'{sum(p.numel() for p in group["params"]):,}',
            group['names'][0])
    text = io.StringIO()
    Console(file=text, width=110).print(table)
    return text.getvalue().rstrip()
