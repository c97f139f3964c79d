"""Configs from files and from the command line, with errors that name file, key and value."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction

# Top-level keys that mmengine's runners, mmpretrain's tools and ours read.
TOP_LEVEL_KEYS = frozenset('''
    model work_dir train_dataloader val_dataloader test_dataloader train_cfg val_cfg test_cfg
    auto_scale_lr optim_wrapper param_scheduler val_evaluator test_evaluator default_hooks
    custom_hooks data_preprocessor load_from resume launcher env_cfg log_processor log_level
    visualizer default_scope randomness experiment_name custom_imports find_unused_parameters
    sync_bn model_wrapper_cfg runner_type strategy compile activation_checkpointing tta_model
    tta_pipeline made_by
'''.split())


class ConfigError(ValueError):
    """What is wrong with a config, one plain line a problem.

    Args:
        problems: The lines.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__('\n'.join(self.problems))


class OptionsAction(DictAction):
    """Parse ``--cfg-options key=value ...``; a word without ``=`` is an error, not a traceback."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        for word in values or []:
            if '=' not in word:
                parser.error(f"{option_string}: '{word}' is not key=value")
        super().__call__(parser, namespace, values, option_string)


def near_miss(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Say which known word was probably meant: `` (did you mean 'x'?)``, or nothing."""
    found = difflib.get_close_matches(word, [name for name in known if name != word], 1, cutoff)
    return f" (did you mean '{found[0]}'?)" if found else ''


def load_config(path: str | Path, options: dict[str, Any] | None = None,
                import_custom_modules: bool = True) -> Config:
    """Read a config file and change it by ``--cfg-options``.

    Args:
        path: A ``.py``, ``.json`` or ``.yaml`` file.
        options: Dotted keys and their values.
        import_custom_modules: Whether to import what its ``custom_imports`` names.

    Returns:
        The config.

    Raises:
        ConfigError: No such file, an error in it, or an option that nothing would read.

    Example:
        >>> from peco.utils import load_config
        >>> cfg = load_config('configs/peco/pretrain_vitb_800e.py',
        ...                   {'train_dataloader.batch_size': 64})  # doctest: +SKIP
    """
    path = Path(path)
    if not path.is_file():
        siblings = [str(other) for other in path.parent.glob('*.py')]
        raise ConfigError(
            f"config file '{path}' does not exist{near_miss(str(path), siblings, 0.8)}")
    try:
        cfg = Config.fromfile(str(path), import_custom_modules=import_custom_modules)
    except SyntaxError as error:
        # mmengine does not tell which of the files it was parsing.
        raise ConfigError(f"config file '{path}' (or a file in its _base_), line {error.lineno}: "
                          f'{error.msg}: {(error.text or "").strip()}') from error
    except ImportError as error:
        raise ConfigError(f"config file '{path}' imports what cannot be imported: {error}"
                          ) from error
    except (OSError, NameError, KeyError, TypeError, ValueError, AttributeError,
            AssertionError) as error:
        raise ConfigError(f"config file '{path}' cannot be read: {type(error).__name__}: {error}"
                          ) from error
    if options:
        merge_options(cfg, options)
    return cfg


def merge_options(cfg: Config, options: dict[str, Any]) -> None:
    """Merge dotted options into ``cfg`` in place, refusing those that would change nothing.

    Refused are: a new top-level key that nobody reads; a helper variable of the config file
    (its value was copied when the file was read); a key below a part that does not exist.
    Keys of a part with a ``type`` are checked against its class by ``check_config``.

    Args:
        cfg: The config.
        options: Dotted keys and their values.

    Raises:
        ConfigError: With a line for each refused option.
    """
    problems = [problem for key, value in options.items()
                if (problem := _option_problem(cfg, key, value))]
    if problems:
        raise ConfigError(problems)
    for key, value in options.items():
        try:
            cfg.merge_from_dict({key: value})
        except (KeyError, TypeError, IndexError, AssertionError, ValueError) as error:
            raise ConfigError(f'--cfg-options {key}: {error}') from error


def _option_problem(cfg: Config, key: str, value: Any) -> str | None:
    first, *rest = key.split('.')
    if first not in TOP_LEVEL_KEYS:
        if first not in cfg:
            known = TOP_LEVEL_KEYS | set(cfg.keys())
            return f"--cfg-options {key}: there is no key '{first}'{near_miss(first, known)}"
        places = [place for place in find_value(cfg, cfg[first]) if '.' in place]
        hint = f"; set {' '.join(f'{place}=...' for place in places[:4])} instead" if places else ''
        return (f"--cfg-options {key}: '{first}' is a helper variable of the config file, "
                f'changing it has no effect any more{hint}')
    node: Any = cfg.get(first)
    for depth, name in enumerate(rest):
        path = '.'.join([first, *rest[:depth]])
        if isinstance(node, (list, tuple)):
            if not name.lstrip('-').isdigit() or int(name) >= len(node):
                return (f'--cfg-options {key}: {path} is a list of {len(node)}, '
                        f"'{name}' is no index of it")
            node = node[int(name)]
        elif isinstance(node, dict):
            last = depth == len(rest) - 1
            if name not in node:
                typed = 'type' in node or isinstance(value, dict)
                miss = near_miss(name, node, 0.8)
                if not typed and (miss or not last):
                    return f"--cfg-options {key}: {path} has no '{name}'{miss}"
                if not last and 'type' not in node:
                    return f"--cfg-options {key}: {path} has no '{name}'{miss}"
                return None
            node = node[name]
        elif node is not None:
            return f"--cfg-options {key}: {path} is {node!r}, it has no '{name}'"
    return None


def find_value(cfg: Any, value: Any, path: str = '') -> Iterator[str]:
    """Yield the dotted path of every place in a config that holds ``value``."""
    items = (cfg.items() if isinstance(cfg, (dict, Config)) else
             enumerate(cfg) if isinstance(cfg, (list, tuple)) else ())
    for name, child in items:
        here = f'{path}.{name}' if path else str(name)
        if type(child) is type(value) and child == value:
            yield here
        else:
            yield from find_value(child, value, here)


def add_options_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options`` to a tool."""
    parser.add_argument(
        '--cfg-options', nargs='+', action=OptionsAction, metavar='KEY=VALUE',
        help='change values of the config, e.g. train_dataloader.batch_size=64 or key="[a,b]" '
        '(quotation marks, no white space)')
