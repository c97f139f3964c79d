"""Arms of a study side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from peco.utils.seed_statistics import estimate

from .save_figure import save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches: of the figure at most, of a panel at least, and of each arm in it.
_FIGURE_WIDTH, _WIDTH, _ARM_WIDTH = 14., 3.4, 0.45


def plot_study(panels: Mapping[str, Mapping[str, Mapping[int, float]]], arms: Sequence[str],
               out: str | Path,
               differences: Mapping[str, Mapping[str, str]] | None = None) -> Path:
    """Draw one panel a measure: a dot a seed, the mean and its 95 % interval for each arm.

    Args:
        panels: Values by measure, arm and seed; an arm may lack.
        arms: Their order.
        out: The picture to write (.png, .pdf, .svg).
        differences: Paired differences from a reference by measure and arm, to write below the
            name of the arm.

    Returns:
        ``out``.
    """
    widest = max((len(values) for values in panels.values()), default=0)
    figure, axes = panel_grid(panels, width=max(_WIDTH, _ARM_WIDTH * widest))
    for axis, (label, values) in zip(axes, panels.items(), strict=True):
        shown = [arm for arm in arms if arm in values]
        for place, arm in enumerate(shown):
            colour = f'C{arms.index(arm)}'
            of_seeds = list(values[arm].values())
            found = estimate(of_seeds)
            axis.scatter([place] * len(of_seeds), of_seeds, s=14, color=colour, alpha=0.5)
            axis.errorbar(place + 0.18, found.mean, yerr=found.half_width, color=colour, marker='D',
                          markersize=5, capsize=3)
        below = (differences or {}).get(label, {})
        names = [f'{arm}\n({below[arm]})' if arm in below else arm for arm in shown]
        axis.set_xticks(range(len(shown)), names, fontsize=8, rotation=20 if widest < 6 else 45)
        axis.set_xlim(-0.5, len(shown) - 0.3)
    text = 'dots: seeds; diamonds: means with 95 % intervals'
    if differences and any(differences.values()):
        text += '; in brackets: difference from the reference, * where its interval excludes 0'
    figure.supxlabel(text, fontsize=8, color='0.35')
    return save_figure(figure, out)


def plot_study_curves(curves: Mapping[str, Mapping[str, Mapping[float, Sequence[float]]]],
                      arms: Sequence[str], out: str | Path) -> Path:
    """Draw one panel a curve: a line an arm through the means over seeds, with 95 % intervals.

    Args:
        curves: Values of all seeds by curve, arm and place; an arm may lack.
        arms: Their order.
        out: The picture to write (.png, .pdf, .svg).

    Returns:
        ``out``.
    """
    figure, axes = panel_grid(curves)
    for axis, values in zip(axes, curves.values(), strict=True):
        for arm in (arm for arm in arms if arm in values):
            places = sorted(values[arm])
            found = [estimate(list(values[arm][place])) for place in places]
            widths = [point.half_width or 0. for point in found]
            axis.errorbar(places, [point.mean for point in found],
                          yerr=widths if any(widths) else None,
                          color=f'C{arms.index(arm)}', marker='o', markersize=4, capsize=3,
                          label=arm)
        axis.set_xticks(sorted({place for of_arm in values.values() for place in of_arm}))
        axis.legend(fontsize=7)
    return save_figure(figure, out)


def panel_grid(panels: Sequence[str], width: float = _WIDTH) -> tuple[Figure, list[Axes]]:
    """A figure with one titled panel each, ``width`` inches wide."""
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot as plt

    columns = min(int(_FIGURE_WIDTH // width) or 1, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(width * columns, 2.9 * rows), squeeze=False,
                                layout='constrained')
    for axis, title in zip(axes.flat, panels, strict=False):
        axis.set_title(title, fontsize=9)
        axis.tick_params(labelsize=8)
        axis.grid(axis='y', alpha=0.3)
        axis.spines[['top', 'right']].set_visible(False)
    for axis in axes.flat[len(panels):]:
        axis.set_visible(False)
    return figure, list(axes.flat[:len(panels)])
