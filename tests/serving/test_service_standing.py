"""In which order services are shown, and what makes one worse than another."""

from __future__ import annotations

from typing import Any

from serving.services.standing import Budget, Burn, OutageRisk, ServiceStanding, in_order


def burn(severity: Any, is_firing: bool) -> Burn:
    return Burn(severity, 14.4, 3600, 300, 20.0, 20.0 if is_firing else 0.0, is_firing)


def budget(remaining_share: float = 0.5, *burns: Burn) -> Budget:
    return Budget(0.999, 30, None, 2.6e6, 2600.0, 1300.0, remaining_share, 1.0, burns, None)


def service(name: str, state: Any = "available", probability: float | None = None, **values: Any) -> ServiceStanding:
    risk = None if probability is None else OutageRisk(probability, 0.1, 0.5, 10.0, (), "words")
    return ServiceStanding(name, state, None, risk=risk, **values)


def test_what_is_down_comes_first_then_what_burns_then_what_is_likely():
    shuffled = [
        service("unknown"),
        service("likely", probability=0.4),
        service("unlikely", probability=0.01),
        service("slow", "degraded", 0.02),
        service("overspent", budget=budget(-0.1)),
        service("slow burn", budget=budget(0.5, burn("ticket", True))),
        service("quick burn", budget=budget(0.5, burn("page", True), burn("ticket", True))),
        service("down", "down"),
    ]
    order = [one.service for one in in_order(shuffled)]
    assert order == ["down", "quick burn", "overspent", "slow burn", "slow", "likely", "unlikely", "unknown"]


def test_a_burn_that_does_not_fire_worries_nobody():
    calm = service("calm", budget=budget(0.5, burn("page", False)))
    assert (calm.severity, calm.budget and calm.budget.firing) == (4, ())
