"""How well a machine is, from what was seen of it. Nothing here asks or writes.

Three values everywhere: well, known to be bad, unknown. Unknown never counts and never resets a count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from portal.kernel.stored_text import stored_text
from provisioning.states import DesiredPower, HealAction, Health, Verdict

POWER: Final = "power"
AGENT: Final = "agent"
PROBES: Final = frozenset({"tcp", "http"})


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that was asked; `text` is a stored text. `at` says when, where that is not now."""

    kind: str
    verdict: Verdict
    text: str = ""
    elapsed_ms: int | None = None
    at: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": str(self.verdict)}


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a machine says as a whole."""

    verdict: Verdict
    reason: str
    parts: tuple[Part, ...] = ()


def power_part(power: str, desired: str) -> Part:
    """What the listing says of a machine that people want on, off, or nobody knows."""
    if power == "running":
        return Part(POWER, Verdict.OK, stored_text("It runs."))
    if power != "stopped":
        return Part(POWER, Verdict.UNKNOWN, stored_text("Its power state is not known."))
    if desired == DesiredPower.RUNNING:
        return Part(POWER, Verdict.BAD, stored_text("It is off, but it is to run."))
    return Part(POWER, Verdict.IDLE, stored_text("It is switched off."))


def unknown(reason: str) -> Look:
    """A look that could not be taken."""
    return Look(Verdict.UNKNOWN, reason)


def judged(parts: Sequence[Part]) -> Look:
    """The whole of what was asked. The power state comes first, then the probe, then the agent.

    An agent that fell silent counts by itself only where no probe is asked; beside a probe that is
    answered it makes the machine degraded, since its service works.
    """
    by_kind = {("probe" if part.kind in PROBES else part.kind): part for part in parts}
    power, probe, agent = by_kind[POWER], by_kind.get("probe"), by_kind.get(AGENT)
    found = tuple(parts)
    if power.verdict is not Verdict.OK:
        return Look(power.verdict, power.text, found)
    if probe is not None:
        if probe.verdict is Verdict.OK and agent is not None and agent.verdict is Verdict.BAD:
            return Look(Verdict.DEGRADED, agent.text, found)
        return Look(probe.verdict, probe.text, found)
    if agent is not None and agent.verdict is Verdict.BAD:
        return Look(Verdict.BAD, agent.text, found)
    return Look(Verdict.OK, power.text, found)


def count_after(count: int, verdict: Verdict) -> int:
    """How often in a row the machine was known to be bad, after this look."""
    if verdict is Verdict.BAD:
        return count + 1
    return count if verdict is Verdict.UNKNOWN else 0


def health_after(verdict: Verdict, count: int, threshold: int) -> Health:
    """What the deployment's health is after a look."""
    match verdict:
        case Verdict.OK:
            return Health.OK
        case Verdict.DEGRADED:
            return Health.DEGRADED
        case Verdict.BAD:
            return Health.FAILED if count >= threshold else Health.DEGRADED
        case _:
            return Health.UNKNOWN


def circuit_reason(*, watched: int, bad: int, percent: int, minimum: int) -> str:
    """Why none of a cluster's machines may be healed: too many are unwell at once; "" when not so."""
    if bad < minimum or bad * 100 < watched * percent:
        return ""
    return stored_text(
        "%(bad)s of %(watched)s machines are unwell at once: that is the cluster, not the machines",
        bad=bad,
        watched=watched,
    )


@dataclass(frozen=True, slots=True)
class HealRules:
    """The settings in force."""

    is_enabled: bool
    threshold: int
    attempts: int
    window: timedelta
    backoff: timedelta
    lease_margin: timedelta


@dataclass(frozen=True, slots=True)
class Patient:
    """What must be known of a machine before it is healed."""

    status: str
    desired_power: str
    is_auto_healed: bool
    is_held: bool
    expires_at: datetime
    has_expired: bool
    maintenance: str
    cluster_doubt: str
    circuit: str
    is_busy: bool
    verdict: str
    bad_count: int
    tries: int
    last_try_at: datetime | None


def heal_obstacle(patient: Patient, rules: HealRules, now: datetime) -> tuple[str, str]:
    """(code, why) a machine is not healed now; ("", "") when it is to be."""
    found = ((code, why) for code, is_so, why in _obstacles(patient, rules, now) if is_so)
    return next(found, ("", ""))


def _obstacles(
    patient: Patient, rules: HealRules, now: datetime
) -> tuple[tuple[str, bool, str], ...]:
    """What may stand against a healing, what weighs most first: code, whether it is so, and why."""
    is_patient = patient.verdict != Verdict.BAD or patient.bad_count < rules.threshold
    is_moving = patient.status not in {"running", "stopped"}
    has_ended = patient.has_expired or patient.expires_at <= now + rules.lease_margin
    last, pause = patient.last_try_at, backoff_after(rules, patient.tries)
    return (
        ("disabled", not rules.is_enabled, stored_text("Healing is off for the whole platform.")),
        (
            "switched_off",
            not patient.is_auto_healed,
            stored_text("Healing is switched off for this machine."),
        ),
        (
            "not_wanted",
            patient.desired_power != DesiredPower.RUNNING,
            stored_text("Nobody has asked for it to run."),
        ),
        ("held", patient.is_held, stored_text("It is on hold: only people touch it.")),
        ("lease", has_ended, stored_text("Its lease has ended or is about to.")),
        ("maintenance", bool(patient.maintenance), patient.maintenance),
        ("cluster_doubt", bool(patient.cluster_doubt), patient.cluster_doubt),
        ("circuit", bool(patient.circuit), patient.circuit),
        (
            "patience",
            is_patient,
            stored_text("It is not known to be unwell often enough in a row."),
        ),
        (
            "busy",
            is_moving or patient.is_busy,
            stored_text("Something else is under way on it."),
        ),
        (
            "exhausted",
            patient.tries >= rules.attempts,
            stored_text("It was healed as often as it may be."),
        ),
        (
            "backoff",
            last is not None and now < last + pause,
            stored_text("It was healed a moment ago; the next try comes later."),
        ),
    )


def backoff_after(rules: HealRules, tries: int) -> timedelta:
    """How long after the last try the next one may come."""
    return rules.backoff * 2 ** max(0, min(tries, 20) - 1)


def heal_action(parts: Sequence[Mapping[str, Any]]) -> HealAction:
    """A machine that is off is started; one that runs and does not answer is restarted the hard way."""
    is_off = any(part["kind"] == POWER and part["verdict"] == Verdict.BAD for part in parts)
    return HealAction.START if is_off else HealAction.RESTART
