"""The closed list of what can be asked for. A new kind is a module beside this one and its name here."""

from __future__ import annotations

from serving.jobs.kinds import JobKind
from serving.jobs.learning import LEARNING
from serving.jobs.planning import SIMULATE
from serving.jobs.promoting import PROMOTE, ROLLBACK

KINDS: dict[str, JobKind] = {kind.name: kind for kind in (*LEARNING, SIMULATE, PROMOTE, ROLLBACK)}
"""Every kind by its name."""
