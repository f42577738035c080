"""Who is asking, and what they may do: tokens, roles and the access list."""

from __future__ import annotations

import re
import secrets
from typing import Any

from integrations.proxmox.simulator import formats
from integrations.proxmox.simulator.errors import ApiError, forbidden
from integrations.proxmox.simulator.scope import Identity
from integrations.proxmox.simulator.world import World

_TOP_PATHS = (
    "/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms",
)  # fmt: skip
Rule = dict[str, Any]
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
    return identity if not is_expired and is_enabled(world, identity.user, now) else None


def is_enabled(world: World, name: str, now: float) -> bool:
    user = world.users.get(name)
    return user is not None and user.is_enabled and (not user.expires or user.expires > now)


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


def has_all(world: World, identity: Identity, path: str, *names: str) -> bool:
    """Tell whether all the names are held on the path."""
    return identity.is_root or privileges(world, identity, path).issuperset(names)


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


def check_endpoint(
    world: World, identity: Identity, rule: Rule | None, params: dict[str, Any]
) -> None:
    """Run the permission rule of an endpoint; without a rule it is root's alone.

    Raises ApiError(403).
    """
    if identity.is_root:
        return
    rights = rule or {}
    if not identity.user:
        if rights.get("user") == "world":
            return
        raise forbidden("user != null")
    if rule is None:
        raise forbidden("user != root@pam")
    if rights.get("user") != "all" and not _check(world, identity, rights.get("check"), params):
        raise forbidden()


def _check(
    world: World, identity: Identity, rule: list[Any] | None, params: dict[str, Any]
) -> bool:
    """Answer False, or raise ApiError(403) where the original says what is missing."""
    kind, *rest = rule or [""]
    if kind == "and":
        return all(_check(world, identity, part, params) for part in rest)
    if kind == "or":
        return any(_passes(world, identity, part, params) for part in rest)
    if kind == "perm":
        return _check_path(world, identity, rest, params)
    if kind == "perm-modify":
        return may_modify(world, identity, normal_path(_filled(rest[0], params)))
    if kind == "userid-param":
        return params.get("userid") == identity.owner
    is_known = kind == "userid-group" and _is_known_user(world, params)
    return is_known and has(world, identity, "/access/groups", *rest[0])


def _check_path(world: World, identity: Identity, rule: list[Any], params: dict[str, Any]) -> bool:
    path, names, *options = rule
    settings = dict(zip(options[::2], options[1::2], strict=True))
    if "require_param" in settings and settings["require_param"] not in params:
        return False
    filled = normal_path(_filled(path, params))
    require(world, identity, filled, *names, any_of=bool(settings.get("any")))
    return True


def _filled(path: str, params: dict[str, Any]) -> str:
    return re.sub(r"{(\w+)}", lambda hole: str(params.get(hole[1], "")), path)


def normal_path(path: str) -> str:
    """One slash at the beginning, none at the end, single ones between."""
    return "/" + "/".join(part for part in path.split("/") if part)


def _is_known_user(world: World, params: dict[str, Any]) -> bool:
    """What is no user name at all is left to the validator."""
    user = str(params.get("userid", ""))
    return user in world.users or bool(formats.refusal("pve-userid", user))


def may_modify(world: World, identity: Identity, path: str) -> bool:
    """Tell whether the access list of a path may be changed.

    Raises ApiError(403) naming what is missing.
    """
    if path == "/" or re.search(r"[^\w.\-/]", path, re.ASCII):
        return has(world, identity, "/", "Permissions.Modify")
    kinds = {"vms": "VM.Allocate", "storage": "Datastore.Allocate", "pool": "Pool.Allocate"}
    own = re.match("/(vms|storage|pool)/.", path)
    names = ("Permissions.Modify", *([kinds[own[1]]] if own else []))
    require(world, identity, path, *names, any_of=True)
    return True


def _passes(world: World, identity: Identity, rule: list[Any], params: dict[str, Any]) -> bool:
    try:
        return _check(world, identity, rule, params)
    except ApiError:
        return False


def known_paths(world: World) -> list[str]:
    """Every path by itself, in the access list, or of a member of a pool."""
    members = {f"/vms/{vmid}" for vmids in world.pools.values() for vmid in vmids}
    return sorted({*_TOP_PATHS, *(grant.path for grant in world.grants), *members})
