from __future__ import annotations

import pytest

from sla.services.openslo import read_objectives
from sla.services.service_history import ServiceError

TEXT = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: checkout}
spec:
  service: shop
  budgetingMethod: Timeslices
  timeWindow: [{duration: 30d, isRolling: true}]
  objectives:
    - {displayName: fast, target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: 1m}
    - {displayName: works, targetPercent: 99.9, timeSliceWindow: 5m, compositeWeight: 2}
  alertPolicies:
    - alertPolicyRef: burning
    - kept-elsewhere
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: burning}
spec:
  conditions:
    - conditionRef: quick
    - kind: AlertCondition
      metadata: {name: slow}
      spec: {severity: ticket, condition: {kind: burnrate, op: gt, threshold: 1, lookbackWindow: 3d}}
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: quick}
spec: {severity: page, condition: {kind: burnrate, op: gt, threshold: 14.4, lookbackWindow: 1h, alertAfter: 5m}}
---
apiVersion: openslo/v1
kind: Service
metadata: {name: shop}
spec: {}
"""


def test_objectives_are_read_with_their_windows_and_alerts() -> None:
    fast, works = read_objectives(TEXT)
    assert (fast.slo, fast.service, fast.name, fast.target) == ("checkout", "shop", "fast", 0.99)
    assert fast.slice_window is not None
    assert (fast.slice_target, fast.slice_window.seconds) == (0.95, 60)
    assert works.target == pytest.approx(0.999)
    assert works.weight == 2
    window = fast.windows[0]
    assert (window.duration.seconds, window.is_rolling) == (30 * 86_400, True)
    assert [(alert.name, alert.severity, alert.threshold, alert.lookback.seconds) for alert in fast.alerts] == [
        ("quick", "page", 14.4, 3600),
        ("slow", "ticket", 1.0, 3 * 86_400),
    ]
    assert fast.alert_policies == ("kept-elsewhere",)


def test_a_calendar_window_keeps_its_zone() -> None:
    calendar = "[{duration: 1Q, calendar: {startTime: 2024-01-01 00:00:00, timeZone: Europe/Berlin}}]"
    window = read_objectives(TEXT.replace("[{duration: 30d, isRolling: true}]", calendar))[0].windows[0]
    assert (window.duration.months, window.is_rolling, window.time_zone) == (3, False, "Europe/Berlin")
    assert window.starts_at == "2024-01-01 00:00:00"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("apiVersion: openslo/v1\nkind: SLO", "apiVersion: openslo/v2\nkind: SLO", "document 1: apiVersion is 'openslo/v2'"),
        ("kind: SLO", "kind: Other", "no document of kind SLO"),
        ("{name: checkout}", "{}", "kind SLO has no metadata.name"),
        ("service: shop", "service:", "SLO 'checkout': service is missing"),
        ("Timeslices", "Slices", "budgetingMethod is 'Slices', expected one of Occurrences, Timeslices, RatioTimeslices"),
        ("duration: 30d", "duration: month", "timeWindow.duration is 'month', expected a number and m, h, d"),
        ("duration: 30d", "duration: 1M", "a rolling window of 1M has no fixed length"),
        ("timeWindow: [", "timeWindows: [", "timeWindow is missing"),
        ("isRolling: true", "isRolling: true, calendar: {timeZone: UTC}", "a rolling timeWindow has no calendar"),
        ("target: 0.99,", "", "give either target"),
        ("target: 0.99,", "target: 99,", "target is 99, expected a number from 0 to below 1"),
        ("targetPercent: 99.9", "targetPercent: much", "targetPercent is 'much'"),
        (", timeSliceWindow: 5m", "", "objective 2: timeSliceWindow is missing"),
        ("  objectives:", "  goals:", "objectives is missing"),
        ("kind: SLO", "kind: [", "is not readable as YAML"),
    ],
)  # fmt: skip
def test_a_wrong_file_says_where_and_what_is_expected(old: str, new: str, fault: str) -> None:
    assert old in TEXT
    with pytest.raises(ServiceError) as caught:
        read_objectives(TEXT.replace(old, new), source="slo.yaml")
    assert fault in str(caught.value)
    assert "slo.yaml" in str(caught.value)
