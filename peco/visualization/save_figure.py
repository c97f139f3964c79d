"""Figures as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from peco.utils.whole_file import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_figure(figure: Figure, out: str | Path) -> Path:
    """Write a figure as a :func:`whole_file`, and let go of it."""
    from matplotlib import pyplot as plt

    with whole_file(out) as unfinished:
        figure.savefig(unfinished, dpi=110)
    plt.close(figure)
    return Path(out)
