"""Who is asking, and what they may do: tokens, roles and the access list."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import Any

from integrations.proxmox.simulator.errors import ApiError, forbidden
from integrations.proxmox.simulator.scope import Identity
from integrations.proxmox.simulator.world import World

_TOKEN = re.compile(r"PVEAPIToken=(?P<owner>[^\s:!@]+@[^\s:!@]+)!(?P<name>[^=\s]+)=(?P<secret>\S+)")


def identify(world: World, authorization: str, now: float) -> Identity | None:
    """Answer the owner of a token, or None for anything that is not a valid one."""
    found = _TOKEN.fullmatch(authorization)
    if found is None:
        return None
    identity = Identity(found["owner"], found["name"])
    token = world.tokens.get(identity.owner)
    if token is None or not secrets.compare_digest(token.secret, found["secret"]):
        return None
    is_expired = token.expires and token.expires <= now
    return None if is_expired or identity.user not in world.users else identity


def _own_privileges(world: World, subject: str, path: str) -> set[str]:
    """Let the deepest level with a grant decide; a grant may stop at its own level."""
    if subject == "root@pam":
        return {name for names in world.roles.values() for name in names}
    parts = [part for part in path.split("/") if part]
    levels = ["/" + "/".join(parts[:depth]) for depth in range(len(parts) + 1)]
    roles: list[str] = []
    for level in levels:
        here = [
            grant.role
            for grant in world.grants
            if grant.subject == subject
            and grant.path == level
            and (grant.propagates or level == levels[-1])
        ]
        roles = here or roles
    return {name for role in roles for name in world.roles.get(role, [])}


def _path_privileges(world: World, identity: Identity, path: str) -> set[str]:
    owned = _own_privileges(world, identity.user, path)
    token = world.tokens.get(identity.owner)
    if token is None or not token.is_separated:
        return owned
    return owned & _own_privileges(world, identity.owner, path)


def privileges(world: World, identity: Identity, path: str) -> set[str]:
    """Answer the effective privileges on a path; a pool lends its own to its members."""
    found = _path_privileges(world, identity, path)
    member = re.fullmatch(r"/vms/(\d+)", path)
    pool = world.pool_of(int(member[1])) if member else ""
    if pool:
        found = found | _path_privileges(world, identity, f"/pool/{pool}")
    return found


def has(world: World, identity: Identity, path: str, *names: str) -> bool:
    """Tell whether one of the names is held on the path."""
    return identity.is_root or not privileges(world, identity, path).isdisjoint(names)


def require(world: World, identity: Identity, path: str, *names: str, any_of: bool = False) -> None:
    """Raise ApiError(403) naming path and privilege."""
    if identity.is_root:
        return
    held = privileges(world, identity, path)
    if any_of:
        if held.isdisjoint(names):
            raise forbidden(f"{path}, {'|'.join(names)}")
        return
    for name in names:
        if name not in held:
            raise forbidden(f"{path}, {name}")


def _filled(path: str, params: dict[str, Any]) -> str:
    return re.sub(r"{(\w+)}", lambda hole: str(params.get(hole[1], "")), path)


def _check_perm(world: World, identity: Identity, check: list[Any], params: dict[str, Any]) -> None:
    _, path, names, *options = check
    settings = dict(zip(options[::2], options[1::2], strict=True))
    needed = settings.get("require_param")
    if needed and needed not in params:
        raise forbidden()
    filled = _filled(path, params)
    pool = filled.removeprefix("/pool/")
    if filled.startswith("/pool/") and pool not in world.pools:
        raise forbidden(f"pool '{pool}' does not exist")
    require(world, identity, filled, *names, any_of=bool(settings.get("any")))


def check(world: World, identity: Identity, rule: list[Any], params: dict[str, Any]) -> None:
    """Run a permission rule of the schema.

    Raises ApiError(403); inside an `or` the detail is lost, as in the original.
    """
    kind = rule[0]
    if kind == "and":
        for part in rule[1:]:
            check(world, identity, part, params)
    elif kind == "or":
        if not any(_passes(world, identity, part, params) for part in rule[1:]):
            raise forbidden()
    elif kind == "perm":
        _check_perm(world, identity, rule, params)


def _passes(world: World, identity: Identity, rule: list[Any], params: dict[str, Any]) -> bool:
    try:
        check(world, identity, rule, params)
    except ApiError:
        return False
    return True


def known_paths(world: World, identity: Identity) -> Iterable[str]:
    """Every path somebody granted this identity something on."""
    subjects = {identity.user, identity.owner}
    paths = {grant.path for grant in world.grants if grant.subject in subjects}
    return sorted(paths | {"/"})
