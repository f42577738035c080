"""What can be done to machines from the palette: words of both languages, objects, and whose plan is asked."""

from __future__ import annotations

from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.kernel.commands import Command, Parameter, ParameterKind, Planner
from portal.logic.command_line import (
    CORE_UNITS,
    DISK_NOUNS,
    DISK_UNITS,
    HOUR_UNITS,
    MEMORY_NOUNS,
    MEMORY_UNITS,
)
from provisioning.permissions import Permission
from provisioning.web.command_plans import (
    create_plan,
    extend_plan,
    offer_of,
    power_plan,
    resize_plan,
    shorten_plan,
)

_K = ParameterKind
_SPAN: Final = ("by", "for", "de", "pour", "pendant")
_A_MACHINE: Final = _("a machine")
MACHINE: Final = Parameter("machine", _K.SUBJECT, _A_MACHINE, of="deployment")
REASON: Final = Parameter(
    "reason", _K.TEXT, _("why"), after=("because", "car", "reason", "raison"), is_required=False
)
HOURS: Final = Parameter(
    "hours",
    _K.AMOUNT,
    _("for how long"),
    after=_SPAN,
    units=HOUR_UNITS,
    examples=(_("by 24 h"), _("by 3 d"), _("by 1 w")),
)
_OPTIONAL: Final[dict[str, Any]] = {"kind": _K.AMOUNT, "is_required": False}
FIGURES: Final = (
    Parameter("cpu_cores", hint=_("how many vCPU"), units=CORE_UNITS, **_OPTIONAL),
    Parameter(
        "memory_mb",
        hint=_("how much memory"),
        units=MEMORY_UNITS,
        nouns=MEMORY_NOUNS,
        **_OPTIONAL,
    ),
    Parameter(
        "disk_gb",
        hint=_("how much disk"),
        units=DISK_UNITS,
        nouns=DISK_NOUNS,
        needs_noun=True,
        **_OPTIONAL,
    ),
)


def _on_machine(
    key: str,
    plan: Planner,
    *parameters: Parameter,
    action: str = "",
    permission: Permission = Permission.OPERATE,
    **look: Any,
) -> Command:
    """A command whose object is a machine."""
    return Command(
        key=f"deployment.{key}",
        permission=permission,
        parameters=(MACHINE, *parameters),
        plan=plan,
        offer=offer_of(action or key),
        sub=_A_MACHINE,
        **look,
    )


def _simple(
    key: str,
    text: str | Promise,
    *parameters: Parameter,
    action: str = "",
    fields: dict[str, str] | None = None,
    is_dangerous: bool = False,
    is_final: bool = False,
    confirm: str | Promise = "",
    **look: Any,
) -> Command:
    """A command without figures of its own."""
    plan = power_plan(
        action or key,
        title=look["pattern"],
        text=text,
        confirm=confirm or look["label"],
        fields=fields or {},
        is_dangerous=is_dangerous,
        is_final=is_final,
    )
    return _on_machine(key, plan, *parameters, action=action, **look)


