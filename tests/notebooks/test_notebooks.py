"""Notebooks run from top to bottom on the demo world, are short, and carry no outputs."""

import asyncio
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def _read(path):
    return nbformat.read(path, as_version=4)


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_short_and_carries_no_outputs(path):
    cells = _read(path).cells
    assert len(cells) < 15
    assert [cell.outputs for cell in cells if cell.cell_type == "code" and (cell.outputs or cell.execution_count)] == []


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path):
    client = NotebookClient(
        _read(path), timeout=300, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}
    )
    ran = asyncio.run(client.async_execute())
    assert all(cell.execution_count for cell in ran.cells if cell.cell_type == "code")
