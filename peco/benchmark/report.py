"""What a part of the benchmark found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.table import Table

from peco.utils.write_json import write_json


def device_name(device: str) -> str:
    """Name of the GPU, or ``'CPU'``."""
    return torch.cuda.get_device_name() if device == 'cuda' else 'CPU'


@dataclass
class Row:
    """One candidate.

    Attributes:
        name: What was run.
        dtype: Precision of its matrix products, such as ``'bfloat16'``.
        median_s: Median seconds of a call; None where only memory was measured.
        img_per_s: Images in a second.
        peak_mib: Peak memory: of the process on a CPU, of the tensors on a GPU.
        ratio_vs_ours: Its median over ours, pair by pair; above 1, ours is faster. None for ours
            and for what has no counterpart.
    """

    name: str
    dtype: str
    median_s: float | None = None
    img_per_s: float | None = None
    peak_mib: float | None = None
    ratio_vs_ours: float | None = None


@dataclass
class Report:
    """Rows of one part, and the machine that made them.

    Attributes:
        part: Name of the part.
        device: Name of the device.
        threads: Threads of a process.
        rows: The candidates.
        limit: Bounds, such as a bare matrix product; they compete with nobody.
    """

    part: str
    device: str
    threads: int
    rows: list[Row] = field(default_factory=list)
    limit: dict[str, Any] = field(default_factory=dict)

    def write(self, path: str | Path) -> None:
        """Write the report as JSON, in one step."""
        write_json(asdict(self), path)

    def table(self) -> Table:
        """The rows for a terminal."""
        table = Table(title=f'{self.part}: {self.device}, {self.threads} threads',
                      title_justify='left')
        table.add_column('')
        table.add_column('dtype')
        for name in ('seconds', 'images/s', 'peak GiB', 'time / ours'):
            table.add_column(name, justify='right')
        for row in self.rows:
            gib = row.peak_mib and row.peak_mib / 1024
            table.add_row(row.name, row.dtype, *(
                '' if value is None else f'{value:.3g}'
                for value in (row.median_s, row.img_per_s, gib, row.ratio_vs_ours)))
        return table
