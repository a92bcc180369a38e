"""The live champion asked the same questions as the model that may take its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from pydantic import ValidationError

from models.bundle import BreachBundle, BundleError, load_bundle
from models.registry import champion
from models.scales import Float64Array
from sla.instants import BoolArray, Int64Array
from training.plan import Plan, RowSource
from training.rivalry import Rivalry, paired_rivalry
from training.rows import Rows
from training.settings import TrainingSettings

NOBODY = "no champion serves yet"
AtCut = Callable[[TrainingSettings, int, Rows], Float64Array]
"""The probabilities of rows under a model of given settings and seed, trained on what was known at the cut."""


@dataclass(frozen=True)
class Exam:
    """The judged rows: `places` are theirs in the source, `mine` what the judged sibling said of them."""

    source: RowSource
    places: Int64Array
    rows: Rows
    mine: Float64Array

    def where(self, mask: BoolArray) -> Exam:
        """The rows for which a mask holds."""
        return Exam(self.source, self.places[mask], self.rows.where(mask), self.mine[mask])


def challenge(exam: Exam, plan: Plan, at_cut: AtCut) -> Rivalry:
    """The rivalry with the champion of the registry, at every event while open.

    A served champion has learned from everything known when it was trained, judged weeks included. So it is asked about
    tickets opened after that; if there are too few, a model of its settings, trained at the cut like the judged sibling,
    stands for it. With the same settings that would be the judged sibling again: there is nothing to compare, and that
    is said.
    """
    answer = champion(plan.tracking_uri, plan.name, download_to=plan.var_dir / "bundles")
    who = answer.version or plan.name
    if answer.path is None:
        is_none = answer.is_reachable and answer.version is None
        return Rivalry(NOBODY, "") if is_none else Rivalry(who, f"not compared: {answer.why}")
    try:
        bundle = load_bundle(answer.path, version=answer.version)
    except (BundleError, OSError) as fault:
        return Rivalry(who, f"not compared, because it cannot be loaded: {fault}")
    if bundle.target != plan.target:
        return Rivalry(who, f"not compared: it predicts {bundle.target}, not {plan.target}")
    exam = exam.where(exam.rows.is_event)
    known_until = bundle.manifest.window.known_until
    unseen = exam.where(exam.rows.opened_us > int(known_until.timestamp() * 1_000_000))
    if _is_enough(unseen.rows, plan):
        since = f"tickets opened after {known_until:%Y-%m-%d %H:%M} UTC, when it had learned the last it knows"
        return _paired(unseen, who, since, _asked(bundle, unseen), plan)
    return _by_recipe(exam, unseen, who, bundle, plan, at_cut)


def _by_recipe(exam: Exam, unseen: Exam, who: str, bundle: BreachBundle, plan: Plan, at_cut: AtCut) -> Rivalry:
    few = f"judged tickets opened after it was trained: {unseen.rows.ticket_count()}"
    try:
        recipe = TrainingSettings.model_validate(bundle.manifest.parameters)
    except ValidationError:
        return Rivalry(who, f"not compared: {few}, and this program does not know all of its settings")
    if _is_same(recipe, bundle.manifest.seed, plan):
        return Rivalry(who, f"trained with the same settings, so there is nothing to compare ({few})")
    basis = f"tickets opened after the cut, both trained on what was known at it, each with its own settings ({few})"
    return _paired(exam, who, basis, at_cut(recipe, bundle.manifest.seed, exam.rows), plan)


def _asked(bundle: BreachBundle, exam: Exam) -> Float64Array:
    """What the champion says, on features of its own specification."""
    X = exam.source.take(exam.places).described(bundle.spec, bundle.text).X
    return bundle.predict(pd.DataFrame(X, columns=bundle.spec.names))


def _paired(exam: Exam, who: str, basis: str, theirs: Float64Array, plan: Plan) -> Rivalry:
    rows = exam.rows
    return paired_rivalry(
        who,
        basis,
        rows.y,
        exam.mine,
        theirs,
        rows.ticket_count(),
        rows.opened_day,
        draws=plan.settings.draws,
        seed=plan.seed,
    )


def _is_enough(rows: Rows, plan: Plan) -> bool:
    gate = plan.settings.gate
    return rows.ticket_count() >= gate.least_tickets and rows.y.sum() >= gate.least_breaches


def _is_same(recipe: TrainingSettings, seed: int, plan: Plan) -> bool:
    """Whether a training with these settings would give the same model: how it is judged does not matter."""
    same = {"model", "rehearsal", "grid_one_in"}
    return seed == plan.seed and recipe.model_dump(include=same) == plan.settings.model_dump(include=same)