COMMANDS: Final = (
    Command(
        key="deployment.new",
        label=_("New deployment"),
        sub=_("from a template"),
        icon="plus",
        permission=Permission.CREATE,
        url="/deployments/new",
        keywords=("create machine vm", "nouveau déploiement machine"),
        keys=("N",),
        order=10,
    ),
    Command(
        key="deployment.create",
        label=_("Create a machine at once"),
        sub=_("a template, a name, how long"),
        icon="rocket",
        permission=Permission.CREATE,
        phrases=("new", "create", "nouveau", "nouvelle", "créer", "crée"),
        phrase=pgettext_lazy("first word of a command line", "new"),
        pattern=_("New machine from %(name)s"),
        parameters=(
            Parameter("template", _K.SUBJECT, _("a template"), of="template"),
            Parameter(
                "name",
                _K.WORD,
                _("its name"),
                after=("named", "called", "nommé", "nommee", "nomme", "appelé", "appele"),
                is_required=False,
            ),
            Parameter(
                "ttl_hours", hint=_("for how long"), after=_SPAN, units=HOUR_UNITS, **_OPTIONAL
            ),
            *FIGURES,
        ),
        plan=create_plan,
        order=15,
    ),
    _simple(
        "start",
        _("It is switched on and answers again in a moment."),
        label=_("Start"),
        pattern=_("Start %(name)s"),
        phrase=pgettext_lazy("first word of a command line", "start"),
        phrases=("start", "démarrer", "démarre", "boot"),
        icon="play",
        order=20,
    ),
    _simple(
        "stop",
        _("It answers nobody until it is started again. It keeps its disk, address and quota."),
        fields={"mode": "shutdown"},
        label=_("Stop"),
        pattern=_("Stop %(name)s"),
        phrase=pgettext_lazy("first word of a command line", "stop"),
        phrases=("stop", "arrêter", "arrête", "shut down", "shutdown"),
        icon="circle-stop",
        order=22,
    ),
    _simple(
        "restart",
        _("Whoever uses it is cut off until it is up again."),
        is_dangerous=True,
        label=_("Restart"),
        pattern=_("Restart %(name)s"),
        phrase=pgettext_lazy("first word of a command line", "restart"),
        phrases=("restart", "reboot", "redémarrer", "redémarre"),
        icon="rotate-cw",
        order=24,
    ),
    _on_machine(
        "extend",
        extend_plan,
        HOURS,
        REASON,
        label=_("Extend the lease"),
        pattern=_("Extend %(name)s"),
        phrase=pgettext_lazy("first word of a command line", "extend"),
        phrases=("extend", "prolong", "prolonger", "prolonge"),
        joint=pgettext_lazy("extend web-04 by 24 h", "by"),
        icon="calendar-plus",
        order=26,
    ),
    _on_machine(
        "shorten",
        shorten_plan,
        HOURS,
        action="extend",
        label=_("Shorten the lease"),
        pattern=_("Shorten %(name)s"),
        phrase=pgettext_lazy("first word of a command line", "shorten"),
        phrases=("shorten", "raccourcir", "raccourcis"),
        joint=pgettext_lazy("extend web-04 by 24 h", "by"),
        icon="calendar-minus",
        order=60,
    ),
    _on_machine(
        "resize",
        resize_plan,
        *FIGURES,
        label=_("Resize"),
        pattern=_("Resize %(name)s"),
        phrase=pgettext_lazy("first word of a command line", "resize"),
        phrases=("resize", "redimensionner", "redimensionne"),
        icon="scaling",
        order=28,
    ),
    _simple(
        "retry",
        _("It is created again, from what is really there."),
        label=_("Try the creation again"),
        pattern=_("Create %(name)s again"),
        phrase=pgettext_lazy("first word of a command line", "retry"),
        phrases=("retry", "réessayer", "réessaie"),
        icon="rotate-cw",
        order=29,
    ),
    _simple(
        "hold",
        _("Its lease stands still and nobody can delete it until the hold is lifted."),
        REASON,
        permission=Permission.MANAGE,
        label=_("Hold"),
        pattern=_("Put %(name)s on hold"),
        phrase=pgettext_lazy("first word of a command line", "hold"),
        phrases=("hold", "retenir", "retiens"),
        icon="lock",
        order=40,
    ),
    _simple(
        "release",
        _("Its lease runs on; the ends move by the time the hold lasted."),
        permission=Permission.MANAGE,
        label=_("Lift the hold"),
        pattern=_("Lift the hold of %(name)s"),
        phrase=pgettext_lazy("first word of a command line", "release"),
        phrases=("release", "libérer", "libère"),
        icon="lock-open",
        order=40,
    ),
    _simple(
        "power-off",
        _("At once, like pulling the plug: unsaved data is lost."),
        action="stop",
        fields={"mode": "force"},
        is_dangerous=True,
        label=_("Switch off"),
        pattern=_("Switch off %(name)s"),
        phrase=pgettext_lazy("first word of a command line", "switch off"),
        phrases=("switch off", "power off", "force stop", "éteindre", "éteins"),
        icon="power-off",
        order=62,
    ),
    _simple(
        "delete",
        _("It is stopped and its disk is erased. Nothing brings it back."),
        permission=Permission.DELETE,
        is_final=True,
        confirm=_("Delete for good"),
        label=_("Delete"),
        pattern=_("Delete %(name)s"),
        phrase=pgettext_lazy("first word of a command line", "delete"),
        phrases=("delete", "destroy", "supprimer", "supprime"),
        icon="trash-2",
        order=70,
    ),
    Command(
        key="deployment.attention",
        label=_("Machines that need attention"),
        icon="triangle-alert",
        permission=Permission.VIEW,
        url="/deployments?status=attention",
        order=80,
    ),
    Command(
        key="deployment.expiring",
        label=_("Leases that end within 3 days"),
        icon="clock",
        permission=Permission.VIEW,
        url="/deployments?lease=72",
        keywords=("expiring", "expirent bientôt"),
        order=82,
    ),
    Command(
        key="deployment.mine",
        label=_("My machines"),
        icon="user",
        permission=Permission.VIEW,
        url="/deployments?owner=me",
        order=84,
    ),
    Command(
        key="admin.overview",
        label=_("Admin overview"),
        sub=_("all organisations together"),
        icon="gauge",
        permission=Permission.OVERVIEW,
        url="/admin-overview",
        keywords=("dashboard", "tableau de bord", "tenants"),
        order=136,
    ),
)
