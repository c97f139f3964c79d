"""The closing table of a pipeline."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from peco.utils.markdown_table import markdown_table
from peco.utils.write_json import write_json
from peco.utils.write_text import write_text


class Report:
    """Collect the metrics of finished stages into one table.

    Args:
        title: Heading.
        rows: One dict a row: ``label`` and ``cells``, a mapping from column to
            ``(stage, metric key)`` or ``(stage, metric key, format)``.
        columns: Column headings in order.

    Example:
        >>> rows = [dict(label='PSNR (dB)', cells={'PeCo': ('tok', 'psnr')})]
        >>> report = Report('demo', rows, ['PeCo'])
        >>> report.values({'tok': {'psnr': 21.5}})
        [('PSNR (dB)', ['21.5'])]
    """

    def __init__(self, title: str, rows: list[dict], columns: list[str]) -> None:
        self.title = title
        self.rows = rows
        self.columns = columns

    def values(self, metrics: dict[str, dict]) -> list[tuple[str, list[str]]]:
        """Rows as text; a stage that has not run shows as a dash."""
        out = []
        for row in self.rows:
            cells = []
            for column in self.columns:
                cell = row['cells'].get(column)
                value = metrics.get(cell[0], {}).get(cell[1]) if cell else None
                spec = cell[2] if cell and len(cell) > 2 else '.1f'
                cells.append('' if cell is None else '–' if value is None else format(value, spec))
            out.append((row['label'], cells))
        return out

    def show(self, metrics: dict[str, dict], console: Console) -> None:
        """Print the table."""
        table = Table(title=self.title)
        table.add_column('')
        for column in self.columns:
            table.add_column(column, justify='right')
        for label, cells in self.values(metrics):
            table.add_row(label, *cells)
        console.print(table)

    def save(self, records: dict[str, dict], folder: Path) -> None:
        """Write ``results.json`` (all metrics) and ``results.md`` (the table).

        Args:
            records: What finished stages left, by name.
            folder: Where to.
        """
        metrics = {name: record['metrics'] for name, record in records.items()}
        write_json(metrics, folder / 'results.json')
        table = markdown_table(self.columns, self.values(metrics))
        write_text(f'# {self.title}\n\n{table}\n', folder / 'results.md')
