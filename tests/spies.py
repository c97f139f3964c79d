"""Watch calls without changing them."""

from __future__ import annotations

from typing import Any


def count_calls(monkeypatch, owner: Any, name: str) -> list[tuple]:
    """A list that gets the arguments of each call of ``owner.name`` from now on."""
    original, calls = getattr(owner, name), []

    def watched(*args, **kwargs):
        calls.append(args)
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, watched)
    return calls
