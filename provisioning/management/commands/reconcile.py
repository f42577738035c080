"""`manage.py reconcile`: one comparison of the clusters with uHub's rows, now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.base.errors import ProviderError
from portal.kernel.authz import Actor
from portal.kernel.tenancy import PLATFORM
from provisioning.models import Cluster, Finding
from provisioning.services.ledgers import QuotaGap, quota_gaps, quota_gaps_repair
from provisioning.services.reconciliation import SweepReport, cluster_reconcile
from provisioning.states import FindingStatus

FINDINGS_ARE_OPEN = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that is printed."""

    reports: list[SweepReport]
    failures: dict[str, str]
    gaps: list[QuotaGap]
    repaired: list[str]
    standing: int


COLUMNS = ("action", "kind", "vmid", "node", "expected", "found")


class Command(BaseCommand):
    """Exit 0 when all is as it should be, 3 when findings are open, 1 when a cluster was not compared."""

    help = (
        "Lists each active cluster once, compares it with uHub's rows and prints what differs. Nothing is "
        "ever changed on a cluster. Exit status: 0 nothing is open, 3 findings are open or quotas differ, "
        "1 a cluster could not be listed or its listing was doubted. Safe to run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--cluster", metavar="CODE", help="This cluster only.")
        parser.add_argument("--dry-run", action="store_true", help="Print; write nothing.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        parser.add_argument(
            "--repair-quota",
            action="store_true",
            help="Set counters of quotas that differ to the sum of what is held.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        is_dry = bool(options["dry_run"])
        reports, failures = self._sweep(options["cluster"], is_dry=is_dry)
        gaps = quota_gaps()
        repaired = (
            quota_gaps_repair(actor=Actor.system("reconcile"), gaps=gaps)
            if options["repair_quota"] and not is_dry
            else []
        )
        standing = self._standing(reports, options["cluster"], is_dry=is_dry)
        outcome = Outcome(reports, failures, gaps, repaired, standing)
        if options["json"]:
            self.stdout.write(_json(outcome))
        else:
            self._print(outcome)
        _judge(outcome)

    def _sweep(self, code: str | None, *, is_dry: bool) -> tuple[list[SweepReport], dict[str, str]]:
        clusters = Cluster.objects.using(PLATFORM).filter(is_active=True).order_by("code")
        if code:
            clusters = clusters.filter(code=code)
            if not clusters.exists():
                raise CommandError(f"There is no active cluster {code!r}.")
        reports: list[SweepReport] = []
        failures: dict[str, str] = {}
        for cluster in clusters:
            try:
                report = cluster_reconcile(cluster, is_dry=is_dry)
            except ProviderError as error:
                failures[cluster.code] = error.message
                continue
            reports.append(report)
            if report.doubt:
                failures[cluster.code] = report.doubt
        return reports, failures

    def _standing(self, reports: list[SweepReport], code: str | None, *, is_dry: bool) -> int:
        """How many findings are open now, or would be."""
        rows = Finding.across_tenants.filter(status=FindingStatus.OPEN)
        if code:
            rows = rows.filter(cluster__code=code)
        if not is_dry:
            return rows.count()
        actions = [change.action for report in reports for change in report.changes]
        return (
            rows.count()
            + sum(a in {"opened", "reopened"} for a in actions)
            - actions.count("resolved")
        )

    def _print(self, outcome: Outcome) -> None:
        for report in outcome.reports:
            self.stdout.write(
                f"{report.cluster}: {report.listed} machines listed, {report.reads} read, "
                f"{len(report.changes)} differences"
            )
            self._table(report)
        for code, reason in outcome.failures.items():
            self.stdout.write(self.style.ERROR(f"{code}: {reason}"))
        for gap in outcome.gaps:
            ending = " (repaired)" if gap.slug in outcome.repaired else ""
            self.stdout.write(f"quota of {gap.slug}: {gap.text}{ending}")
        self.stdout.write(f"{outcome.standing} findings open")

    def _table(self, report: SweepReport) -> None:
        lines = [
            [
                change.action,
                change.kind,
                str(change.vmid),
                change.node,
                _short(change.expected),
                _short(change.found),
            ]
            for change in report.changes
        ]
        if not lines:
            return
        widths = [max(len(line[i]) for line in [list(COLUMNS), *lines]) for i in range(4)]
        for line in [list(COLUMNS), *lines]:
            cells = [line[i].ljust(widths[i]) for i in range(4)]
            self.stdout.write("  " + "  ".join([*cells, line[4], "|", line[5]]).rstrip())


def _short(values: Mapping[str, Any]) -> str:
    text = " ".join(f"{name}={value}" for name, value in values.items() if value not in (None, ""))
    return text if len(text) <= 100 else f"{text[:99]}…"


def _json(outcome: Outcome) -> str:
    body = {
        "clusters": [asdict(report) for report in outcome.reports],
        "failures": outcome.failures,
        "quota": [asdict(gap) for gap in outcome.gaps],
        "repaired": outcome.repaired,
        "open": outcome.standing,
    }
    return json.dumps(body, default=str, indent=2)


def _judge(outcome: Outcome) -> None:
    """Raises CommandError with the exit status that the help text names."""
    if outcome.failures:
        raise CommandError(f"{len(outcome.failures)} clusters were not compared.", returncode=1)
    gaps = [gap for gap in outcome.gaps if gap.slug not in outcome.repaired]
    if outcome.standing or gaps:
        raise CommandError(
            f"{outcome.standing} findings are open, {len(gaps)} quotas differ.",
            returncode=FINDINGS_ARE_OPEN,
        )
