"""Leave no trace of a run that was refused before its first batch."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import MMLogger

from peco.utils.config import ConfigError

from .launch import rank_from_environment
from .refusal import refusal


class RunStart(Hook):
    """Take back what a Runner wrote at its start, if the run is refused before the first batch.

    mmengine makes the work dir, a log and a copy of the config before it builds model and data. An
    error that asks the user for a change leaves the work dir as it was, and absent if it was
    absent. Once a batch is through, and at errors that nobody foresaw, everything stays.

    Args:
        cfg: Config with ``work_dir``.

    Example:
        >>> with RunStart(cfg) as start:  # doctest: +SKIP
        ...     runner = Runner.from_cfg(cfg)
        ...     runner.register_hook(start)
        ...     runner.train()
    """

    # After the hooks that may refuse what the first batch showed.
    priority = 'LOWEST'

    def __init__(self, cfg: Config) -> None:
        self.work_dir = Path(cfg.work_dir).absolute()
        self.begun = False
        self._entries = set(os.listdir(self.work_dir)) if self.work_dir.is_dir() else set()
        self._absent = [folder for folder in (self.work_dir, *self.work_dir.parents)
                        if not folder.exists()]
        self._copy = self.work_dir / Path(cfg.filename).name if cfg.filename else None
        self._old_copy = self._read_copy()

    def _read_copy(self) -> tuple[bytes, os.stat_result] | None:
        if self._copy is None or not self._copy.is_file():
            return None
        return self._copy.read_bytes(), self._copy.stat()

    def __enter__(self) -> RunStart:
        return self

    def __exit__(self, kind, error, traceback) -> None:
        refused = isinstance(error, ConfigError) or (
            isinstance(error, Exception) and refusal(error) is not None)
        if refused and not self.begun and rank_from_environment()[0] == 0:
            self.undo()

    def after_train_iter(self, *args, **kwargs) -> None:
        """Note that the run has begun."""
        self.begun = True

    after_val_iter = after_test_iter = after_train_iter

    def undo(self) -> None:
        """Remove log folder, copy of the config and new folders of this run."""
        logger = MMLogger.get_current_instance()
        for handler in list(logger.handlers):
            if not isinstance(handler, logging.FileHandler):
                continue
            folder = Path(handler.baseFilename).parent
            # Only the folder that this run made: others may write to the same work dir.
            if folder.parent == self.work_dir and folder.name not in self._entries:
                # A closed one that stays would fail at the next message.
                logger.removeHandler(handler)
                handler.close()
                shutil.rmtree(folder, ignore_errors=True)
                self._restore_copy()
        for folder in self._absent:
            if folder.is_dir() and not os.listdir(folder):
                folder.rmdir()

    def _restore_copy(self) -> None:
        if self._copy is None or not self._copy.exists():
            return
        if self._old_copy is None:
            self._copy.unlink()
            return
        content, times = self._old_copy
        self._copy.write_bytes(content)
        os.utime(self._copy, ns=(times.st_atime_ns, times.st_mtime_ns))
