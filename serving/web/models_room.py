"""The page of the models: versions beside the rules, drift, what came true; retraining as a job; promote and roll back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from features.store.faults import StoreError
from models.registry import registered
from models.versions import ModelVersion, RegisteredModel, RegistryError
from serving.access.caller import Caller
from serving.access.decisions import Demand, Guarded, form_of, gate_of
from serving.access.roles import Permission
from serving.api import asking
from serving.api.job_log import output_of
from serving.api.promotions import PromoteIn, RollbackIn, promote, roll_back
from serving.drift import drift_of
from serving.jobs.catalogue import KINDS
from serving.jobs.kinds import JobArguments
from serving.jobs.learning import CompareArguments, TrainArguments
from serving.problems import ProblemError
from serving.quality.book import QualityBook
from serving.service import Service, service_of
from serving.web.compared import compared
from serving.web.frame import frame, pages_of
from serving.web.language import language_of, phrase
from serving.web.model_quality import quality_view

router = APIRouter(include_in_schema=False, route_class=Guarded)
Reader: TypeAlias = Annotated[Caller, Depends(Demand(Permission.READ))]
Scientist: TypeAlias = Annotated[Caller, Depends(Demand(Permission.PROMOTE))]
Trainer: TypeAlias = Annotated[Caller, Depends(Demand(Permission.TRAIN))]
MEASURES = (
    ("grid.auc", "grid.rules_auc", phrase("Open queue, ROC-AUC"), True),
    ("grid.ap", "grid.rules_ap", phrase("Open queue, average precision"), True),
    ("grid.brier", "grid.rules_brier", phrase("Open queue, Brier score"), False),
    ("grid.ece", "grid.rules_ece", phrase("Open queue, calibration error"), False),
    ("first.auc", "first.rules_auc", phrase("When opened, ROC-AUC"), True),
    ("first.brier", "first.rules_brier", phrase("When opened, Brier score"), False),
    ("grid.recall_at_20", None, phrase("Breaches caught when 20 % are flagged"), True),
    ("grid.recall_at_10", None, phrase("Breaches caught when 10 % are flagged"), True),
)
"""Metric, that of the rules on the same tickets, in words, and whether more is better."""
MOST_VERSIONS, MOST_JOBS, MOST_DRIFT = 6, 8, 25
LOG_BYTES = 128 * 1024
STATES = {
    "waiting": phrase("waiting"),
    "running": phrase("running"),
    "succeeded": phrase("succeeded"),
    "failed": phrase("failed"),
    "cancelled": phrase("cancelled"),
    "interrupted": phrase("interrupted"),
}


@dataclass(frozen=True)
class Measured:
    """One measure of each shown version, and of the rules on the first one's tickets."""

    words: str
    values: tuple[float | None, ...]
    rules: float | None
    more_is_better: bool


@router.get("/models")
def models_page(request: Request, caller: Reader) -> Response:
    """What is served, what is registered, and how each fared."""
    service = service_of(request)
    standing = service.standing
    queue = standing.queue
    model, problem = _registered(service)
    shown = _shown(model) if model else ()
    around = frame(request, queue, standing)
    sees_all = caller.scope.is_everything
    quality = quality_of(request).soon(queue) if queue and sees_all else None
    values: dict[str, Any] = {
        "model": model,
        "registry_problem": problem,
        "shown": shown,
        "may_follow": [one for one in shown if "champion" not in one.aliases],
        "measured": tuple(_measured(shown)),
        "told": quality_view(quality, around["local"], language_of(request)),
        "drift": drift_of(queue)[:MOST_DRIFT] if queue and sees_all else [],
        "jobs": _jobs(service),
        "states": STATES,
        "may_promote": service.jobs is not None and caller.may(Permission.PROMOTE) and sees_all,
        "may_train": service.jobs is not None and caller.may(Permission.TRAIN) and sees_all,
        "mlflow_url": service.settings.mlflow_uri.rstrip("/") if service.settings.mlflow_uri.startswith("http") else None,
        "once": secrets.token_urlsafe(12),
    }  # fmt: skip
    return pages_of(request).render("models.html", 200, {"Cache-Control": "no-store"}, **around, **values)


@router.post("/models/train")
async def train_model(request: Request, caller: Trainer) -> Response:
    """The page of the job that trains; sent twice, it is one job."""
    return await _asked(request, caller, "train", TrainArguments(), (await form_of(request)).get("once"))


