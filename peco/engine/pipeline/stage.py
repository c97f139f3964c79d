"""One stage of a pipeline: a tool call that a user could type."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path

from mmengine.config import Config
from mmengine.logging import MMLogger

from peco.utils.config import load_config

from ..path_variables import default_folders

TOOLS = {'train': 'tools/train.py', 'test': 'tools/test.py'}


def _read(path: str) -> Config:
    logger = MMLogger.get_current_instance()
    level = logger.level
    # Without mmengine's line for every folder variable of every config.
    logger.setLevel(logging.WARNING)
    try:
        return load_config(path, import_custom_modules=False)
    finally:
        logger.setLevel(level)


def config_text(path: str) -> str:
    """The whole config of a file."""
    return _read(path).pretty_text


@dataclass
class Stage:
    """A call of ``tools/train.py``, ``tools/test.py`` or another tool, with what it leaves behind.

    In every string ``{work_dir}`` stands for the pipeline's folder and ``{last:NAME}`` for the last
    checkpoint of the training stage ``NAME``.

    Args:
        name: Folder of the stage under the pipeline's work dir.
        title: What the person at the screen reads.
        run: ``'train'``, ``'test'`` or the path of a tool.
        config: Config of a ``train`` or ``test`` stage.
        checkpoint: Checkpoint of a ``test`` stage.
        args: Further arguments, for another tool all of them.
        cfg_options: Overrides, passed on as ``--cfg-options``.
        makes: A file that the stage must leave behind.
        minutes: Rough length, from which the pipeline guesses what is left.
        needs: Packages beyond the core; where one is not installed, the pipeline leaves it out (and
            what reads it must need the same).

    Raises:
        ValueError: ``run`` needs a config or checkpoint that is missing.
    """

    name: str
    title: str
    run: str
    config: str | None = None
    checkpoint: str | None = None
    args: list[str] = field(default_factory=list)
    cfg_options: dict = field(default_factory=dict)
    makes: str | None = None
    minutes: float = 1.0
    needs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.run in TOOLS and not self.config:
            raise ValueError(f"stage {self.name!r} runs {self.run!r} and needs a 'config'")
        if self.run == 'test' and not self.checkpoint:
            raise ValueError(f"stage {self.name!r} runs 'test' and needs a 'checkpoint'")

    def lacks(self) -> list[str]:
        """Packages that it needs and that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]

    def folder(self, work_dir: Path) -> Path:
        """Folder of the stage's log, checkpoints and result."""
        return work_dir / self.name

    def argv(self, work_dir: Path, amp: bool = False) -> list[str]:
        """The command line, the tool's path first."""
        folder = self.folder(work_dir)
        argv = [TOOLS.get(self.run, self.run)]
        if self.run in TOOLS:
            argv += [self.config]
            argv += [self.checkpoint] if self.run == 'test' else []
            argv += ['--work-dir', str(folder)]
        if self.run == 'train':
            argv += ['--amp'] if amp else []
            argv += ['--resume'] if (folder / 'last_checkpoint').exists() else []
        if self.run == 'test':
            argv += ['--out', str(folder / 'metrics.json')]
        argv += [str(arg) for arg in self.args]
        if self.cfg_options:
            argv += ['--cfg-options', *(f'{k}={v}' for k, v in self.cfg_options.items())]
        return [resolve(arg, work_dir) for arg in argv]

    def reads(self, others: Iterable[Stage]) -> list[str]:
        """Names of those of other stages whose checkpoint or file an argument names."""
        texts = [str(text) for text in (self.checkpoint, *self.args, *self.cfg_options.values())]
        return [
            other.name for other in others
            if any(f'{{last:{other.name}}}' in text or f'{{work_dir}}/{other.name}/' in f'{text}/'
                   or (other.makes is not None and other.makes in text) for text in texts)
        ]

    def words(self) -> list[str]:
        """What stands in braces in its strings."""
        text = json.dumps([self.config, self.checkpoint, self.makes, *self.args,
                           self.cfg_options], default=str)
        return re.findall(r'\{([\w:./-]+)\}', text)

    def fingerprint(self, read: Callable[[str], str] = config_text) -> str:
        """Hash of the stage and of its whole config, to tell a finished stage from a stale one.

        What it is called, needs and may take are no part of it.

        Args:
            read: Gives the whole text of a config; of many stages one that remembers what it has
                read.
        """
        return self._hash(read(self.config) if self.config else '')

    def config_hash(self) -> str:
        """The same hash with the default folders of images, to compare stages of two machines."""
        if not self.config:
            return self._hash('')
        config = _read(self.config)
        with default_folders(config) as differ:
            return self._hash((_read(self.config) if differ else config).pretty_text)

    def _hash(self, config: str) -> str:
        content = {key: value for key, value in asdict(self).items()
                   if key not in ('title', 'minutes', 'needs')}
        text = json.dumps(content, sort_keys=True, default=str) + config
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def resolve(text: str, work_dir: Path) -> str:
    """Fill ``{work_dir}`` and ``{last:NAME}`` into one argument.

    Raises:
        FileNotFoundError: The stage ``NAME`` has left no checkpoint.
    """
    text = text.replace('{work_dir}', str(work_dir))
    while '{last:' in text:
        name = text.split('{last:', 1)[1].split('}', 1)[0]
        pointer = work_dir / name / 'last_checkpoint'
        if not pointer.exists():
            raise FileNotFoundError(
                f'stage {name!r} has left no checkpoint: {pointer} is missing; run it first, or '
                f'again by --redo {name}')
        # mmengine writes an absolute path; the folder may have been copied or moved since.
        written = Path(pointer.read_text().strip())
        beside = pointer.parent.absolute() / written.name
        text = text.replace('{last:' + name + '}', str(beside if beside.exists() else written))
    return text
