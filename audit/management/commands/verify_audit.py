"""Proves that no audit entry was changed, removed, added or moved since it was written."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from audit.services.sealer import entries_seal
from audit.services.verifier import TenantReport, entries_verify
from portal.kernel.tenancy import PLATFORM_TENANT_ID


class Command(BaseCommand):
    """`manage.py verify_audit [--tenant ID]`: exit 0 when the audit stands, 1 with the rows that do not."""

    help = (
        "Seals what is settled, then recomputes the hash of every audit entry and seal and says which "
        "row was changed, removed, added or reordered. Entries of the last minute may be unsealed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--tenant", type=UUID, default=None, help="only the entries of this tenant id"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        entries_seal()
        reports = entries_verify(tenant_id=options["tenant"])
        for report in reports:
            self._print(report)
        broken = sum(len(report.findings) for report in reports)
        if broken:
            raise CommandError(f"The audit is broken in {broken} places.")
        entries = sum(report.entries for report in reports)
        unsealed = sum(report.unsealed for report in reports)
        self.stdout.write(
            self.style.SUCCESS(
                f"The audit stands: {entries} entries, {entries - unsealed} sealed, "
                f"{unsealed} not yet, {sum(report.seals for report in reports)} seals."
            )
        )

    def _print(self, report: TenantReport) -> None:
        is_platform = report.tenant_id == PLATFORM_TENANT_ID
        name = "platform" if is_platform else str(report.tenant_id)
        self.stdout.write(
            f"{name:<36}  {report.entries:>8} entries  {report.seals:>6} seals  "
            f"{report.unsealed:>6} unsealed  {len(report.findings):>4} findings"
        )
        for finding in report.findings:
            self.stdout.write(self.style.ERROR(f"  {finding.kind}: {finding.message}"))
