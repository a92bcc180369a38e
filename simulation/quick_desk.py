"""A desk for studies: one heap of what happens next over columns of tickets; half a million events a second and more.

Rules of the desk: an agent takes the next ticket of the team's line when free and the team is open, keeps it overnight, and is
never interrupted. A misrouted ticket costs the wrong team some minutes and joins the line of its own. A ticket whose customer must
be asked costs some minutes, waits with its clock paused, and joins again. The first pick by anybody is the response.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace
from math import inf

import numpy as np

from simulation.quick_lines import Belief, QuickLine, QuickPolicy
from simulation.quick_world import WEEK_MINUTES, Floats, QuickWorld, is_open, working_minutes

_STRAY, _ASK, _SOLVE = range(3)  # what a ticket's next stint brings
_WEEK_WORK, _DAY_WORK, _OPENS, _CLOSES, _LAST_OPEN_DAY = 3000.0, 600.0, 480.0, 1080.0, 5


@dataclass(frozen=True)
class Run:
    """What became of every ticket, n rows; instants are minutes of real time, inf where it did not come to that.

    `elapsed` are minutes of the ticket's own clock until resolution, or until the study's end for what was still open;
    `response_elapsed` likewise until the first pick (no customer is asked before, so nothing is paused).
    """

    world: QuickWorld
    picked: Floats
    resolved: Floats
    elapsed: Floats
    response_elapsed: Floats
    busy_minutes: float
    events: int

    @property
    def lateness(self) -> Floats:
        """Minutes beyond the target on the ticket's own clock, n; 0 where it was kept."""
        return np.asarray(np.maximum(self.elapsed - self.world.target, 0.0))


@dataclass(frozen=True)
class Interruption:
    """Tickets up to priority `urgent` (0 is the highest) that find nobody free interrupt work on one of `below` or lower.

    The longest work left is put down, if at least `least` minutes of it are left; picking it up again costs `loss` minutes.
    """

    urgent: int = 0
    below: int = 2
    loss: float = 5.0
    least: float = 10.0


def run_desk(
    world: QuickWorld, policy: QuickPolicy, belief: Belief | None = None, interruption: Interruption | None = None
) -> Run:
    """Return what a desk makes of its tickets under a policy; only policies that weigh need a belief."""
    known = belief or Belief(np.zeros(len(world)), np.zeros(len(world)), np.zeros(len(world)))
    lines = [policy(world, team, known) for team in range(len(world.plan.teams))]
    return _Loop(world, lines, interruption).run()


def opening_minute(at: float) -> float:
    """Return `at` if a day team is open then, else when it opens next."""
    monday = at // WEEK_MINUTES * WEEK_MINUTES
    day, minute = divmod(at - monday, 1440.0)
    if day < _LAST_OPEN_DAY and minute < _CLOSES:
        return at if minute >= _OPENS else monday + day * 1440.0 + _OPENS
    return monday + (WEEK_MINUTES if day >= _LAST_OPEN_DAY - 1 else (day + 1) * 1440.0) + _OPENS


def worked(at: float) -> float:
    """Return the open minutes until one instant; `working_minutes` of a scalar."""
    week, rest = divmod(at, WEEK_MINUTES)
    day, minute = divmod(rest, 1440.0)
    if day >= _LAST_OPEN_DAY:
        return week * _WEEK_WORK + _WEEK_WORK
    return week * _WEEK_WORK + day * _DAY_WORK + min(max(minute - _OPENS, 0.0), _DAY_WORK)


def instant_of(work: float) -> float:
    """Return the instant at which so many open minutes are over, at the next opening if that is a closing."""
    week, rest = divmod(work, _WEEK_WORK)
    day, minute = divmod(rest, _DAY_WORK)
    return week * WEEK_MINUTES + day * 1440.0 + _OPENS + minute


