"""Curves of the scalars that a run has logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from peco.utils.json_lines import read_json_lines

from .save_figure import save_figure

# Bookkeeping that says nothing about learning.
_HIDDEN = {'time', 'data_time', 'memory', 'epoch', 'iter', 'step', 'eta', 'base_lr'}
_COLUMNS = 3
# Of the legend, in inches: a letter, what stands beside a name, a row.
_LETTER, _BESIDE, _LINE = 0.085, 0.6, 0.22
_STYLES = ('-', '--', ':')

Curves = dict[str, list[tuple[float, float]]]


def read_scalars(work_dir: str | Path) -> Curves:
    """Read the scalars of a work dir, over all its runs: a resumed run goes on where it began.

    Args:
        work_dir: A work dir (``<time>/vis_data/scalars.json`` below it), or a scalars file.

    Returns:
        For each scalar its ``(step, value)`` pairs. Of a step that was logged twice the later
        one counts. Steps of training are iterations; of validation what mmengine counts
        (epochs in an epoch-based run). Where both have a scalar of one name, that of validation
        is called ``val/<name>``.

    Raises:
        FileNotFoundError: Nothing was logged there.
    """
    work_dir = Path(work_dir)
    files = [work_dir] if work_dir.is_file() else sorted(work_dir.glob('*/vis_data/scalars.json'))
    if not files:
        raise FileNotFoundError(f"no '*/vis_data/scalars.json' below '{work_dir}': is it the work "
                                'dir of a run, and has it logged a step?')
    curves: dict[str, dict[float, float]] = {}
    in_training: set[str] = set()
    for file in files:
        for record in read_json_lines(file):
            training = 'lr' in record
            for name, value in record.items():
                if name in _HIDDEN or not isinstance(value, (int, float)):
                    continue
                if training:
                    in_training.add(name)
                key = name if training else f'val/{name}'
                curves.setdefault(key, {})[record['step']] = value
    return {_unprefixed(name, in_training): sorted(points.items())
            for name, points in curves.items()}


def _unprefixed(name: str, taken: set[str]) -> str:
    plain = name.removeprefix('val/')
    return name if plain in taken and plain != name else plain


def plot_curves(runs: Mapping[str, Curves], out: str | Path,
                keys: Sequence[str] | None = None) -> Path:
    """Draw one panel a scalar, one line a run.

    Args:
        runs: Scalars of each run by its name, as :func:`read_scalars` gives them.
        out: The picture to write (.png, .pdf, .svg).
        keys: Scalars to draw, by default all: losses first, then metrics, then the rest.

    Returns:
        ``out``.

    Raises:
        ValueError: No such scalar.
    """
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot as plt
    from matplotlib.ticker import MaxNLocator

    known = list(dict.fromkeys(name for curves in runs.values() for name in curves))
    missing = [key for key in keys or () if key not in known]
    if missing or not known:
        raise ValueError(f'no scalar {missing or ""} was logged; there are: '
                         f"{', '.join(known) or 'none'}")
    names = list(keys) if keys else sorted(known, key=_order)
    columns = min(_COLUMNS, len(names))
    rows = -(-len(names) // columns)
    width = 4.6 * columns
    per_row = max(1, int(width / (_LETTER * max(map(len, runs)) + _BESIDE)))
    legend = _LINE * -(-len(runs) // per_row) if len(runs) > 1 else 0.
    colours = plt.get_cmap('tab10' if len(runs) <= 10 else 'tab20').colors
    figure, axes = plt.subplots(rows, columns, figsize=(width, 3.1 * rows + legend), squeeze=False,
                                layout='constrained')
    for axis, name in zip(axes.flat, names, strict=False):
        for number, (run, curves) in enumerate(runs.items()):
            if name in curves:
                steps, values = zip(*curves[name], strict=True)
                # A run keeps its colour in the panels of which other runs have nothing.
                axis.plot(steps, values, label=run, linewidth=1.4,
                          color=colours[number % len(colours)],
                          linestyle=_STYLES[number // len(colours) % len(_STYLES)],
                          marker='o' if len(steps) < 20 else None, markersize=3)
        axis.set_title(name, fontsize=10)
        axis.set_xlabel('step', fontsize=8)
        axis.tick_params(labelsize=8)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
        axis.spines[['top', 'right']].set_visible(False)
    for axis in axes.flat[len(names):]:
        axis.set_visible(False)
    if len(runs) > 1:
        handles = {}
        for axis in axes.flat:
            for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
                handles.setdefault(label, handle)
        figure.legend(handles.values(), handles, loc='outside upper center', ncols=per_row,
                      frameon=False)
    return save_figure(figure, out)


def _order(name: str) -> tuple[int, str]:
    rank = 0 if name == 'loss' else 1 if 'loss' in name else 3 if name in ('lr', 'grad_norm') else 2
    return rank, name
