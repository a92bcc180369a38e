"""The same ticket under other circumstances: another priority or team, another version of an agreement, another calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sla.agreements.agreement_set import AgreementSet, AgreementSource
from sla.agreements.suggestions import did_you_mean
from sla.clocks.ticket_clocks import replay_ticket
from sla.clocks.verdict import Verdict
from sla.events import TicketEvent
from sla.instants import to_us


@dataclass(frozen=True)
class Supposition:
    """What is supposed instead of the facts; everything left out stays as it is.

    `attributes`: other values of ticket attributes, for example {"priority": "1", "team": "network"}; from the opening of
    the ticket on, or as a change made at `since`. `versions`: the version of an agreement that is in force, by agreement
    name. `calendars`: the calendar to use instead of another, by name.
    """

    attributes: Mapping[str, str] = field(default_factory=dict)
    since: datetime | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    calendars: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """One clock as it is and as it would be."""

    actual: Verdict
    supposed: Verdict


def what_if(
    events: Sequence[TicketEvent],
    agreements: AgreementSet,
    at: datetime,
    supposition: Supposition,
    targets: Sequence[str] | None = None,
) -> list[Comparison]:
    """The verdicts at an instant (aware), as they are and as they would be, for each clock.

    Raises ValueError for a version or calendar that the agreements do not have.
    """
    actual = replay_ticket(events, agreements, at, targets)
    other = supposed_agreements(agreements, supposition)
    supposed = replay_ticket(supposed_events(events, supposition), other, at, [verdict.target for verdict in actual])
    return [Comparison(*pair) for pair in zip(actual, supposed, strict=True)]


def supposed_events(events: Sequence[TicketEvent], supposition: Supposition) -> list[TicketEvent]:
    """The events with the supposed attributes in place of the real ones, or with a change to them at `since`."""
    if not supposition.attributes or not events:
        return list(events)
    if supposition.since is None:
        return [_with(event, supposition.attributes, is_first=event is min(events, key=_order)) for event in events]
    since_us, ticket_id = to_us(supposition.since), events[0].ticket_id
    # "~" sorts after every ordinal, so that the change comes last among events of the same instant.
    change = TicketEvent(
        ticket_id, f"{ticket_id}/~supposed", since_us, since_us, {"kind": "updated", **supposition.attributes}
    )
    later = [
        replace(event, values={name: text for name, text in event.values.items() if name not in supposition.attributes})
        for event in events
        if event.at_us > since_us
    ]
    return [*(event for event in events if event.at_us <= since_us), change, *later]


def _order(event: TicketEvent) -> tuple[int, str]:
    return event.at_us, event.event_id


def _with(event: TicketEvent, attributes: Mapping[str, str], is_first: bool) -> TicketEvent:
    kept = {name: text for name, text in event.values.items() if name not in attributes}
    return replace(event, values={**kept, **attributes} if is_first else kept)


def supposed_agreements(agreements: AgreementSet, supposition: Supposition) -> AgreementSet:
    """The agreements with the supposed versions valid at all times and the supposed calendars in place of others."""
    if not supposition.versions and not supposition.calendars:
        return agreements
    chosen = agreements.agreements
    for name, version in supposition.versions.items():
        chosen = _only_version(chosen, name, version)
    calendars = dict(agreements.calendars)
    for name, other in supposition.calendars.items():
        for wanted in (name, other):
            if wanted not in agreements.calendars:
                raise ValueError(f'no calendar is called "{wanted}"{did_you_mean(wanted, agreements.calendars)}')
        calendars[name] = agreements.calendars[other]
    return agreements.replaced(agreements=chosen, calendars=calendars)


def _only_version(chosen: tuple[AgreementSource, ...], name: str, version: str) -> tuple[AgreementSource, ...]:
    versions = [agreement.version for agreement in chosen if agreement.name == name]
    if not versions:
        raise ValueError(
            f'no agreement is called "{name}"{did_you_mean(name, [agreement.name for agreement in chosen])}'
        )
    if version not in versions:
        raise ValueError(f'agreement "{name}" has no version "{version}"{did_you_mean(version, versions)}')
    return tuple(
        agreement.model_copy(update={"valid_from": None, "valid_until": None}) if agreement.name == name else agreement
        for agreement in chosen
        if agreement.name != name or agreement.version == version
    )
