"""Reading a file of alert rules: every fault at once, each with its line, what was found and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from serving.alerting.rules import AlertRules, Rule
from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import Fault, fault_of, place_of
from sla.agreements.suggestions import did_you_mean
from sla.agreements.yaml_lines import Document, YamlError, read_document
from sla.working_time.business_time import compile_calendar
from sla.working_time.calendar_errors import CalendarError

Placed = tuple[tuple[str | int, ...], str]


class AlertRulesError(ValueError):
    """A file of alert rules with faults; the text lists them all."""

    def __init__(self, source: str, faults: list[Fault]) -> None:
        self.source, self.faults = source, faults
        count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
        super().__init__("\n".join([f"{source}: {count}", *(fault.text(source) for fault in faults)]))


def load_rules(path: str | Path, agreements: AgreementSet) -> AlertRules:
    """The alert rules of a YAML file for a desk with these agreements. Raises AlertRulesError, listing every fault with its line."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AlertRulesError(str(path), [Fault(1, "", f"cannot be read as UTF-8 text: {error}")]) from error
    return parse_rules(text, agreements, str(path))


def parse_rules(text: str, agreements: AgreementSet, source: str = "alert rules") -> AlertRules:
    """The alert rules of a YAML text; as `load_rules`."""
    try:
        document = read_document(text)
    except YamlError as error:
        raise AlertRulesError(source, [Fault(error.line, "", str(error))]) from error
    if not isinstance(document.value, dict):
        raise AlertRulesError(source, [Fault(1, "", "expected keys slacast_alerts, channels and rules")])
    faults = [
        Fault(line, place_of(path[:-1]), f'"{path[-1]}" is written twice; keep one') for path, line in document.repeated
    ]
    rules: AlertRules | None = None
    try:
        rules = AlertRules.model_validate(document.value)
    except ValidationError as error:
        faults += [_without_values(fault_of(detail, document, AlertRules), detail["loc"]) for detail in error.errors()]
        faults += _placed(document, _unknown_names(document.value, agreements))
    else:
        found = [*_unknown_names(document.value, agreements), *_contradictions(rules, agreements)]
        faults += _placed(document, found)
    if faults or rules is None:
        raise AlertRulesError(source, sorted(set(faults)))
    return rules


def _without_values(fault: Fault, path: tuple[str | int, ...]) -> Fault:
    """What stands in a channel may be a secret by mistake: it is not repeated."""
    if path[:1] != ("channels",):
        return fault
    return Fault(fault.line, fault.where, fault.message.partition("; found ")[0])


def _placed(document: Document, found: Iterator[Placed] | list[Placed]) -> list[Fault]:
    return [Fault(document.line(path), place_of(path), message) for path, message in found]


def _unknown_names(value: dict[str, object], agreements: AgreementSet) -> Iterator[Placed]:
    """Channels and calendars that rules name and nobody defines; found in the raw file, so that other faults do not hide them."""
    channels, calendars, rules = value.get("channels"), value.get("calendars"), value.get("rules")
    known_channels = channels if isinstance(channels, dict) else {}
    known_calendars = {*(calendars if isinstance(calendars, dict) else ()), *agreements.calendars}
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        if not isinstance(rule, dict):
            continue
        named = rule.get("channels")
        for place, name in enumerate(named if isinstance(named, list) else []):
            if isinstance(name, str) and name not in known_channels:
                hint = did_you_mean(name, known_channels)
                yield ("rules", index, "channels", place), f'there is no channel "{name}"{hint}'
        quiet = rule.get("quiet_outside")
        if isinstance(quiet, str) and quiet not in known_calendars:
            hint = did_you_mean(quiet, known_calendars)
            yield ("rules", index, "quiet_outside"), f'there is no calendar "{quiet}"{hint}'


def _contradictions(rules: AlertRules, agreements: AgreementSet) -> list[Placed]:
    found: list[Placed] = []
    seen: set[str] = set()
    for index, rule in enumerate(rules.rules):
        if rule.name in seen:
            found.append(
                (("rules", index, "name"), f'another rule is called "{rule.name}" too; give each its own name')
            )
        seen.add(rule.name)
        found += [(("rules", index, *path), message) for path, message in _never_fires(rule, agreements)]
    for name, spec in rules.calendars.items():
        try:
            compile_calendar(spec, {**agreements.calendars, **rules.calendars}, name=name, folder=agreements.folder)
        except CalendarError as error:
            found.append((("calendars", name), str(error)))
    used = {name for rule in rules.rules for name in rule.channels}
    found += [
        (("channels", name), "no rule sends anything here; name it in a rule or take it out")
        for name in rules.channels
        if name not in used
    ]
    return found


def _never_fires(rule: Rule, agreements: AgreementSet) -> Iterator[Placed]:
    if rule.kind == "burn_rate" and all(one.availability_percent is None for one in agreements.services.values()):
        said = "no service of the agreements promises an availability, so there is no error budget to burn; write availability_percent there"
        yield ("kind",), said
    if rule.kind == "risk" or rule.is_of_services:
        return
    clock = agreements.clocks.get(rule.target)
    if clock is None:
        yield ("target",), f"no agreement promises a {rule.target}, so this rule would never tell anything"
    elif rule.kind == "warning":
        agreed = sorted({share for term in clock.terms for share in term.warnings})
        if not any(share >= (rule.share or 0) for share in agreed):
            known = ", ".join(f"{share:.0%}" for share in agreed) or "none"
            yield (
                ("kind",),
                f"the agreements have no such warning for {rule.target} (there: {known}); write warnings: [75%] at the target",
            )
