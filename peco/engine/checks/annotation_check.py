"""Check that COCO's annotation files, the classes and the heads of a detector agree."""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import DATASETS

from ..launch import rank_from_environment

_CATEGORIES = re.compile(rb'"categories"\s*:\s*(?=\[)')
_RUN_LENGTHS = re.compile(rb'"counts"\s*:')
_HEADS = ('bbox_head', 'mask_head')
_SHOWN = 5


def check_annotations(cfg: Config, loaders: Iterable[str]) -> list[str]:
    """Return what is wrong with classes and masks of detection, one plain line each.

    mmdet numbers classes by the order of the file and names them by that of ``metainfo``; what
    ``metainfo`` does not name is background; and with ``poly2mask=False`` it ignores every mask
    that is no polygon. It tells none of it. Files are searched, which takes a second for COCO's;
    only one with run lengths beside ``poly2mask=False`` is parsed, by one rank of each machine.

    Args:
        cfg: The complete config.
        loaders: Names of the data loaders that the run will use.
    """
    problems: list[str] = []
    if cfg.get('default_scope') != 'mmdet':
        return problems
    for name in loaders:
        for key, node, classes in _coco_sets((cfg.get(name) or {}).get('dataset'),
                                             f'{name}.dataset', cfg.default_scope):
            path = Path(node.get('data_root') or '', node['ann_file']).expanduser()
            # What is missing is told elsewhere.
            if path.is_file() and path.stat().st_size:
                problems += _check_file(path, key, node, classes)
                problems += _wrong_counts(cfg.get('model'), 'model', len(classes), str(path))
    return list(dict.fromkeys(problems))


def _check_file(path: Path, key: str, node: dict, classes: list[str]) -> Iterator[str]:
    with path.open('rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        names = _names(text)
        if names is None:
            yield (f"'{path}' has no list of categories with names: is it a whole annotation file "
                   "of COCO's kind?")
            return
        yield from _check_names(names, classes, f'{key}.metainfo.classes', path)
        may_ignore = _ignores_run_lengths(node) and _RUN_LENGTHS.search(text)
    if may_ignore and rank_from_environment()[1] == 0:
        yield from _check_masks(path, key)


def _names(text: mmap.mmap) -> list[str] | None:
    """Names of the file's categories; images and other parts may have lists of that name, too."""
    for found in _CATEGORIES.finditer(text):
        items = _list_at(text, found.end())
        if items and all(isinstance(item, dict) and {'id', 'name'} <= item.keys()
                         for item in items):
            return [str(item['name']) for item in items]
    return None


def _list_at(text: mmap.mmap, start: int) -> list[Any] | None:
    """The JSON list that begins there; None if it does not end."""
    size = 2**16
    while True:
        try:
            part = text[start:start + size].decode(errors='ignore')
            return json.JSONDecoder().raw_decode(part)[0]
        except json.JSONDecodeError:
            if start + size >= len(text):
                return None
            size *= 4


def _check_masks(path: Path, key: str) -> Iterator[str]:
    try:
        content = json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        yield f"'{path}' is no whole JSON file: {error}"
        return
    count = sum(not item.get('iscrowd') and isinstance(item.get('segmentation'), dict)
                for item in content.get('annotations') or ())
    if count:
        yield (f"'{path}' has run lengths (RLE) as masks of {count:,} objects, which mmdet ignores "
               f'with poly2mask=False ({key}.pipeline): write polygons, or leave poly2mask out')


def _check_names(names: list[str], classes: list[str], key: str, path: Path) -> Iterator[str]:
    unknown = [name for name in classes if name not in names]
    if unknown:
        yield (f"{key} names {_some(unknown)}, which '{path}' does not have; its categories are "
               f'{_some(names)}')
    elif (order := [name for name in names if name in classes]) != classes:
        yield (f"{key} has another order than '{path}', by which mmdet numbers the classes: set it "
               f'to {order}')


def _some(names: Sequence[str]) -> str:
    text = ', '.join(map(repr, names[:_SHOWN]))
    return text if len(names) <= _SHOWN else f'{text} and {len(names) - _SHOWN} others'


def _wrong_counts(node: Any, here: str, count: int, path: str,
                  is_head: bool = False) -> Iterator[str]:
    """Box and mask heads whose number of classes is another; other heads count other things."""
    if isinstance(node, (list, tuple)):
        for index, child in enumerate(node):
            yield from _wrong_counts(child, f'{here}.{index}', count, path, is_head)
    if not isinstance(node, dict):
        return
    found = node.get('num_classes')
    if is_head and isinstance(found, int) and found != count:
        yield (f"{here}.num_classes is {found}, the data set of '{path}' has {count} class(es): "
               f'set --cfg-options {here}.num_classes={count}')
    for key, child in node.items():
        yield from _wrong_counts(child, f'{here}.{key}', count, path, key in _HEADS)


def _coco_sets(node: Any, here: str, scope: str) -> Iterator[tuple[str, dict, list[str]]]:
    """Key, config and classes of each data set that reads its file as mmdet's CocoDataset does."""
    if isinstance(node, (list, tuple)):
        for index, child in enumerate(node):
            yield from _coco_sets(child, f'{here}.{index}', scope)
    if not isinstance(node, dict):
        return
    for key in ('dataset', 'datasets'):
        yield from _coco_sets(node.get(key), f'{here}.{key}', scope)
    paths = [node.get('ann_file'), node.get('data_root') or '']
    if not all(isinstance(path, str) and '://' not in path for path in paths) or not paths[0]:
        return
    with DATASETS.switch_scope_and_registry(scope) as registry:
        coco = registry.get('CocoDataset')
        kind = registry.get(node['type']) if isinstance(node.get('type'), str) else node.get('type')
    if not isinstance(kind, type) or getattr(kind, 'load_data_list', None) is not (
            coco.load_data_list):
        return
    classes = (node.get('metainfo') or {}).get('classes') or kind.METAINFO.get('classes')
    if isinstance(classes, (list, tuple)):
        yield here, node, list(classes)


def _ignores_run_lengths(node: dict) -> bool:
    return any(str(step.get('type')).endswith('LoadAnnotations') and step.get('with_mask')
               and step.get('poly2mask') is False for step in node.get('pipeline') or ())
