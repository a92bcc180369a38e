"""The bundle that is served: asked for at the registry, checked, and kept when the next one is bad."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from models.bundle import BreachBundle, BundleError, load_bundle
from models.registry import RegistryAnswer, champion

log = logging.getLogger(__name__)
NO_MODEL = "Rules only: no model is loaded"


class Champion:
    """The served breach bundle, or why there is none. Not thread-safe: the ticker alone polls it."""

    def __init__(
        self,
        mlflow_uri: str,
        name: str,
        download_to: Path,
        *,
        ask: Callable[..., RegistryAnswer] = champion,
        load: Callable[..., BreachBundle] = load_bundle,
    ) -> None:
        self._uri, self._name, self._download_to = mlflow_uri, name, download_to
        self._ask, self._load = ask, load
        self._tried: tuple[Path | None, str | None] | None = None
        self.bundle: BreachBundle | None = None
        self.why = f"{NO_MODEL} yet"
        self.problem: str | None = None

    def poll(self) -> bool:
        """True where another bundle is now served. A bundle that cannot be loaded is refused and the old one stays; `problem` says so."""
        answer = self._ask(self._uri, self._name, download_to=self._download_to)
        asked = (answer.path, answer.version)
        if answer.path is None:
            self._tried = None
            return self._absent(answer)
        if asked == self._tried:
            return False
        self._tried = asked
        try:
            bundle = self._load(answer.path, version=answer.version)
        except (BundleError, OSError, ValueError) as fault:
            self._refused(f"{answer.version} was refused: {fault}")
            return False
        log.info("serving %s from %s", bundle.version, answer.path)
        self.bundle, self.problem, self.why = bundle, None, answer.why
        return True

    def _absent(self, answer: RegistryAnswer) -> bool:
        """An unreachable registry keeps the last good bundle; a registry that has no champion takes it away."""
        if self.bundle is not None and not answer.is_reachable:
            self._refused(answer.why)
            return False
        had_one = self.bundle is not None
        self.bundle, self.why = None, f"{NO_MODEL} ({answer.why.rstrip('.')})"
        self.problem = None if answer.is_reachable else answer.why
        return had_one

    def _refused(self, why: str) -> None:
        if why != self.problem:
            log.warning("%s", why)
        self.problem = why
        if self.bundle is None:
            self.why = f"{NO_MODEL} ({why.rstrip('.')})"
