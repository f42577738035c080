"""The same action on many deployments: each through its own service, each refused or done for itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import trail
from portal.kernel.audit_tags import ACCESS_REFUSED
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import DomainError, Fault, InvalidInput, NotFound, Refused
from portal.models import Operation
from provisioning.errors import DeploymentInvalid
from provisioning.models import Deployment, ExtensionRequest, OwnershipTransfer
from provisioning.permissions import Permission
from provisioning.services import leases, lifecycle, tagging, transfers

BULK_MOST: Final = 100
ACCEPTED, REFUSED, NOT_FOUND = "accepted", "refused", "not_found"
Done = tuple[Deployment, Operation | ExtensionRequest | OwnershipTransfer | None]


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of one: accepted, perhaps with the operation or request it started, or refused with why."""

    id: str
    outcome: str
    name: str = ""
    operation: Operation | None = None
    extension_request: ExtensionRequest | None = None
    transfer: OwnershipTransfer | None = None
    error: DomainError | None = None


_SERVICES: Final[Mapping[str, Callable[..., Done]]] = {
    "start": lifecycle.deployment_start,
    "stop": lifecycle.deployment_stop,
    "restart": lifecycle.deployment_restart,
    "extend": leases.deployment_extend,
    "tag": tagging.deployment_tag,
    "transfer": transfers.deployment_transfer,
    "expire": leases.deployment_expire,
    "delete": lifecycle.deployment_delete,
}
ACTIONS: Final = tuple(_SERVICES)
_PARAMETERS: Final = {
    "stop": ("mode",),
    "extend": ("hours", "reason"),
    "tag": ("add", "remove"),
    "transfer": ("to_user_id", "reason"),
}


def bulk_permission(action: str) -> Permission:
    """What the role must hold to do it to any deployment."""
    return Permission.DELETE if action == "delete" else Permission.OPERATE


@transaction.atomic
def deployments_bulk(
    *, actor: Actor, action: str, ids: Sequence[UUID | str], **parameters: Any
) -> list[BulkResult]:
    """Does one action to at most 100 deployments and says of each what became of it, in the order asked.

    Each runs between savepoints, so that one refusal undoes nothing else; rows are locked in the order of
    their ids, so that two of these never wait for one another. `parameters` are the action's own: `mode`
    of stop, `hours` and `reason` of extend, `add` and `remove` of tag, `to_user_id` and `reason` of
    transfer.

    Raises:
        Refused: the role lacks the action's permission.
        InvalidInput: no or too many ids, an unknown action, or a parameter that is wrong for all of them.
    """
    _demand(action, ids, parameters)
    authorize(actor, bulk_permission(action))
    wanted = list(dict.fromkeys(_key(one) for one in ids))
    given = {name: parameters[name] for name in _PARAMETERS.get(action, ()) if name in parameters}
    found = {key: _one(actor, action, key, given) for key in sorted(wanted)}
    return [found[key] for key in wanted]


def _demand(action: str, ids: Sequence[UUID | str], parameters: Mapping[str, Any]) -> None:
    faults = []
    if action not in _SERVICES:
        message = _("The action is one of %(known)s.") % {"known": ", ".join(ACTIONS)}
        faults.append(Fault("action", "invalid_choice", message))
    if not ids:
        faults.append(Fault("ids", "required", _("Name at least one deployment.")))
    if len(ids) > BULK_MOST:
        told = {"count": len(ids), "most": BULK_MOST}
        message = _("%(count)s at once are too many: at most %(most)s. Do them in parts.") % told
        faults.append(Fault("ids", "max_length", message))
    if action == "extend" and parameters.get("hours") is None:
        faults.append(Fault("hours", "required", _("Say by how many hours.")))
    if action == "tag" and not (parameters.get("add") or parameters.get("remove")):
        faults.append(Fault("add", "required", _("Name a tag to add or to remove.")))
    if action == "transfer" and not parameters.get("to_user_id"):
        faults.append(Fault("to_user_id", "required", _("Say who is to have them.")))
    if faults:
        raise InvalidInput(faults=tuple(faults))


def _one(actor: Actor, action: str, key: str, given: Mapping[str, Any]) -> BulkResult:
    try:
        with transaction.atomic():
            deployment, made = _SERVICES[action](actor=actor, deployment_id=key, **given)
    except DeploymentInvalid as error:
        if any(fault.code == "too_many" for fault in error.faults):
            return BulkResult(key, REFUSED, error=error)
        raise
    except InvalidInput as error:
        if any(fault.code == "same" for fault in error.faults):
            return BulkResult(key, REFUSED, error=error)
        raise
    except NotFound as error:
        return BulkResult(key, NOT_FOUND, error=error)
    except Refused as error:
        detail = {"code": error.error_code, "permission": error.data.get("permission", "")}
        trail.refuse(
            tag=ACCESS_REFUSED,
            actor=actor,
            target_type="provisioning.deployment",
            target_id=key,
            detail={"action": action, **detail},
        )
        return BulkResult(key, REFUSED, error=error)
    except DomainError as error:
        return BulkResult(key, REFUSED, error=error)
    return BulkResult(
        key,
        ACCEPTED,
        deployment.name,
        operation=made if isinstance(made, Operation) else None,
        extension_request=made if isinstance(made, ExtensionRequest) else None,
        transfer=made if isinstance(made, OwnershipTransfer) else None,
    )


def _key(value: UUID | str) -> str:
    """One spelling for one id; what is none stays as it is and is not found."""
    try:
        return str(UUID(str(value)))
    except ValueError:
        return str(value)
