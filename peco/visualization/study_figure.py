"""Arms of a study side by side."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from peco.utils.seed_statistics import LEAST_SEEDS, Estimate, estimate, minus

from .save_figure import save_figure

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches: of the figure, of an arm's row, of a panel's ticks, of a line of its title, of a curve's
# panel; characters of a title to an inch of a panel.
_WIDTH, _ROW, _MARGIN, _TITLE, _CURVE = 14., 0.24, 0.5, 0.15, (3.5, 2.9)
_LETTERS = 13
# One a seed, so that pairs can be followed.
_MARKERS = 'os^vPXD<>'
_BLACK = '0.15'
# Ten full colours, the same ten lighter, eight more.
_COLOURS = [('tab20', index) for start in (0, 1) for index in range(start, 20, 2)] + [
    ('Dark2', index) for index in range(8)]


def plot_study(panels: Mapping[str, Mapping[str, Mapping[int, float]]], arms: Sequence[str],
               out: str | Path, references: Sequence[str],
               differences: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Path:
    """Draw of each measure the arms, and beside them what they differ in from each reference.

    A marker is a seed; from three seeds on, a line is the 95 % interval of the mean.

    Args:
        panels: Values by measure, arm and seed; an arm may lack.
        arms: All arms that there are; they give the order and the colours.
        out: The picture to write (.png, .pdf, .svg).
        references: The arms to compare with, seed by seed.
        differences: By measure, reference and arm, the difference as text, to write beside its
            seeds; what lacks here is not drawn.

    Returns:
        ``out``.
    """
    names = {label: [arm for arm in arms if arm in values] for label, values in panels.items()}
    pairs = 2 if len(panels) > 1 else 1
    width = 1 + len(references)
    lines = [list(panels)[start:start + pairs] for start in range(0, len(panels), pairs)]
    letters = int(_LETTERS * _WIDTH / 2 / width)
    titles = {label: textwrap.fill(label, letters) for label in panels}
    heights = [max(len(names[label]) * _ROW + (1 + titles[label].count('\n')) * _TITLE
                   for label in line) + _MARGIN for line in lines]
    figure, axes = _figure((_WIDTH / 2 * pairs, sum(heights) + 0.5), len(lines), width * pairs,
                           height_ratios=heights)
    for line, of_line in zip(lines, axes, strict=True):
        for index, label in enumerate(line):
            left, *rights = of_line[width * index:width * (index + 1)]
            values = panels[label]
            for place, arm in enumerate(names[label]):
                _draw_seeds(left, place, values[arm], estimate(list(values[arm].values())),
                            _colour(arms, arm))
            _finish(left, titles[label], names[label], names[label])
            for reference, axis in zip(references, rights, strict=True):
                _draw_differences(axis, reference, names[label], values, arms,
                                  differences.get(label, {}).get(reference, {}))
    _hide_empty(axes, lines, width)
    _name_seeds(figure, panels)
    return save_figure(figure, out)


def plot_study_curves(curves: Mapping[str, Mapping[str, Mapping[float, Mapping[int, float]]]],
                      arms: Sequence[str], out: str | Path) -> Path:
    """Draw one panel a curve: a thick line an arm through the means, a thin one each seed.

    Args:
        curves: Values by curve, arm, place and seed; an arm may lack.
        arms: All arms that there are; they give the order and the colours.
        out: The picture to write (.png, .pdf, .svg).

    Returns:
        ``out``.
    """
    columns = min(len(curves), int(_WIDTH // _CURVE[0]))
    rows = -(-len(curves) // columns)
    per_row = 2 * columns
    legend = _TITLE + _ROW * -(-len(arms) // per_row)
    figure, axes = _figure((_CURVE[0] * columns, _CURVE[1] * rows + legend), rows, columns)
    shown: dict[str, object] = {}
    for axis, (title, values) in zip(axes.flat, curves.items(), strict=False):
        for arm in (arm for arm in arms if arm in values):
            colour = _colour(arms, arm)
            for seed in sorted({seed for of_seeds in values[arm].values() for seed in of_seeds}):
                places = [place for place in sorted(values[arm]) if seed in values[arm][place]]
                axis.plot(places, [values[arm][place][seed] for place in places], color=colour,
                          linewidth=0.7, alpha=0.45)
            places = sorted(values[arm])
            means = [estimate(list(values[arm][place].values())).mean for place in places]
            shown[arm], = axis.plot(places, means, color=colour, marker='o', markersize=4)
        axis.set_xticks(sorted({place for of_arm in values.values() for place in of_arm}))
        axis.set_title(textwrap.fill(title, int(_LETTERS * _CURVE[0])), fontsize=9)
        axis.grid(axis='y', alpha=0.3)
    _hide_empty(axes, [list(curves)[start:start + columns]
                       for start in range(0, len(curves), columns)], 1)
    order = [arm for arm in arms if arm in shown]
    _add_legend(figure, [shown[arm] for arm in order], order, per_row,
                'thick: mean over seeds; thin: each seed')
    return save_figure(figure, out)


def _figure(size: tuple[float, float], rows: int, columns: int,
            **grid: object) -> tuple[Figure, np.ndarray]:
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout='constrained',
                                gridspec_kw=grid)
    for axis in axes.flat:
        axis.tick_params(labelsize=8)
        axis.spines[['top', 'right']].set_visible(False)
    return figure, axes


def _hide_empty(axes: np.ndarray, lines: Sequence[Sequence[str]], panels: int) -> None:
    for line, of_line in zip(lines, axes, strict=True):
        for axis in of_line[panels * len(line):]:
            axis.set_visible(False)


def _colour(arms: Sequence[str], arm: str) -> tuple[float, ...]:
    from matplotlib import colormaps

    name, index = _COLOURS[arms.index(arm) % len(_COLOURS)]
    return colormaps[name](index)


def _name_seeds(figure: Figure, panels: Mapping[str, Mapping[str, Mapping[int, float]]]) -> None:
    from matplotlib.lines import Line2D

    arms = [of_seed for values in panels.values() for of_seed in values.values()]
    seeds = sorted({seed for of_seed in arms for seed in of_seed})
    handles = [Line2D([], [], color='0.35', linestyle='', markersize=5,
                      marker=_MARKERS[seed % len(_MARKERS)]) for seed in seeds]
    title = None
    if any(len(of_seed) >= LEAST_SEEDS for of_seed in arms):
        title = (f'a line: mean and 95 % interval, from {LEAST_SEEDS} seeds on; * the interval '
                 'excludes 0')
    _add_legend(figure, handles, [f'seed {seed}' for seed in seeds], len(seeds), title)


def _add_legend(figure: Figure, handles: Sequence[Artist], labels: Sequence[str], columns: int,
                title: str | None) -> None:
    figure.legend(handles, labels, fontsize=8, ncols=columns, loc='outside lower center',
                  title=title, title_fontsize=8, frameon=False)


def _draw_differences(axis: Axes, reference: str, rows: Sequence[str],
                      values: Mapping[str, Mapping[int, float]], arms: Sequence[str],
                      texts: Mapping[str, str]) -> None:
    """Draw what arms differ in from the reference, in the rows of the panel to the left."""
    for place, arm in enumerate(rows):
        if arm in texts:
            found = minus(values[arm], values[reference])
            _draw_seeds(axis, place, found, estimate(list(found.values())), _colour(arms, arm))
    axis.axvline(0., color=_BLACK, linewidth=0.8)
    _finish(axis, f'minus {reference}', rows, [texts.get(arm, '') for arm in rows])
    axis.yaxis.tick_right()
    axis.set_visible(bool(texts))


def _draw_seeds(axis: Axes, place: int, values: Mapping[int, float], found: Estimate,
                colour: tuple[float, ...]) -> None:
    for seed, value in values.items():
        axis.plot(value, place, _MARKERS[seed % len(_MARKERS)], color=colour, markersize=5,
                  alpha=0.7)
    if found.seeds >= LEAST_SEEDS:
        axis.errorbar(found.mean, place + 0.28, xerr=found.half_width, color=colour, marker='|',
                      markersize=7, capsize=3)


def _finish(axis: Axes, title: str, arms: Sequence[str], texts: Sequence[str]) -> None:
    axis.set_title(title, fontsize=9)
    axis.set_yticks(range(len(arms)), texts)
    axis.set_ylim(len(arms) - 0.4, -0.5)
    axis.tick_params(axis='y', length=0)
    axis.locator_params(axis='x', nbins=5)  # long numbers would run into each other
    axis.grid(axis='x', alpha=0.3)
    axis.spines['left'].set_visible(False)
