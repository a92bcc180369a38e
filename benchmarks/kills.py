"""What is lost when the service and the scorer are killed with SIGKILL, again and again, at random points of their work: nothing.

    python -m benchmarks.kills [--kills 100] [--points 300] [--sqlite-only] [--seed 1]

Over SQLite and, where the tests' own server can start, PostgreSQL: `slacast serve` is killed while batches of events come in,
`slacast score --watch` while tickets arrive, and, with less around them, the storing of events and of scores alone (`points`).
The last line is one JSON object; each figure but the first of a kind should be 0:

    KIND.acknowledged    batches that were answered 201 by a service that was killed `kills` times
    KIND.lost, .halved   of them, and of all
    KIND.answers_wrong   batches sent again that were found in part
    KIND.scores          scores stored by a scorer that was killed `kills` times
    KIND.scores_doubled, .tickets_without_score
    KIND.points          kills while events or scores alone were stored, by the claims of tests/serving/test_kill_points.py
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from features.store import open_store
from tests.features.postgres_server import CannotStartError, postgres
from tests.serving.killed_service import killed_while_scoring, killed_while_taking_in
from tests.serving.real_desk import AGREEMENTS, AT, random_events
from tests.serving.test_kill_points import events_are_whole, scores_are_whole

Figures = dict[str, int | float]


def main() -> None:
    """Kill, count, and end with one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--kills", type=int, default=100, help="of the service, and of the scorer, over each kind of store"
    )
    parser.add_argument("--points", type=int, default=300, help="of the storing of events, and half as many of scores")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sqlite-only", action="store_true")
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = _over("sqlite", f"sqlite:///{folder}/desk.db", Path(folder), given)
    if not given.sqlite_only:
        with suppress(CannotStartError), postgres() as address, tempfile.TemporaryDirectory() as folder:
            found |= _over("postgresql", address, Path(folder), given)
    print(json.dumps({**found, "kills": given.kills, "seconds": round(time.monotonic() - began)}))


def _over(kind: str, url: str, folder: Path, given: argparse.Namespace) -> Figures:
    with open_store(url) as store:
        store.append_ticket_events(random_events(30), "test")
        store.save_agreements(AGREEMENTS, AT)
    found: Figures = {}
    if given.points:
        scores_are_whole(url, given.points // 2, given.seed)
        events_are_whole(url, given.points, given.seed)
        found["points"] = given.points + given.points // 2
        print(f"{kind}: {found['points']} kills of storing alone lost nothing", flush=True)
    taken = killed_while_taking_in(url, folder, given.kills, given.seed)
    found |= {"acknowledged": len(taken.acknowledged), "lost": len(taken.lost), "halved": len(taken.halved)}
    found["answers_wrong"] = taken.answers_wrong
    for wrong in taken.wrong:
        print(f"{kind}: {wrong}", flush=True)
    print(f"{kind}: the service was killed {given.kills} times: {found}", flush=True)
    scored = killed_while_scoring(url, folder, given.kills, given.seed)
    found |= {"scores": scored.rows, "scores_doubled": scored.doubled, "tickets_without_score": len(scored.missing)}
    print(f"{kind}: the scorer was killed {given.kills} times: {found}", flush=True)
    return {f"{kind}.{name}": value for name, value in found.items()}


if __name__ == "__main__":
    main()
