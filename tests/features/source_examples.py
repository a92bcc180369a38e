"""The committed results of the examples that have a source: `python -m tests.features.source_examples` writes them anew."""

from __future__ import annotations

from pathlib import Path

from features.importing import ImportReport, import_file

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EXPORTS = {
    "small-desk": "tickets.csv",
    "jira": "issues.json",
    "servicenow": "incident.json",
    "zendesk": "tickets.jsonl",
    "zammad": "tickets.json",
    "prometheus": "probes.json",
    "statuspage": "incidents.json",
}


def report(name: str) -> ImportReport:
    """The dry run of an example."""
    return import_file(EXAMPLES / name / EXPORTS[name], EXAMPLES / name / "mapping.yaml", dry_run=True)


def results(name: str) -> dict[str, str]:
    """What an example becomes, by the name of the file that keeps it."""
    found = report(name)
    return {
        "events.csv": found.result.events.to_csv(index=False, lineterminator="\n"),
        "report.txt": found.text() + "\n",
    }


if __name__ == "__main__":
    for example in EXPORTS:
        for file, text in results(example).items():
            (EXAMPLES / example / file).write_text(text, encoding="utf-8")
