"""The demo desk: a service provider in Berlin with six teams and twelve customers, sized so that its queue is never boring."""

from __future__ import annotations

from typing import Any

from simulation.demo_topics import (
    APPLICATIONS,
    DATA_CENTRE,
    IDENTITY,
    NETWORK,
    OUTAGES,
    SERVICE_DESK,
    TEAMS,
    TOPICS,
    WORKPLACE,
)
from simulation.monitoring import Monitored
from simulation.world import Afterwards, Agent, Arrivals, Channel, Customer, LogNormal, World

ZONE = "Europe/Berlin"
HOLIDAYS = {"country": "DE", "subdivision": "BE"}


def _week(*windows: tuple[str, str]) -> dict[str, Any]:
    return {"hours": {"mon-fri": [list(window) for window in windows]}, "holidays": HOLIDAYS}


CALENDARS: dict[str, dict[str, Any]] = {
    "desk": _week(("08:00", "20:00")),  # what the customers were promised
    "customers": _week(("08:30", "17:30")),
    "early": _week(("07:30", "12:00"), ("12:45", "16:15")),
    "day": _week(("08:00", "12:15"), ("13:00", "16:45")),
    "late": _week(("11:00", "15:00"), ("15:45", "20:00")),
}

# Planted: between 16:45 and 20:00 the clocks run, but only two agents are there, for six teams.
AGENTS = (
    Agent("Anna Weber", (SERVICE_DESK,), "early", 1.1, 0.08),
    Agent("Clara Roth", (SERVICE_DESK, IDENTITY), "late", 1.0, 0.06),
    Agent("Deniz Aydin", (WORKPLACE,), "early", 1.0, 0.08),
    Agent("Eva Lindner", (WORKPLACE,), "day", 1.1, 0.08),
    Agent("Felix Sommer", (WORKPLACE,), "day", 0.8, 0.10),
    Agent("Greta Hahn", (NETWORK,), "early", 1.0, 0.08),
    Agent("Hasan Demir", (NETWORK,), "day", 1.1, 0.06),
    Agent("Ines Vogel", (NETWORK, WORKPLACE), "late", 0.9, 0.08),
    Agent("Jonas Brandt", (APPLICATIONS,), "early", 1.0, 0.08),
    Agent("Katja Peters", (APPLICATIONS,), "day", 1.2, 0.08),
    Agent("Lukas Maier", (APPLICATIONS,), "day", 0.9, 0.08),
    Agent("Mona Schulz", (APPLICATIONS,), "day", 1.0, 0.08),
    Agent("Nils Becker", (IDENTITY,), "day", 1.0, 0.08),
    Agent("Olga Petrova", (IDENTITY, SERVICE_DESK), "early", 1.0, 0.06),
    Agent("Paul Richter", (DATA_CENTRE,), "early", 1.1, 0.08),
    Agent("Rosa Keller", (DATA_CENTRE,), "day", 1.15, 0.08),
)

# Planted: two customers take days to answer. One of them, Nordwind Logistics, has an agreement whose clock does not wait for it.
PROMPT = LogNormal(420.0, 0.8)
SLOW = LogNormal(1600.0, 0.6)
CUSTOMERS = (
    Customer("Alster Insurance", 10, PROMPT),
    Customer("Bergmann Foods", 12, PROMPT),
    Customer("City of Havelstadt", 8, SLOW),
    Customer("Delta Machinery", 9, PROMPT),
    Customer("Elbe Clinics", 9, PROMPT),
    Customer("Fuchs & Partner", 5, PROMPT),
    Customer("Hansa Retail", 11, PROMPT),
    Customer("Kiel Marine", 6, PROMPT),
    Customer("Lausitz Energy", 8, PROMPT),
    Customer("Nordwind Logistics", 9, SLOW),
    Customer("Spree Media", 6, PROMPT),
    Customer("Talheim Schools", 7, PROMPT),
)

CHANNELS = (
    Channel("portal", 50),
    Channel("e-mail", 30, "customer", LogNormal(2.0, 0.5)),
    Channel("phone", 20, "agent", LogNormal(6.0, 0.5)),
)

# Planted: before the VPN and the web shop fail, answers mostly grow slow; changes break the database; the Wi-Fi is flaky, without a sign.
MONITORED = (
    Monitored("Backup", 900.0),
    Monitored("CRM", 320.0, 0.1),
    Monitored("Collaboration", 180.0),
    Monitored("Database", 15.0, 0.1, changes_per_week=1.2, breaks=0.35),
    Monitored("E-mail", 140.0, changes_per_week=0.3),
    Monitored("ERP", 450.0, shows=0.5),
    Monitored("File storage", 60.0, 0.1),
    Monitored("Identity", 90.0),
    Monitored("Mobile", 200.0),
    Monitored("Network", 8.0, changes_per_week=0.5),
    Monitored("Payroll", 380.0),
    Monitored("Printing", 250.0, 0.3),
    Monitored("VPN", 70.0, shows=0.7),
    Monitored("Web shop", 260.0, 0.7, shows=0.85, changes_per_week=1.0),
    Monitored("Wi-Fi", 12.0, 1.2),
    Monitored("Workplace", 110.0),
)

WEEKDAYS = (1.25, 1.05, 1.0, 0.98, 0.88, 0.06, 0.06)
_NIGHT = (0.08,) * 12
_MORNING = (0.25, 0.5, 1.2, 2.4, 3.8, 4.6, 4.8, 4.6, 4.2, 3.9, 3.5, 3.0)
_AFTERNOON = (2.4, 2.3, 2.9, 3.4, 3.6, 3.5, 3.3, 3.0, 2.6, 2.1, 1.6, 1.2)
_EVENING = (0.9, 0.7, 0.5, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.12, 0.1, 0.08)


def demo_world() -> World:
    """Return the world of the demo: about 50 tickets a working day, and five planted causes of breaches (docs/simulation.md)."""
    return World(
        zone=ZONE,
        calendars=CALENDARS,
        teams=TEAMS,
        agents=AGENTS,
        topics=TOPICS,
        customers=CUSTOMERS,
        channels=CHANNELS,
        priorities=("1", "2", "3", "4"),
        arrivals=Arrivals(48.0, WEEKDAYS, 0.08, (*_NIGHT, *_MORNING, *_AFTERNOON, *_EVENING)),
        outages=OUTAGES,
        afterwards=Afterwards(
            cancel_share=0.06,
            patience=LogNormal(1500.0, 1.2),
            chase_share=0.15,
            chase_after=LogNormal(700.0, 0.6),
            raised_share=0.3,
        ),
        first_ticket_number=10_001,
    )
