"""A queue written down: a table for the terminal, JSON, CSV."""

from serving.reports.delimited import as_csv
from serving.reports.document import as_json, document
from serving.reports.table import as_table

__all__ = ["as_csv", "as_json", "as_table", "document"]
