"""The API's tokens: short-lived signed access tokens and refresh tokens that rotate in families."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext

from audit.services import trail
from portal.errors import InvalidGrant, NotSignedIn, PasswordChangeRequired
from portal.kernel import clock, context
from portal.kernel.models import uuid7
from portal.kernel.tenancy import DEFAULT, user_scope
from portal.models import RefreshToken, User
from portal.selectors.identities import Person, person_of_family
from portal.selectors.memberships import actor_of
from portal.services.sign_in import home_tenant_id
from portal.tags import Tag

ISSUER: Final = "uhub"
AUDIENCE: Final = "uhub-api"
ALGORITHM: Final = "HS256"
TYPE: Final = "access"
_PREFIX: Final = "uhub_refresh"


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client gets; the refresh token is shown this once."""

    access_token: str
    refresh_token: str
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a family began and when it ends, whatever is refreshed in between."""

    family: UUID
    expires_at: datetime
    parent_id: UUID | None = None


def tokens_issue(*, user: User, agent: str = "") -> TokenPair:
    """Starts a family for somebody whose password was just checked.

    Raises:
        PasswordChangeRequired: the first password was not replaced yet.
    """
    if user.must_change_password:
        raise PasswordChangeRequired
    lifetime = timedelta(seconds=settings.REFRESH_FAMILY_LIFETIME_S)
    with transaction.atomic(), user_scope(user.id):
        return _pair(user, _Origin(uuid7(), clock.now() + lifetime), agent)


def tokens_refresh(*, refresh_token: str, agent: str = "") -> TokenPair:
    """Exchanges a refresh token for a new pair, exactly once however many try at the same moment.

    A token presented a second time was stolen from or by somebody: the whole family is revoked.

    Raises:
        InvalidGrant: unknown, used, expired or revoked, or the person is deactivated.
    """
    user_id, digest = _parsed(refresh_token)
    with user_scope(user_id):
        with transaction.atomic():
            pair = _exchange(user_id, digest, agent)
        if pair is None:
            with transaction.atomic():
                _reuse_punish(user_id, digest)
            raise InvalidGrant
    return pair


def _exchange(user_id: UUID, digest: str, agent: str) -> TokenPair | None:
    now = clock.now()
    mine = RefreshToken.objects.filter(
        user_id=user_id,
        token_hash=digest,
        used_at__isnull=True,
        revoked_at__isnull=True,
        expires_at__gt=now,
        family_expires_at__gt=now,
    )
    # Only columns of the row itself: a join would become a sub-select, which is not looked at again
    # after waiting for the row's lock, and every waiter would win.
    if mine.update(used_at=now, updated_at=now) != 1:
        return None
    token = RefreshToken.objects.select_related("user").get(token_hash=digest)
    if not token.user.is_active or token.user.must_change_password:
        return None
    return _pair(token.user, _Origin(token.family, token.family_expires_at, token.id), agent)


def _reuse_punish(user_id: UUID, digest: str) -> None:
    token = (
        RefreshToken.objects.select_related("user")
        .filter(user_id=user_id, token_hash=digest, used_at__isnull=False)
        .first()
    )
    if token is not None and _family_revoke(user_id, token.family):
        trail.record(
            tag=Tag.TOKEN_REUSED,
            target=token.user,
            outcome="refused",
            actor=actor_of(token.user, None),
            detail={"family": token.family},
            tenant_id=home_tenant_id(token.user),
        )


def token_revoke(*, token: str) -> None:
    """Ends the family of an access or refresh token; one that is unknown is as good as revoked."""
    try:
        user_id, family = _family_of(token)
    except (InvalidGrant, NotSignedIn, RefreshToken.DoesNotExist):
        return
    with transaction.atomic(), user_scope(user_id):
        if _family_revoke(user_id, family):
            user = User.objects.get(pk=user_id)
            trail.record(
                tag=Tag.TOKEN_REVOKED,
                target=user,
                actor=actor_of(user, None),
                detail={"family": family},
                tenant_id=home_tenant_id(user),
            )


def _family_of(token: str) -> tuple[UUID, UUID]:
    if not token.startswith(_PREFIX):
        claims = access_token_read(token)
        return claims.user_id, claims.family
    user_id, digest = _parsed(token)
    with transaction.atomic(), user_scope(user_id):
        return user_id, RefreshToken.objects.get(token_hash=digest).family


def families_revoke(*, user_id: UUID, alias: str = DEFAULT, family: UUID | None = None) -> int:
    """Ends all families of a person, or one, in the open transaction; answers how many tokens ended."""
    with user_scope(user_id):
        now = clock.now()
        alive = RefreshToken.objects.using(alias).filter(user_id=user_id, revoked_at__isnull=True)
        if family is not None:
            alive = alive.filter(family=family)
        return alive.update(revoked_at=now, updated_at=now)


def _family_revoke(user_id: UUID, family: UUID) -> int:
    now = clock.now()
    alive = RefreshToken.objects.filter(user_id=user_id, family=family, revoked_at__isnull=True)
    return alive.update(revoked_at=now, updated_at=now)


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a signed access token says; whether it still holds, `access_token_person` decides."""

    user_id: UUID
    family: UUID
    password_version: str


