"""Roles and what each may do."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """Something that a route asks for."""

    READ = "read"  # queue, tickets, scores, what-ifs: nothing is changed
    WRITE_EVENTS = "write events"
    GIVE_FEEDBACK = "give feedback"
    PLAN = "plan"  # staffing and simulations
    ASK_JOBS = "start jobs"  # of the kinds whose own permission they have
    TRAIN = "train models"
    PROMOTE = "promote models"
    IMPROVE = "keep the register of deviations"
    AUDIT = "read the audit log"


class Role(StrEnum):
    """What a key or a person is for. Every role reads."""

    READER = "reader"
    DISPATCHER = "dispatcher"
    PLANNER = "planner"
    SCIENTIST = "scientist"
    MANAGER = "manager"
    ADMIN = "admin"

    def may(self, permission: Permission) -> bool:
        """True where the role has the permission."""
        return permission is Permission.READ or self is Role.ADMIN or permission in _GRANTED[self]


_GRANTED: dict[Role, frozenset[Permission]] = {
    Role.READER: frozenset(),
    Role.DISPATCHER: frozenset({Permission.WRITE_EVENTS, Permission.GIVE_FEEDBACK}),
    Role.PLANNER: frozenset({Permission.PLAN, Permission.ASK_JOBS}),
    Role.SCIENTIST: frozenset({Permission.GIVE_FEEDBACK, Permission.PROMOTE, Permission.TRAIN, Permission.ASK_JOBS}),
    Role.MANAGER: frozenset({Permission.PLAN, Permission.IMPROVE, Permission.GIVE_FEEDBACK, Permission.ASK_JOBS}),
}


def roles_with(permission: Permission) -> list[Role]:
    """The roles that have a permission."""
    return [role for role in Role if role.may(permission)]
