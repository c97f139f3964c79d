"""Tables of Markdown files."""

from collections.abc import Iterable, Sequence


def markdown_table(columns: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """A table of labelled rows.

    Args:
        columns: Their headings.
        rows: Label and cells of each.

    Example:
        >>> print(markdown_table(['pixel', 'peco'], [('PSNR (dB)', ['21.9', '22.3'])]))
        | | pixel | peco |
        |---|---:|---:|
        | PSNR (dB) | 21.9 | 22.3 |
    """
    lines = ['| | ' + ' | '.join(columns) + ' |', '|---|' + '---:|' * len(columns)]
    lines += [f'| {label} | ' + ' | '.join(cells) + ' |' for label, cells in rows]
    return '\n'.join(lines)