@router.post("/models/compare")
async def compare_versions(request: Request, caller: Trainer) -> Response:
    """The page of the job that asks two versions about the same recent tickets."""
    fields = await form_of(request)
    named = {name: fields.get(name, "") for name in ("first", "second")}
    try:
        wanted = CompareArguments(**named, retrained="retrained" in fields)
    except ValidationError as error:
        raise ProblemError(422, "Choose two versions by their numbers or by an alias such as champion.") from error
    return await _asked(request, caller, "compare", wanted, fields.get("once"))


@router.post("/models/move")
async def move_alias(request: Request, caller: Scientist) -> Response:
    """The way back to the page, with a version promoted or the last promotion taken back."""
    fields = await form_of(request)
    name, reason, once = fields.get("name", ""), fields.get("reason", "").strip(), fields.get("once") or None
    try:
        if fields.get("action") == "rollback":
            await run_in_threadpool(roll_back, request, name, RollbackIn(reason=reason), caller, once)
        else:
            body = PromoteIn(version=fields.get("version", ""), reason=reason, overrule_gate="overrule" in fields)
            await run_in_threadpool(promote, request, name, body, caller, once)
    except ValidationError as error:
        raise ProblemError(422, "Say why, in 3 to 2,000 letters; the reason is kept with the model.") from error
    return RedirectResponse("/models", 303)


@router.get("/models/jobs/{job_id}")
def job_page(request: Request, job_id: int, caller: Reader) -> Response:
    """A job with its log, which grows while one watches; the page can be left."""
    service = service_of(request)
    job = asking.seen(service, caller, job_id)
    try:
        output, is_open = output_of(service, caller, job_id)
        offset = max(0, output.log_bytes() - LOG_BYTES)
        part = output.log(offset, LOG_BYTES, is_growing=is_open)
        text = part.text
    except ProblemError as problem:
        text = problem.detail
    ran = (
        None
        if job.started_at is None
        else ((job.ended_at or gate_of(request).clock()) - job.started_at).total_seconds()
    )
    kind = KINDS.get(job.kind)
    values = {"job": job, "about": kind.about if kind else job.kind, "log": text, "seconds": ran, "states": STATES, "compared": compared(job.result)}  # fmt: skip
    standing = service.standing
    return pages_of(request).render(
        "job.html", 200, {"Cache-Control": "no-store"}, **frame(request, standing.queue, standing), **values
    )


def quality_of(request: Request) -> QualityBook:
    """The quality of the estimates of the application a request belongs to."""
    book = request.app.state.quality
    if not isinstance(book, QualityBook):
        raise TypeError("the application was not built by serving.app.create_app")
    return book


async def _asked(request: Request, caller: Caller, kind: str, wanted: JobArguments, once: str | None) -> Response:
    sent = {"page": kind, **wanted.model_dump(mode="json")}
    wish = asking.Request(service_of(request), caller, gate_of(request).clock(), once or None, sent)
    job = await run_in_threadpool(asking.asked, wish, KINDS[kind], wanted)
    return RedirectResponse(f"/models/jobs/{job.job_id}", 303)


def _registered(service: Service) -> tuple[RegisteredModel | None, str | None]:
    if not service.settings.use_model:
        return None, "SLACAST_USE_MODEL is off"
    try:
        return registered(service.settings.mlflow_uri, service.settings.model_name), None
    except RegistryError as error:
        return None, str(error)


def _shown(model: RegisteredModel) -> tuple[ModelVersion, ...]:
    """The champion, the challenger, and the newest others."""
    ranked = sorted(model.versions, key=lambda one: ("champion" not in one.aliases, "challenger" not in one.aliases, -one.number))  # fmt: skip
    return tuple(ranked[:MOST_VERSIONS])


def _measured(shown: tuple[ModelVersion, ...]) -> list[Measured]:
    found = []
    for name, rules, words, more_is_better in MEASURES:
        values = tuple(one.metrics.get(name) for one in shown)
        if any(value is not None for value in values):
            by_rules = shown[0].metrics.get(rules) if rules else None
            found.append(Measured(words, values, by_rules, more_is_better))
    return found


def _jobs(service: Service) -> list[Any]:
    if service.store is None:
        return []
    try:
        return service.store.jobs.recent(MOST_JOBS)
    except StoreError:
        return []
