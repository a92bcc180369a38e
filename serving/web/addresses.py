"""Addresses of our own pages."""

from __future__ import annotations

HOME = "/queue"


def safe_path(path: str) -> str:
    """The path, if it leads to one of our pages and not to another host; else the queue."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\", "/login", "/logout")) and path.isprintable()
    return path if is_ours and "\\" not in path and len(path) < 2_000 else HOME


def page_number(text: str) -> int:
    """The page of a list that an address asks for, from 1; the first where it asks for none that can be."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def place_in(total: int, number: int, page_size: int) -> tuple[int, int, int]:
    """Which page of a list is shown, the last where it has fewer than asked for; how many there are; how many rows lie before it."""
    pages = max(1, -(-total // page_size))
    shown = min(number, pages)
    return shown, pages, (shown - 1) * page_size
