"""What is lost when the service and the scorer are killed with SIGKILL, again and again, at random points of their work: nothing.

    python -m benchmarks.kills [--kills 100] [--points 300] [--sqlite-only] [--seed 1]

Over SQLite and, where the tests' own server can start, PostgreSQL: `slacast serve` is killed while batches of events come in,
`slacast score --watch` while tickets arrive, and, with less around them, the storing of events and of scores alone (`points`).
The last line is one JSON object; those marked 0 have to be 0, or the benchmark fails:

    KIND.points              kills while events or scores alone were stored, by the claims of tests/serving/test_kill_points.py
    KIND.acknowledged        batches of events answered 201 by a service that was killed a moment later; `kills` services were
    KIND.cut                 batches whose service was killed before it answered, each sent again to the next
    KIND.stored_unanswered   of those, the ones that had been stored: the kill came between the commit and the answer
    KIND.lost, .halved       0: acknowledged batches that are not there, batches that are there in part
    KIND.answers_wrong       0: answers, and in the end the audit log, that say anything else; each is printed
    KIND.scores              scores stored by scorers of which `kills` were killed
    KIND.scores_doubled, .tickets_without_score   0
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from features.store import open_store
from tests.features.postgres_server import CannotStartError, postgres
from tests.serving.killed_service import killed_while_scoring, killed_while_taking_in
from tests.serving.real_desk import AGREEMENTS, AT, random_events
from tests.serving.test_kill_points import events_are_whole, scores_are_whole

Figures = dict[str, int | float]
HAVE_TO_BE_0 = ("lost", "halved", "answers_wrong", "scores_doubled", "tickets_without_score")


def main() -> None:
    """Kill, count, and end with one line of JSON; the exit code is 1 where anything was lost, halved or doubled."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--kills", type=int, default=100, help="of the service, and of the scorer, over each kind of store"
    )
    parser.add_argument("--points", type=int, default=300, help="of the storing of events, and half as many of scores")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sqlite-only", action="store_true")
    given = parser.parse_args()
    began, found = time.monotonic(), Figures()
    with tempfile.TemporaryDirectory() as folder:
        found |= _over("sqlite", f"sqlite:///{folder}/desk.db", Path(folder), given)
    if not given.sqlite_only:
        try:
            with postgres() as address, tempfile.TemporaryDirectory() as folder:
                found |= _over("postgresql", address, Path(folder), given)
        except CannotStartError as error:
            print(f"not over PostgreSQL: {error}", flush=True)
    print(json.dumps({**found, "kills": given.kills, "seconds": round(time.monotonic() - began)}))
    if wrong := {name: value for name, value in found.items() if name.partition(".")[2] in HAVE_TO_BE_0 and value}:
        sys.exit(f"these have to be 0: {wrong}")


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
    found |= {"acknowledged": len(taken.answered), "cut": len(taken.cut)}
    found |= {"stored_unanswered": len(taken.stored_unanswered), "lost": len(taken.lost), "halved": len(taken.halved)}
    found["answers_wrong"] = len(taken.wrong)
    for wrong in taken.wrong:
        print(f"{kind}: {wrong}", flush=True)
    print(f"{kind}: the service was killed {given.kills} times: {found}", flush=True)
    scored = killed_while_scoring(url, folder, given.kills, given.seed)
    found |= {"scores": scored.rows, "scores_doubled": scored.doubled, "tickets_without_score": len(scored.missing)}
    print(f"{kind}: the scorer was killed {given.kills} times: {found}", flush=True)
    return {f"{kind}.{name}": value for name, value in found.items()}


if __name__ == "__main__":
    main()
