"""Addresses of our own pages."""

from __future__ import annotations

HOME = "/queue"


def safe_path(path: str) -> str:
    """The path, if it leads to one of our pages and not to another host; else the queue."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\", "/login", "/logout")) and path.isprintable()
    return path if is_ours and "\\" not in path and len(path) < 2_000 else HOME