def access_token_read(token: str) -> AccessClaims:
    """Checks signature, type, issuer, audience and expiry; looks nothing up.

    Raises:
        NotSignedIn: any of them is wrong.
    """
    try:
        claims = _signed_claims(token, _key())
        if claims["typ"] != TYPE or float(claims["exp"]) <= clock.now().timestamp():
            raise NotSignedIn(gettext("This access token is not valid or has expired."))
        return AccessClaims(UUID(claims["sub"]), UUID(claims["sid"]), str(claims["pwd_v"]))
    except (jwt.InvalidTokenError, ValueError, TypeError) as error:
        raise NotSignedIn(gettext("This access token is not valid or has expired.")) from error


@lru_cache(maxsize=2_048)
def _signed_claims(token: str, key: bytes) -> dict[str, Any]:
    """What a token says, if we signed it; that never changes, while its end and its rights do."""
    return jwt.decode(
        token,
        key,
        algorithms=[ALGORITHM],
        audience=AUDIENCE,
        issuer=ISSUER,
        options={
            "require": ["exp", "iat", "sub", "sid", "jti", "typ", "pwd_v"],
            "verify_exp": False,  # our own clock decides, with each request
            "verify_iat": False,
        },
    )


def access_token_person(token: str) -> Person:
    """The person behind an access token, if it still opens anything.

    Raises:
        NotSignedIn: the token is bad, its family revoked, the person deactivated or the password new.
    """
    claims = access_token_read(token)
    person = person_of_family(claims.user_id, claims.family)
    if person is None or not constant_time_compare(
        password_version(person.user), claims.password_version
    ):
        raise NotSignedIn(gettext("This access token has been revoked."))
    return person


def password_version(user: User) -> str:
    """Changes with the password and says nothing about it."""
    return str(user.get_session_auth_hash())[:16]


def _pair(user: User, origin: _Origin, agent: str) -> TokenPair:
    now = clock.now()
    secret = secrets.token_urlsafe(32)
    refresh_token = f"{_PREFIX}_{user.id.hex}_{secret}"
    lifetime = timedelta(seconds=settings.REFRESH_TOKEN_LIFETIME_S)
    RefreshToken.objects.create(
        user=user,
        token_hash=_digest(refresh_token),
        family=origin.family,
        parent_id=origin.parent_id,
        expires_at=min(now + lifetime, origin.expires_at),
        family_expires_at=origin.expires_at,
        address=context.current().address,
        agent=agent[:200],
    )
    return TokenPair(
        access_token=_access_token(user, origin.family, now),
        refresh_token=refresh_token,
        expires_in_s=settings.ACCESS_TOKEN_LIFETIME_S,
    )


def _access_token(user: User, family: UUID, now: datetime) -> str:
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "typ": TYPE,
        "sub": str(user.id),
        "sid": str(family),
        "jti": str(uuid7()),
        "iat": now,
        "exp": now + timedelta(seconds=settings.ACCESS_TOKEN_LIFETIME_S),
        "pwd_v": password_version(user),
    }
    return jwt.encode(claims, _key(), algorithm=ALGORITHM)


def _parsed(refresh_token: str) -> tuple[UUID, str]:
    """Who owns the token, which opens that person's rows, and its hash, which must be among them."""
    parts = refresh_token.split("_", 3)
    if len(parts) != 4 or "_".join(parts[:2]) != _PREFIX or len(refresh_token) > 200:
        raise InvalidGrant
    try:
        return UUID(parts[2]), _digest(refresh_token)
    except ValueError as error:
        raise InvalidGrant from error


def _digest(refresh_token: str) -> str:
    return hashlib.sha256(refresh_token.encode()).hexdigest()


def _key() -> bytes:
    return _derived(settings.SECRET_KEY)


@lru_cache(maxsize=4)
def _derived(secret: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"uhub access tokens")
    return derived.derive(secret.encode())
