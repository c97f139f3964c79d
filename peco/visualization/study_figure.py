"""Arms of a study side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from peco.utils.seed_statistics import estimate

_COLUMNS = 4


def plot_study(panels: Mapping[str, Mapping[str, Mapping[int, float]]], arms: Sequence[str],
               out: str | Path) -> Path:
    """Draw one panel a measure: a dot a seed, the mean and its 95 % interval for each arm.

    Args:
        panels: Values by measure, arm and seed; an arm may lack.
        arms: Their order.
        out: The picture to write (.png, .pdf, .svg).

    Returns:
        ``out``.
    """
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot as plt

    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.4 * columns, 2.9 * rows), squeeze=False,
                                layout='constrained')
    for axis, (label, values) in zip(axes.flat, panels.items(), strict=False):
        shown = [arm for arm in arms if arm in values]
        for place, arm in enumerate(shown):
            colour = f'C{arms.index(arm)}'
            of_seeds = list(values[arm].values())
            found = estimate(of_seeds)
            axis.scatter([place] * len(of_seeds), of_seeds, s=14, color=colour, alpha=0.5)
            axis.errorbar(place + 0.18, found.mean, yerr=found.half_width, color=colour, marker='D',
                          markersize=5, capsize=3)
        axis.set_title(label, fontsize=9)
        axis.set_xticks(range(len(shown)), shown, fontsize=8, rotation=20)
        axis.set_xlim(-0.5, len(shown) - 0.3)
        axis.tick_params(axis='y', labelsize=8)
        axis.grid(axis='y', alpha=0.3)
        axis.spines[['top', 'right']].set_visible(False)
    for axis in axes.flat[len(panels):]:
        axis.set_visible(False)
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)
    plt.close(figure)
    return out
