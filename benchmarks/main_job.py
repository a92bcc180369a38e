"""The main job on the public incident log: import, clocks, features, train, score; seconds and peak memory of each step.

    python -m benchmarks.main_job [PATH OF incident_event_log.zip]

Each step runs in a fresh process, so its peak memory is its own. The model is trained as of 16 May 2016, 10:00 (nothing
later is read), judged on the four weeks before, and scores the queue of that instant. The last line is one JSON object.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOG = ROOT.parent / "shared" / "data" / "uci-incidents" / "incident_event_log.zip"
EXAMPLE = ROOT / "examples" / "uci-incidents"
AS_OF = datetime(2016, 5, 16, 8, 0, tzinfo=UTC)
Step = Callable[[Path, Path], dict[str, Any]]


def import_log(log: Path, work: Path) -> dict[str, Any]:
    """Tickets, rows and rejected rows of the import."""
    from features.importing import import_file
    from features.store import open_store

    with open_store(_database(work)) as store:
        report = import_file(log, EXAMPLE / "mapping.yaml", store, imported_at=AS_OF).to_dict()
        return {"tickets": store.ticket_count(), "rows": report["rows_read"], "rejected": report["rows_rejected"]}


def clocks(_log: Path, work: Path) -> dict[str, Any]:
    """How many clocks the whole log has, and how many broke their promise."""
    from features.histories import Histories
    from sla.clocks.replay import VerdictState, replay
    from sla.instants import NEVER_US

    histories = Histories.from_events(_events(work, None), _agreements())
    states = replay(histories.log, histories.agreements, NEVER_US - 1).to_columns()["state"]
    return {"clocks": len(states), "breached": int((states == VerdictState.BREACHED.name.lower()).sum())}


def features(_log: Path, work: Path) -> dict[str, Any]:
    """Rows and columns of the matrix of all creation, event and grid snapshots."""
    from features.histories import Histories
    from features.pipeline import build
    from features.snapshots import event_snapshots
    from features.spec import FeatureSpec

    histories = Histories.from_events(_events(work, None), _agreements())
    snapshots = event_snapshots(histories)
    matrix = build(histories, snapshots, FeatureSpec.from_histories(histories))
    return {"snapshots": len(matrix), "columns": matrix.shape[1]}


def train(_log: Path, work: Path) -> dict[str, Any]:
    """The judgement of the model beside the rules."""
    from training.breach import TrainRequest, train_breach

    request = TrainRequest(_events(work, AS_OF), _agreements(), _mlflow(work), work)
    response = train_breach(request)
    print(response.text())
    return {"promoted": int(response.promoted), **_figures(response.metrics)}


def score(_log: Path, work: Path) -> dict[str, Any]:
    """How many tickets were open, and what scored them."""
    from serving.reports.table import as_table
    from serving.settings import load_settings
    from serving.workplace import score_once

    settings = load_settings(
        database_url=_database(work), mlflow_uri=_mlflow(work), var_dir=work, agreements=EXAMPLE / "agreements.yaml"
    )
    queue = score_once(settings, AS_OF)
    print(as_table(queue, queue.rows[:10]))
    return {"open_tickets": len(queue.rows)}


def _figures(metrics: Mapping[str, float]) -> dict[str, float]:
    """The model beside the better of the two rules baselines, at first events (`first_*`) and at every event while open."""
    found: dict[str, float] = {}
    for kind, prefix in (("prefix", ""), ("first", "first_")):
        for name, better in (("auc", max), ("ap", max), ("brier", min), ("ece", min)):
            found[f"{prefix}{name}_model"] = metrics[f"{kind}.{name}"]
            found[f"{prefix}{name}_rules"] = better(metrics[f"{kind}.rules_{name}"], metrics[f"{kind}.group_{name}"])
        found[f"{prefix}auc_gain"] = found[f"{prefix}auc_model"] - found[f"{prefix}auc_rules"]
    return {name: round(value, 4) for name, value in found.items()}


STEPS: dict[str, Step] = {"import": import_log, "clocks": clocks, "features": features, "train": train, "score": score}


def _database(work: Path) -> str:
    return f"sqlite:///{work}/slacast.db"


def _mlflow(work: Path) -> str:
    return f"sqlite:///{work}/mlflow.db"


def _agreements() -> Any:
    from sla.agreements.loading import load_agreements

    return load_agreements(EXAMPLE / "agreements.yaml")


def _events(work: Path, until: datetime | None) -> Any:
    from features.store import open_store

    with open_store(_database(work)) as store:
        return store.ticket_events(until=until)


def _measured(name: str, log: Path, work: Path, answer: Any) -> None:
    """Send seconds, peak memory (MiB) and the result of one step; runs in a process of its own."""
    began = time.perf_counter()
    found = STEPS[name](log, work)
    seconds = time.perf_counter() - began
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answer.send((seconds, peak_mib, found))


def main() -> int:
    """0 when every step came to its end; 2 where the log is not there."""
    log = Path(sys.argv[1]) if len(sys.argv) > 1 else LOG
    if not log.is_file():
        print(f"{log} is not there: pass the path of incident_event_log.zip (UCI 498).", file=sys.stderr)
        return 2
    spawn = multiprocessing.get_context("spawn")
    result: dict[str, Any] = {}
    seconds_total = peak_all = 0.0
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        for name in STEPS:
            reader, writer = spawn.Pipe(duplex=False)
            process = spawn.Process(target=_measured, args=(name, log, Path(folder), writer))
            process.start()
            writer.close()
            try:
                seconds, peak_mib, found = reader.recv()
            except EOFError:
                print(f"the step {name!r} failed", file=sys.stderr)
                return 1
            process.join()
            print(f"{name:9} {seconds:7.1f} s {peak_mib:7.0f} MiB   {found}", flush=True)
            seconds_total, peak_all = seconds_total + seconds, max(peak_all, peak_mib)
            result |= {f"seconds_{name}": round(seconds, 2), f"peak_mib_{name}": round(peak_mib), **found}
    result |= {"seconds_total": round(seconds_total, 2), "peak_mib": round(peak_all)}
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
