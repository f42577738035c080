"""Shows that no tenant reaches another's rows, by trying it as the role the application runs as."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.services.isolation import (
    ACTIONS,
    CATALOG,
    IMPOSSIBLE,
    OK,
    IsolationReport,
    isolation_verify,
)

FINE = frozenset({OK, CATALOG, IMPOSSIBLE})


class Command(BaseCommand):
    """`manage.py verify_isolation`: exit 0 when every table holds, 1 with what does not."""

    help = (
        "Connects as the runtime role and, in a transaction that is rolled back, tries for every table "
        "of tenants to read, insert, update, delete and reference across tenants and to read without "
        "one; checks roles, policies and references in the catalog. Safe on a living installation. "
        "A cell says ok (tried and denied), catalog (no row there to try it on, policies checked) or -."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        report = isolation_verify()
        self._print(report)
        if not report.is_proven:
            broken = sum(not proof.is_proven for proof in report.proofs)
            raise CommandError(
                f"Isolation is broken: {len(report.faults)} faults in the catalog, {broken} tables."
            )
        self.stdout.write(
            self.style.SUCCESS(f"Isolation holds in all {len(report.proofs)} tables of tenants.")
        )

    def _print(self, report: IsolationReport) -> None:
        width = max((len(proof.table) for proof in report.proofs), default=5)
        self.stdout.write("  ".join([f"{'table':<{width}}", *(f"{a:<9}" for a in ACTIONS)]))
        for proof in report.proofs:
            cells = (
                outcome if outcome in FINE else "BROKEN" for outcome in proof.outcomes.values()
            )
            self.stdout.write(
                "  ".join([f"{proof.table:<{width}}", *(f"{cell:<9}" for cell in cells)])
            )
        for proof in report.proofs:
            for action, outcome in proof.outcomes.items():
                if outcome not in FINE:
                    self.stdout.write(self.style.ERROR(f"{proof.table}, {action}: {outcome}"))
        for fault in report.faults:
            self.stdout.write(self.style.ERROR(fault))
