"""Forms of provisioning: they parse; services decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.kernel.errors import Fault, InvalidInput
from portal.kernel.web.widgets import DurationInput
from provisioning.logic.requests import DeploymentRequest
from provisioning.models import Deployment, Template
from provisioning.states import LIVE, DeploymentStatus
from provisioning.web.drafts import PARAMETER_PREFIX, Draft, Step, step_of


class TagsField(forms.CharField):
    """Tags separated by commas or spaces."""

    def to_python(self, value: Any) -> Any:
        return [tag for tag in (value or "").replace(",", " ").lower().split() if tag]

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value


class DeploymentForm(forms.Form):
    """What a person asks for; the template's options become fields of their own."""

    template = forms.SlugField(widget=forms.HiddenInput)
    name = forms.CharField(
        label=_("Name"),
        max_length=63,
        help_text=_("Lower-case letters, digits and hyphens; becomes the host name."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    hostname = forms.CharField(
        label=_("Host name"),
        max_length=253,
        required=False,
        help_text=_("Leave empty to use the name."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    cpu_cores = forms.IntegerField(label=_("vCPU"))
    memory_mb = forms.IntegerField(label=_("Memory"))
    disk_gb = forms.IntegerField(label=_("Disk"))
    ttl_hours = forms.IntegerField(label=_("Lifetime"))
    tags = TagsField(label=_("Tags"), required=False, help_text=_("Separated by commas."))

    def __init__(self, *args: Any, template: Template, ttl_default: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.blueprint = template
        self.fields["template"].initial = template.code
        self.fields["ttl_hours"].initial = ttl_default
        for name in ("cpu_cores", "memory_mb", "disk_gb"):
            low, default, high = template.limits(name)
            self.fields[name].initial = default
            self.fields[name].help_text = f"{low} – {high}"
            self.fields[name].widget.attrs.update(min=low, max=high)
        for option in template.install_options:
            self.fields[PARAMETER_PREFIX + str(option["key"])] = _option_field(option)

    @property
    def parameter_fields(self) -> list[forms.BoundField]:
        """The fields of the template's options."""
        return [field for field in self if field.name.startswith(PARAMETER_PREFIX)]

    def request(self) -> DeploymentRequest:
        """What was typed, as far as it could be read."""
        data = getattr(self, "cleaned_data", {})
        options = {
            name.removeprefix(PARAMETER_PREFIX): value
            for name, value in data.items()
            if name.startswith(PARAMETER_PREFIX)
        }
        return DeploymentRequest(
            template=self.blueprint.code,
            name=data.get("name", ""),
            cpu_cores=data.get("cpu_cores"),
            memory_mb=data.get("memory_mb"),
            disk_gb=data.get("disk_gb"),
            ttl_hours=data.get("ttl_hours"),
            hostname=data.get("hostname") or None,
            parameters=options,
            tags=data.get("tags") or (),
        )

    def fields_of(self, step: Step) -> list[forms.BoundField]:
        """The fields one step asks for."""
        return [field for field in self if step_of(field.name) is step]

    def typed(self, draft: Draft) -> dict[str, str]:
        """The draft's values; defaults stand for the steps that were not answered."""
        return {
            name: draft.values.get(name, "")
            if draft.has(step_of(name))
            else _text(self.get_initial_for_field(field, name))
            for name, field in self.fields.items()
        }

    def show(self, faults: Iterable[Fault]) -> None:
        """Puts each fault beside its field, unless the field could not even be read."""
        unread = set(self.errors)
        for fault in faults:
            name = (fault.field or "").replace("parameters.", PARAMETER_PREFIX)
            if name not in unread:
                self.add_error(name if name in self.fields else None, fault.message)

    def faulty_step(self) -> Step | None:
        """The first step with a field at fault."""
        faulty = {step_of(name) for name in self.errors if name in self.fields}
        return next((step for step in Step if step in faulty), None)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else ""
    return ", ".join(value) if isinstance(value, list) else str(value if value is not None else "")


def _option_field(option: Mapping[str, Any]) -> forms.Field:
    default, is_required = option.get("default"), bool(option.get("is_required"))
    told = {"label": option.get("label", option["key"]), "help_text": option.get("hint", "")}
    match option.get("type"):
        case "boolean":
            return forms.BooleanField(required=False, initial=default, **told)
        case "choice":
            choices = [(choice, choice) for choice in option.get("choices", [])]
            return forms.ChoiceField(choices=choices, initial=default, **told)
        case "email":
            return forms.EmailField(required=is_required, initial=default, max_length=200, **told)
        case _:
            return forms.CharField(required=is_required, initial=default, max_length=200, **told)


class DeploymentFilters(forms.Form):
    """Filters of the list, kept in the address."""

    search = forms.CharField(label=_("Search"), required=False, max_length=63)
    status = forms.ChoiceField(label=_("Status"), required=False)
    owner = forms.ChoiceField(
        label=_("Owner"),
        required=False,
        choices=[("", _("Anyone")), ("me", _("Me"))],
    )
    lease = forms.ChoiceField(
        label=_("Lease"),
        required=False,
        choices=[
            ("", _("Any lease")),
            ("24", _("Stops within a day")),
            ("72", _("Stops within 3 days")),
            ("168", _("Stops within a week")),
            ("ended", _("Ended")),
            ("held", _("On hold")),
        ],
    )
    choices: ClassVar[list[tuple[str, Any]]] = [
        ("", _("Any status")),
        ("attention", _("Needs attention")),
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        live = [(s.value, s.label) for s in DeploymentStatus if s in LIVE]
        deleted = (DeploymentStatus.DELETED.value, DeploymentStatus.DELETED.label)
        status = self.fields["status"]
        assert isinstance(status, forms.ChoiceField)
        status.choices = [*self.choices, *live, deleted]


class SpanField(forms.DurationField):
    """A span of whole hours, typed as people write it."""

    widget = DurationInput

    def to_python(self, value: Any) -> Any:
        span = super().to_python(value)
        if span is None:
            return None
        hours, rest = divmod(span, timedelta(hours=1))
        if rest or hours <= 0:
            raise forms.ValidationError(_("Give whole hours, one at least."), code="hours")
        return hours


class ReasonedForm(forms.Form):
    """Why a lease needs more than the rules give at once."""

    reason = forms.CharField(label=_("Reason"), required=False, max_length=500)

    def __init__(self, *args: Any, step_hours: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = _("Needed beyond %(hours)s h at once: then somebody else decides.")
        self.fields["reason"].help_text = told % {"hours": step_hours}


class ExtendForm(ReasonedForm):
    """How much longer: `hours` of a button, or a span that was typed; a reason asks beyond the rules."""

    span = SpanField(
        label=_("Another span"),
        required=False,
        help_text=_("Days and hours, such as 2 d 12 h."),
    )
    hours = forms.IntegerField(required=False, widget=forms.HiddenInput)
    field_order = ("span", "hours", "reason")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        hours = data.get("hours") or data.get("span")
        if hours is None and not self.errors:
            raise forms.ValidationError(_("Say how much longer it is needed."))
        return {**data, "hours": hours}


class ShortenForm(forms.Form):
    """How much sooner the lease ends."""

    hours = SpanField(label=_("Sooner by"), help_text=_("Days and hours, such as 2 d 12 h."))


class DeleteForm(forms.Form):
    """The machine's name, typed by whoever deletes it, and whether it is backed up once more."""

    name = forms.CharField(label=_("Name"), max_length=63)
    is_backed_up_first = forms.BooleanField(label=_("Make a last backup first"), required=False)

    def __init__(self, *args: Any, name: str, has_volumes: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = name
        if has_volumes:
            self.fields["is_backed_up_first"].help_text = _("Its volumes are not in that backup.")
        told = _("Type %(name)s to say that you mean it.") % {"name": name}
        self.fields["name"].help_text = told
        self.fields["name"].widget.attrs.update(
            pattern=name, title=told, autocomplete="off", spellcheck="false", autocapitalize="off"
        )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name != self.wanted:
            told = _("That is not its name. Type %(name)s to delete it.")
            raise forms.ValidationError(told % {"name": self.wanted})
        return name


class HoldForm(forms.Form):
    """Why it must stay."""

    reason = forms.CharField(label=_("Reason"), required=False, max_length=200)


class DecisionForm(forms.Form):
    """Why it was decided so."""

    reason = forms.CharField(label=_("Reason"), required=False, max_length=500)


class ResizeForm(forms.Form):
    """Other figures."""

    cpu_cores = forms.IntegerField(label=_("vCPU"))
    memory_mb = forms.IntegerField(label=_("Memory (MiB)"))
    disk_gb = forms.IntegerField(label=_("Disk (GiB)"))

    def __init__(self, *args: Any, deployment: Deployment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            low, _default, high = deployment.template.limits(name)
            field.initial = getattr(deployment, name)
            low = max(low, deployment.disk_gb) if name == "disk_gb" else low
            field.help_text = f"{low} – {high}"
            told = " ".join(f"{self[name].auto_id}_{what}" for what in ("helptext", "fault"))
            field.widget.attrs |= {"min": low, "max": high, "aria-describedby": told}


def values_of(form: forms.Form) -> dict[str, Any]:
    """What was typed. Raises InvalidInput naming the first field at fault."""
    if not form.is_valid():
        name, errors = next(iter(form.errors.items()))
        label = str(form.fields[name].label) if name in form.fields else None
        raise InvalidInput(str(errors[0]), field=label)
    return dict(form.cleaned_data)


def labelled(
    form: forms.Form, faults: Iterable[Fault], places: Mapping[str, str] = MappingProxyType({})
) -> tuple[Fault, ...]:
    """Each fault with its field's label in place of the field's name; `places` says which field stands for it."""
    labels = {name: str(field.label) for name, field in form.fields.items()}
    fields = [(one, places.get(one.field or "", one.field or "")) for one in faults]
    return tuple(Fault(labels.get(name, one.field), one.code, one.message) for one, name in fields)
