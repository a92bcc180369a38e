"""The bundle that is served: asked for at the registry, checked, and kept when the next one is bad."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from features.families import declared
from models.bundle import BreachBundle, BundleError, load_bundle
from models.registry import RegistryAnswer, champion, forget_download

log = logging.getLogger(__name__)
NO_MODEL = "Rules only: no model is loaded"
NOT_YET = f"{NO_MODEL} yet"
"""Until the registry answered for the first time."""


def load_servable(folder: Path, *, version: str | None = None) -> BreachBundle:
    """The bundle, all checks passed, and every feature it reads made by this version; BundleError where it cannot be scored with."""
    bundle = load_bundle(folder, version=version)
    made = {feature.name for feature in declared(bundle.spec.settings)}
    unmade = [name for name in bundle.spec.names if name not in made]
    if unmade:
        more = f" and {len(unmade) - 3} more" if len(unmade) > 3 else ""
        raise BundleError(
            f"it reads features that this version of slacast does not make ({', '.join(unmade[:3])}{more}): train it again"
        )
    return bundle


@dataclass(frozen=True)
class Served:
    """A bundle, or why there is none, and what is wrong with having it or another."""

    bundle: BreachBundle | None = None
    why: str = NOT_YET
    problem: str | None = None


@dataclass(frozen=True)
class LastGood:
    """Where it is written down which bundle was served last, for a start while the registry cannot be reached."""

    file: Path

    def keep(self, path: Path, version: str) -> None:
        """Write it down; a disk that is full does not keep the bundle from being served."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.file.with_suffix(".writing")
            fresh.write_text(json.dumps({"path": str(path), "version": version}), encoding="utf-8")
            fresh.replace(self.file)
        except OSError as fault:
            log.warning("%s could not be written: %s", self.file, fault)

    def found(self) -> tuple[Path | None, str | None]:
        """The folder and the version, None where nothing readable was written down."""
        try:
            data = json.loads(self.file.read_text(encoding="utf-8"))
            return Path(data["path"]), str(data["version"])
        except (OSError, ValueError, KeyError, TypeError):
            return None, None


class Champion:
    """The bundle that carries an alias, or why there is none. One thread polls; any may read `served`, which is replaced as a whole."""

    def __init__(
        self,
        mlflow_uri: str,
        name: str,
        download_to: Path,
        *,
        ask: Callable[..., RegistryAnswer] = champion,
        load: Callable[..., BreachBundle] = load_bundle,
        last_good: LastGood | None = None,
    ) -> None:
        self._uri, self._name, self._download_to = mlflow_uri, name, download_to
        self._ask, self._load, self._last_good = ask, load, last_good
        self._loaded: tuple[Path | None, str | None] | None = None
        self.has_answered = False
        """Whether the registry was asked to the end; before, what is served is what this machine served last."""
        self.served = Served()

    @property
    def bundle(self) -> BreachBundle | None:
        """The bundle to score with."""
        return self.served.bundle

    @property
    def why(self) -> str:
        """What is said of the bundle, or why there is none."""
        return self.served.why

    @property
    def problem(self) -> str | None:
        """What is wrong, though a good bundle may be served."""
        return self.served.problem

    def poll(self) -> bool:
        """True where another bundle is now served. One that cannot be loaded is refused and the old one stays; `problem` says so."""
        is_other = self._take(self._ask(self._uri, self._name, download_to=self._download_to))
        self.has_answered = True
        return is_other

    def _take(self, answer: RegistryAnswer) -> bool:
        """True where the answer changed which bundle is served."""
        asked = (answer.path, answer.version)
        if answer.path is None:
            return self._absent(answer)
        if asked == self._loaded:
            self.served = Served(self.bundle, self.why)
            return False
        try:
            bundle = self._load(answer.path, version=answer.version)
        except Exception as fault:  # made by others, it may fail in any way: refused, and read again at the next poll
            self._refused(f"{answer.version} was refused: {fault or type(fault).__name__}")
            forget_download(answer.path, self._download_to)
            return False
        log.info("serving %s from %s", bundle.version, answer.path)
        if self._last_good is not None:
            self._last_good.keep(answer.path, bundle.version)
        self._loaded, self.served = asked, Served(bundle, answer.why)
        return True

    def _absent(self, answer: RegistryAnswer) -> bool:
        """A registry that cannot be reached, or lost the files, keeps the last good bundle; one that has no champion takes it away."""
        is_gone = not answer.is_reachable or answer.version is not None  # its registry or its files, not the champion
        if is_gone:
            is_recalled = self.bundle is None and self.recall()
            self._refused(answer.why)
            return is_recalled
        had_one = self.bundle is not None
        self._loaded, self.served = None, Served(None, f"{NO_MODEL} ({answer.why.rstrip('.')})")
        return had_one

    def says_of(self, version: str | None) -> bool | None:
        """Whether this version (None: the rules alone) is what is served, None until the registry has answered."""
        if not self.has_answered:
            return None
        bundle = self.bundle
        return version == (bundle.version if bundle is not None else None)

    def recall(self) -> bool:
        """True where the bundle that was last served from this machine is served again, until the registry says another thing."""
        path, version = self._last_good.found() if self._last_good else (None, None)
        if path is None:
            return False
        try:
            bundle = self._load(path, version=version)
        except Exception as fault:  # made by others, it may fail in any way: the rules go on and the reason is shown
            log.warning("%s, served last, cannot be served again: %s", version, fault)
            return False
        log.info("serving %s as before the start", bundle.version)
        self._loaded, self.served = (path, version), Served(bundle, f"{bundle.version} is served")
        return True

    def _refused(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("%s", problem)
        why = self.why if self.bundle is not None else f"{NO_MODEL} ({problem.rstrip('.')})"
        self.served = Served(self.bundle, why, problem)
