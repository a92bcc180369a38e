"""What the commands for models print for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.versions import ModelVersion, Promotion, RegisteredModel

LIST_COLUMNS = ("version", "alias", "registered", "knows until", "AUC", "rules", "Brier", "rules", "ECE", "gate")
SETS = {"first": "first event", "prefix": "every event", "grid": "between events"}
FIGURES = ("auc", "ap", "brier", "log_loss", "ece")
ROWS = {
    "": "model",
    "trees_": "trees alone",
    "linear_": "logistic regression",
    "group_": "team x priority table",
    "rules_": "share used + priority",
    "base_": "base rate",
}
MANIFEST_TAGS = (
    "target",
    "code_version",
    "code_fingerprint",
    "data_fingerprint",
    "spec_fingerprint",
    "agreements_version",
    "bundle_digest",
    "calibration",
)


def list_text(found: RegisteredModel) -> str:
    """One line a version, then what the gate said of each. Figures are those of every event while open, rules' the better table's."""
    lines = [LIST_COLUMNS, *(_line(one) for one in found.versions)]
    said = [f"{one.version} {_gate(one)}: {one.gate_reason}" for one in found.versions if one.gate_reason]
    notes = [
        "",
        "AUC: more is better. Brier, ECE: less is better. Judged on tickets opened after the judged sibling was trained, every event while open;",
        "rules: the better of the two tables (team x priority, share used + priority).",
        "",
        *said,
    ]
    if not found.versions:
        return f"{found.name} has no versions."
    return "\n".join([*_aligned(lines), *notes]).rstrip()


def show_text(one: ModelVersion, bundle: str, moves: Sequence[Promotion]) -> str:
    """Everything that is known of one version."""
    alias = f" ({', '.join(one.aliases)})" if one.aliases else ""
    head = [
        f"{one.version}{alias}, registered {one.created_at:%Y-%m-%d %H:%M} UTC",
        f"gate: {_gate(one)}. {one.gate_reason}".rstrip(),
        f"judged on tickets opened after {_instant(one.params.get('cut'))} until {_instant(one.params.get('judged_until'))}",
        f"knows until {_instant(one.params.get('known_until'))}: {one.params.get('training_tickets', '?')} tickets, {one.params.get('training_rows', '?')} rows",
        f"bundle: {bundle}",
        f"MLflow run: {one.run_id or 'deleted'}",
    ]
    tables = [text for key, title in SETS.items() if (text := _figures(key, title, one.metrics))]
    tags = [f"{name}: {one.tags[name]}" for name in MANIFEST_TAGS if name in one.tags]
    params = [f"{name} = {value}" for name, value in sorted(one.params.items())]
    history = [move_text(one.name, entry) for entry in moves] or ["never champion"]
    parts = [
        "\n".join(head),
        *tables,
        "\n".join(tags),
        "promotions\n" + "\n".join(history),
        "settings\n" + "\n".join(params),
    ]
    return "\n\n".join(part for part in parts if part)


def move_text(model: str, entry: Promotion) -> str:
    """One sentence for one change of the aliases."""
    when = f" at {entry.at:%Y-%m-%d %H:%M} UTC" if entry.at else ""
    who = f" by {entry.by}" if entry.by else ""
    before = entry.before.get("champion")
    instead = f" instead of v{before}" if before is not None else ", the first champion"
    verb = "promoted" if entry.kind == "promotion" else "back by rollback"
    why = f": {entry.reason}" if entry.reason else ""
    return f"{model} v{entry.number} {verb}{instead}{who}{when}{why}"


def _line(one: ModelVersion) -> tuple[str, ...]:
    figures = one.metrics
    return (
        f"v{one.number}",
        ", ".join(one.aliases),
        f"{one.created_at:%Y-%m-%d %H:%M}",
        _instant(one.params.get("known_until")),
        _figure(figures.get("prefix.auc")),
        _figure(_better(figures, "auc", max)),
        _figure(figures.get("prefix.brier")),
        _figure(_better(figures, "brier", min)),
        _figure(figures.get("prefix.ece")),
        _gate(one),
    )


def _better(figures: Mapping[str, float], name: str, better: Callable[[list[float]], float]) -> float | None:
    found = [figures[key] for key in (f"prefix.group_{name}", f"prefix.rules_{name}") if key in figures]
    return better(found) if found else None


def _figures(key: str, title: str, metrics: Mapping[str, float]) -> str:
    lines = [
        (label, *(_figure(metrics.get(f"{key}.{prefix}{name}")) for name in FIGURES))
        for prefix, label in ROWS.items()
        if f"{key}.{prefix}brier" in metrics
    ]
    return "\n".join(_aligned([(title, "AUC", "AP", "Brier", "log loss", "ECE"), *lines])) if lines else ""


def _gate(one: ModelVersion) -> str:
    return one.gate or "not judged"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _instant(text: str | None) -> str:
    return text[:16].replace("T", " ") if text else "?"


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
