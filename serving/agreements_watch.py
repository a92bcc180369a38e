"""The agreements in force: other ones are taken when they are imported, and refused when they cannot be read."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import AgreementError, parse_agreements

log = logging.getLogger(__name__)


class AgreementsWatch:
    """The agreements that were last imported into the store, as of the last look. One thread looks."""

    def __init__(self, first: AgreementSet, newest: Callable[[], str | None]) -> None:
        self._newest, self._seen = newest, newest()
        self.agreements = first
        self.problem: str | None = None

    def look(self) -> bool:
        """True where other agreements are in force now. Those that cannot be read are refused, and the old ones stay."""
        text = self._newest()
        if text is None or text == self._seen:
            return False
        self._seen = text
        try:
            found = parse_agreements(text, source="the agreements in the store")
        except AgreementError as fault:
            self.problem = f"The newest agreements were refused, those before them are in force: {fault}"
            log.warning("%s", self.problem)
            return False
        log.info("the agreements were imported anew: version %s", found.version)
        self.agreements, self.problem = found, None
        return True