class _Loop:
    """The state of one run."""

    def __init__(self, world: QuickWorld, lines: list[QuickLine], interruption: Interruption | None = None) -> None:
        plan = world.plan
        self.interruption = interruption or Interruption(urgent=-1)
        self.priority = world.priority.tolist()
        self.interrupts = (world.priority <= self.interruption.urgent).tolist()
        self.world, self.lines = world, lines
        self.idle = [team.agents for team in plan.teams]
        self.is_always = [team.is_always_open for team in plan.teams]
        self.is_woken = [False] * len(plan.teams)
        self.home = world.team.tolist()
        self.at_team = world.first_team.tolist()
        self.clock_always = world.is_always_open.tolist()
        ask = np.where(world.is_asked, _ASK, _SOLVE)
        self.stage = np.where(world.first_team != world.team, _STRAY, ask).tolist()
        self.after_stray = ask.tolist()
        self.minutes = (plan.misrouted_work, plan.asked_work)
        self.work = world.work.tolist()
        self.answer = world.answer.tolist()
        open_minutes = working_minutes(world.opened)
        self.begin = begin = np.where(world.is_always_open, world.opened, open_minutes)
        self.opened_working = open_minutes.tolist()
        self.finds_open = (is_open(world.opened) | np.array(self.is_always)[world.first_team]).tolist()
        self.due = (begin + world.target).tolist()
        self.response_due = (begin + world.response_target).tolist()
        self.picked = [inf] * len(world)
        self.resolved = [inf] * len(world)
        self.worked_at = [0.0] * len(world)  # open minutes when a ticket's stint ends
        self.busy = 0.0
        self.heap: list[tuple[float, int]] = []
        self.answers: list[
            tuple[float, int]
        ] = []  # a heap of its own: customers are many and slow, and would lie among the agents

    def run(self) -> Run:  # noqa: C901 (one loop: calls would cost more than the work)
        """Return the finished run. What everything passes through is written out here: calls would cost more than the work."""
        opened, end, join = self.world.opened.tolist(), self.world.end, self._join
        heap, answers = self.heap, self.answers
        at_team, stages, lines, idle, worked_at = self.at_team, self.stage, self.lines, self.idle, self.worked_at
        resolved, picked, due, response_due = self.resolved, self.picked, self.due, self.response_due
        finds_open, opened_working, is_always = self.finds_open, self.opened_working, self.is_always
        interrupts, interrupt = self.interrupts, self._interrupt
        work, short, waiting = self.work, self.minutes, [line.waiting for line in lines]
        joins, picks = [line.join for line in lines], [line.pick for line in lines]
        opened.append(inf)
        heap.append((inf, -1))
        answers.append((inf, -1))
        events = ticket = 0
        busy, arrival, answer, day_work = 0.0, opened[0], inf, _DAY_WORK
        while True:
            at, which = heap[0]
            if arrival <= at and arrival <= answer:
                if arrival >= end:
                    break
                team = at_team[ticket]
                if not idle[team]:
                    if not (interrupts[ticket] and interrupt(ticket, team, arrival)):
                        joins[team](ticket, due[ticket], response_due[ticket])
                elif finds_open[ticket] and not waiting[team]:
                    idle[team] -= 1
                    self._start(ticket, team, arrival, opened_working[ticket])
                else:
                    join(ticket, team, arrival)
                ticket += 1
                arrival = opened[ticket]
                events += 1
                continue
            if answer < at:
                if answer >= end:
                    break
                events += 1
                self._answered(heappop(answers)[1], answer)
                answer = answers[0][0]
                continue
            if at >= end:
                break
            events += 1
            if which >= 0 and stages[which] == _SOLVE:
                resolved[which] = at
                team = at_team[which]
                if not waiting[team]:
                    heappop(heap)
                    idle[team] += 1
                    continue
                done = worked_at[which]
                which = picks[team](at, done)
                if picked[which] == inf:
                    picked[which] = at
                stage = stages[which]
                minutes = work[which] if stage == _SOLVE else short[stage]
                busy += minutes
                if is_always[team]:
                    ends = at + minutes
                    worked_at[which] = worked(ends)
                else:
                    ends = at + minutes if done % day_work + minutes < day_work else instant_of(done + minutes)
                    worked_at[which] = done + minutes
                heapreplace(heap, (ends, which))
                continue
            heappop(heap)
            if which < 0:
                self._open(-which - 2, at)
                continue
            team = at_team[which]
            self._detour(which, at)
            answer = answers[0][0]
            if waiting[team]:
                self._start(picks[team](at, worked_at[which]), team, at, worked_at[which])
            else:
                idle[team] += 1
        self.busy += busy
        return self._finished(events)

    def _answered(self, ticket: int, at: float) -> None:
        self.stage[ticket] = _SOLVE
        self._join(ticket, self.at_team[ticket], at)

    def _detour(self, ticket: int, at: float) -> None:
        if self.stage[ticket] == _ASK:
            self._ask(ticket, at)
        else:
            self.stage[ticket] = self.after_stray[ticket]
            self.at_team[ticket] = self.home[ticket]
            self._join(ticket, self.home[ticket], at)

    def _ask(self, ticket: int, at: float) -> None:
        back = at + self.answer[ticket]
        until = min(back, self.world.end)
        self.due[ticket] += until - at if self.clock_always[ticket] else worked(until) - self.worked_at[ticket]
        heappush(self.answers, (back, ticket))

    def _join(self, ticket: int, team: int, at: float) -> None:
        line = self.lines[team]
        if self.idle[team]:
            opens = at if self.is_always[team] else opening_minute(at)
            if opens == at and not line.waiting:
                self.idle[team] -= 1
                self._start(ticket, team, at, worked(at))
                return
            if not self.is_woken[team]:
                self.is_woken[team] = True
                heappush(self.heap, (opens, -team - 2))
        elif self.interrupts[ticket] and self._interrupt(ticket, team, at):
            return
        line.join(ticket, self.due[ticket], self.response_due[ticket] if self.picked[ticket] == inf else inf)

    def _interrupt(self, ticket: int, team: int, at: float) -> bool:
        """Return whether somebody put down what they worked on and took this ticket. Rare, so the heap is looked through."""
        if not self.is_always[team] and opening_minute(at) != at:
            return False
        rule, now = self.interruption, at if self.is_always[team] else worked(at)
        victim, longest = None, rule.least
        for entry in self.heap:
            which = entry[1]
            if which >= 0 and self.at_team[which] == team and self.stage[which] == _SOLVE:
                left = (entry[0] if self.is_always[team] else self.worked_at[which]) - now
                if self.priority[which] >= rule.below and left >= longest:
                    victim, longest = entry, left
        if victim is None:
            return False
        self.heap.remove(victim)
        heapify(self.heap)
        self.busy -= longest
        self.work[victim[1]] = longest + rule.loss
        self.lines[team].join(victim[1], self.due[victim[1]], inf)
        self._start(ticket, team, at, worked(at))
        return True

    def _open(self, team: int, at: float) -> None:
        self.is_woken[team] = False
        line, at_working = self.lines[team], worked(at)
        while self.idle[team] and line.waiting:
            self.idle[team] -= 1
            self._start(line.pick(at, at_working), team, at, at_working)

    def _start(self, ticket: int, team: int, at: float, at_working: float) -> None:
        if self.picked[ticket] == inf:
            self.picked[ticket] = at
        stage = self.stage[ticket]
        minutes = self.work[ticket] if stage == _SOLVE else self.minutes[stage]
        self.busy += minutes
        if self.is_always[team]:
            ends = at + minutes
            self.worked_at[ticket] = worked(ends)
        else:
            self.worked_at[ticket] = done = at_working + minutes
            ends = at + minutes if at_working % _DAY_WORK + minutes < _DAY_WORK else instant_of(done)
        heappush(self.heap, (ends, ticket))

    def _finished(self, events: int) -> Run:
        world = self.world
        resolved, picked = np.array(self.resolved), np.array(self.picked)
        paused = np.array(self.due) - world.target - self.begin
        elapsed, responded = (self._own_minutes(until) - self.begin for until in (resolved, picked))
        return Run(world, picked, resolved, elapsed - paused, responded, self.busy, events)

    def _own_minutes(self, at: Floats) -> Floats:
        """Return instants, none beyond the study's end, in minutes of each ticket's own clock."""
        until = np.minimum(at, self.world.end)
        return np.where(self.world.is_always_open, until, working_minutes(until))
