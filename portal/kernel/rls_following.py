"""Rows that follow the row they point to into another tenant."""

from __future__ import annotations

from portal.kernel.rls import TableOperation


class TenantReferencesFollow(TableOperation):
    """Gives the references between tenant tables that were written before it `ON UPDATE CASCADE`."""

    def statements(self) -> list[str]:
        return [
            (
                "DO $$ DECLARE c record; BEGIN "  # noqa: S608 - names of the catalog
                "FOR c IN SELECT conname, conrelid::regclass AS t, pg_get_constraintdef(oid) AS d "
                "FROM pg_constraint WHERE contype = 'f' AND confupdtype = 'a' "
                rf"AND confrelid = '{self.table}'::regclass AND conname LIKE '%\_tenant\_fk' LOOP "
                "EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); "
                "EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s ON UPDATE CASCADE', "
                "c.t, c.conname, c.d); END LOOP; END $$"
            )
        ]

    def reverse_statements(self) -> list[str]:
        return []
