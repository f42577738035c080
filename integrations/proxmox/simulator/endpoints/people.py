"""Users, their tokens, and who may do what where."""

from __future__ import annotations

import uuid
from typing import Any

from integrations.proxmox.simulator import access
from integrations.proxmox.simulator.errors import WorkError, invalid
from integrations.proxmox.simulator.formats import split_list
from integrations.proxmox.simulator.routes import route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.world import Grant, Token, User

USERS = "/access/users"
USER = f"{USERS}/{{userid}}"
TOKENS = f"{USER}/token"
TOKEN = f"{TOKENS}/{{tokenid}}"
COMMENTS = "token-comments"
_TEXTS = ("comment", "email", "firstname", "lastname")


def _user(sim: Simulation, name: str) -> User:
    if name not in sim.world.users:
        raise WorkError(f"no such user ('{name}')")
    return sim.world.users[name]


def _shown(user: User) -> dict[str, Any]:
    row: dict[str, Any] = {"enable": int(user.is_enabled), "expire": user.expires}
    row |= {name: getattr(user, name) for name in _TEXTS if getattr(user, name)}
    return row


@route("GET", USERS)
async def users(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    """Oneself, and everybody for who may look after users."""
    may_see = access.has(sim.world, call.identity, "/access/groups", "User.Modify", "Sys.Audit")
    rows: list[dict[str, Any]] = []
    for name, user in sim.world.users.items():
        is_wanted = int(user.is_enabled) == call.params.get("enabled", int(user.is_enabled))
        if not is_wanted or not (may_see or name == call.identity.user):
            continue
        row = {"userid": name, "realm-type": name.partition("@")[2], **_shown(user)}
        if call.flag("full"):
            row |= {"tokens": _tokens(sim, name), "groups": ",".join(user.groups)}
        rows.append(row)
    return rows


@route("POST", USERS)
async def add_user(sim: Simulation, call: Call) -> None:
    name = str(call.params["userid"])
    if name in sim.world.users:
        raise WorkError(f"create user failed: user '{name}' already exists")
    sim.world.users[name] = User(str(call.params.get("password", "")))
    _change(sim.world.users[name], call)
    sim.touch()


def _change(user: User, call: Call) -> None:
    for name in _TEXTS:
        setattr(user, name, str(call.params.get(name, getattr(user, name))))
    user.is_enabled = bool(call.params.get("enable", user.is_enabled))
    user.expires = int(call.params.get("expire", user.expires))
    if "groups" in call.params:
        user.groups = split_list(str(call.params["groups"]))


@route("GET", USER)
async def user(sim: Simulation, call: Call) -> dict[str, Any]:
    found = _user(sim, call.params["userid"])
    tokens = {row.pop("tokenid"): row for row in _tokens(sim, call.params["userid"])}
    return {**_shown(found), "groups": found.groups, "tokens": tokens}


@route("PUT", USER)
async def change_user(sim: Simulation, call: Call) -> None:
    _change(_user(sim, call.params["userid"]), call)
    sim.touch()


@route("DELETE", USER)
async def remove_user(sim: Simulation, call: Call) -> None:
    """Their tokens and rights go with them."""
    name = call.params["userid"]
    _user(sim, name)
    if name == "root@pam":
        raise WorkError("Deleting of the root@pam user is not allowed")
    del sim.world.users[name]
    for owner in [key for key in sim.world.tokens if key.startswith(f"{name}!")]:
        _drop(sim, owner)
    sim.world.grants = [grant for grant in sim.world.grants if grant.subject != name]
    sim.touch()


def _drop(sim: Simulation, owner: str) -> None:
    sim.world.tokens.pop(owner, None)
    sim.world.collection(COMMENTS).pop(owner, None)
    sim.world.grants = [grant for grant in sim.world.grants if grant.subject != owner]


def _info(sim: Simulation, owner: str) -> dict[str, Any]:
    token = sim.world.tokens[owner]
    row: dict[str, Any] = {"privsep": int(token.is_separated), "expire": token.expires}
    return row | sim.world.collection(COMMENTS).get(owner, {})


def _tokens(sim: Simulation, name: str) -> list[dict[str, Any]]:
    owners = [owner for owner in sim.world.tokens if owner.startswith(f"{name}!")]
    return [{"tokenid": owner.partition("!")[2], **_info(sim, owner)} for owner in owners]


def _owner(sim: Simulation, call: Call) -> str:
    name, token = call.params["userid"], call.params["tokenid"]
    if f"{name}!{token}" not in sim.world.tokens:
        raise WorkError(f"no such token '{token}' for user '{name}'")
    return f"{name}!{token}"


@route("GET", TOKENS)
async def tokens(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    _user(sim, call.params["userid"])
    return _tokens(sim, call.params["userid"])


@route("GET", TOKEN)
async def token(sim: Simulation, call: Call) -> dict[str, Any]:
    return _info(sim, _owner(sim, call))


@route("POST", TOKEN)
async def add_token(sim: Simulation, call: Call) -> dict[str, Any]:
    """Answer the secret, this once."""
    name = call.params["userid"]
    _user(sim, name)
    owner = f"{name}!{call.params['tokenid']}"
    if owner in sim.world.tokens:
        raise invalid(tokenid="Token already exists.")
    sim.world.tokens[owner] = Token(str(uuid.uuid4()))
    _change_token(sim, owner, call)
    value = sim.world.tokens[owner].secret
    return {"full-tokenid": owner, "value": value, "info": _info(sim, owner)}


def _change_token(sim: Simulation, owner: str, call: Call) -> None:
    found = sim.world.tokens[owner]
    found.is_separated = bool(call.params.get("privsep", found.is_separated))
    found.expires = int(call.params.get("expire", found.expires))
    if "comment" in call.params:
        sim.world.collection(COMMENTS)[owner] = {"comment": call.params["comment"]}
    for name in split_list(str(call.params.get("delete", ""))):
        if name == "comment":
            sim.world.collection(COMMENTS).pop(owner, None)
    sim.touch()


@route("PUT", TOKEN)
async def change_token(sim: Simulation, call: Call) -> dict[str, Any]:
    """Change it; regenerated, its old secret is worth nothing from now on."""
    owner = _owner(sim, call)
    _change_token(sim, owner, call)
    if not call.flag("regenerate"):
        return _info(sim, owner)
    sim.world.tokens[owner].secret = str(uuid.uuid4())
    value = sim.world.tokens[owner].secret
    return {**_info(sim, owner), "full-tokenid": owner, "value": value}


@route("DELETE", TOKEN)
async def remove_token(sim: Simulation, call: Call) -> None:
    _drop(sim, _owner(sim, call))
    sim.touch()


@route("GET", "/access/acl")
async def rights(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    """List what one may modify, and all for who audits."""
    audits = access.has(sim.world, call.identity, "/access", "Sys.Audit", "Permissions.Modify")
    return [
        {
            "path": grant.path,
            "type": "token" if "!" in grant.subject else "user",
            "ugid": grant.subject,
            "roleid": grant.role,
            "propagate": int(grant.propagates),
        }
        for grant in sim.world.grants
        if audits or access.may_modify(sim.world, call.identity, grant.path)
    ]


@route("PUT", "/access/acl")
async def grant_rights(sim: Simulation, call: Call) -> None:
    """Give or take roles; nobody gives to a token what its user may not give."""
    path, roles = access.normal_path(call.params["path"]), split_list(call.params["roles"])
    subjects = split_list(call.params.get("users", "")) + split_list(call.params.get("tokens", ""))
    if not subjects:
        raise invalid(path="either 'users', 'groups' or 'tokens' is required.")
    for name in roles:
        if name not in sim.world.roles:
            raise WorkError(f"role '{name}' does not exist")
    for name in subjects:
        is_known = name in (sim.world.tokens if "!" in name else sim.world.users)
        if not is_known:
            raise WorkError(f"{'token' if '!' in name else 'user'} '{name}' does not exist")
    wanted = {(path, subject, role) for subject in subjects for role in roles}
    kept = [g for g in sim.world.grants if (g.path, g.subject, g.role) not in wanted]
    if not call.flag("delete"):
        propagates = bool(call.params.get("propagate", 1))
        kept += [Grant(*row, propagates=propagates) for row in sorted(wanted)]
    sim.world.grants = kept
    sim.touch()


@route("GET", "/access/roles")
async def roles(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    del call
    return [
        {"roleid": name, "privs": ",".join(sorted(held)), "special": int(name in _BUILTIN)}
        for name, held in sim.world.roles.items()
    ]


_BUILTIN = ("Administrator", "NoAccess")


@route("GET", "/access/roles/{roleid}")
async def role(sim: Simulation, call: Call) -> dict[str, int]:
    name = call.params["roleid"]
    if name not in sim.world.roles:
        raise WorkError(f"role '{name}' does not exist")
    return dict.fromkeys(sorted(sim.world.roles[name]), 1)


@route("GET", "/access/groups")
async def groups(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    if not access.has(sim.world, call.identity, "/access/groups", "User.Modify", "Sys.Audit"):
        return []
    names = {name for user in sim.world.users.values() for name in user.groups}
    return [
        {
            "groupid": name,
            "users": ",".join(u for u, v in sim.world.users.items() if name in v.groups),
        }
        for name in sorted(names)
    ]


@route("GET", "/access/domains")
async def domains(sim: Simulation, call: Call) -> list[dict[str, str]]:
    del sim, call
    return [
        {"realm": "pam", "type": "pam", "comment": "Linux PAM standard authentication"},
        {"realm": "pve", "type": "pve", "comment": "Proxmox VE authentication server"},
    ]
