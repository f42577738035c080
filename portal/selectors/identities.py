"""Who asks: the person with all organisations and roles, in one question to the database per request.

Nothing of it is kept for the next request, so that a right that is taken away is gone at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import starmap
from uuid import UUID

from portal.kernel import clock
from portal.kernel.tenancy import DEFAULT, rows_of_user
from portal.models import User
from portal.selectors.memberships import TenantChoice

_SQL = """
  SELECT {person}, t.id, t.slug, t.name, r.name, r.code, r.permissions
  FROM portal_user u
  LEFT JOIN (portal_membership m
             JOIN billing_tenant t ON t.id = m.tenant_id AND t.is_active
             JOIN portal_role r ON r.id = m.role_id) ON m.user_id = u.id
  WHERE u.id = %s AND u.is_active {condition}
  ORDER BY t.name, t.slug"""
_FAMILY_HOLDS = """
  AND EXISTS (SELECT FROM portal_refreshtoken f WHERE f.user_id = u.id AND f.family = %s
              AND f.revoked_at IS NULL AND f.family_expires_at > %s)"""


@dataclass(frozen=True, slots=True)
class Person:
    """An active person and the active organisations by name."""

    user: User
    tenants: tuple[TenantChoice, ...]


def person_find(user_id: UUID) -> Person | None:
    """The person, None when absent or deactivated."""
    return _found(_statement(""), user_id, ())


def person_of_family(user_id: UUID, family: UUID) -> Person | None:
    """The person, None as well when the family of tokens was revoked or has ended."""
    return _found(_statement(_FAMILY_HOLDS), user_id, (family, clock.now()))


def _found(statement: str, user_id: UUID, more: tuple[object, ...]) -> Person | None:
    rows = rows_of_user(user_id, statement, (user_id, *more))
    if not rows:
        return None
    names = _columns()
    width = len(names)
    memberships = [row[width:] for row in rows if row[width] is not None]
    return Person(
        user=User.from_db(DEFAULT, names, rows[0][:width]),
        tenants=tuple(starmap(_choice, memberships)),
    )


def _choice(
    id_: UUID, slug: str, name: str, role: str, role_code: str, permissions: list[str]
) -> TenantChoice:
    return TenantChoice(id_, slug, name, role, role_code, frozenset(permissions))


@cache
def _columns() -> tuple[str, ...]:
    return tuple(field.attname for field in User._meta.concrete_fields)


@cache
def _statement(condition: str) -> str:
    person = ", ".join(f'u."{field.column}"' for field in User._meta.concrete_fields)
    return _SQL.format(person=person, condition=condition)
