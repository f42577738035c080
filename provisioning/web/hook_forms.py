"""Forms of hooks and webhooks: what people type, and the request it makes."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kernel.errors import InvalidInput
from provisioning.logic.hook_rules import NAME_LIMIT, TIMEOUT_S, HookConfig
from provisioning.logic.hook_states import HookEvent, HookType, OnFailure
from provisioning.logic.webhook_events import webhook_events
from provisioning.models import Hook, Webhook
from provisioning.services.hooks import HookRequest
from provisioning.services.webhooks import WebhookRequest

_LINES: Final = {"rows": 3, "spellcheck": "false"}


class PairsField(forms.CharField):
    """Lines of NAME=value or Name: value, as a mapping."""

    widget = forms.Textarea

    def __init__(self, *, separator: str, **kwargs: Any) -> None:
        self.separator = separator
        super().__init__(required=False, strip=True, max_length=20_000, **kwargs)
        self.widget.attrs.update(_LINES)

    def clean(self, value: Any) -> dict[str, str]:
        """One pair a line. Raises ValidationError for a line that is none."""
        pairs: dict[str, str] = {}
        for line in str(super().clean(value)).splitlines():
            name, found, text = line.partition(self.separator)
            if line.strip() and not (found and name.strip()):
                form = {"form": f"NAME{self.separator}…", "line": line[:60]}
                raise forms.ValidationError(_("“%(line)s” is no line of the form %(form)s.") % form)
            if line.strip():
                pairs[name.strip()] = text.strip()
        return pairs


class _FaultyForm(forms.Form):
    """A form whose faults may come from the service, field by field."""

    places: dict[str, str] = {}

    def take(self, error: InvalidInput) -> None:
        """Shows what a service found wrong beside the fields it is about."""
        for fault in error.faults:
            name = self.places.get(fault.field or "", fault.field or "")
            self.add_error(name if name in self.fields else None, fault.message)


class HookForm(_FaultyForm):
    """A hook; secret values are asked for again whenever the set of them changes."""

    places = {"secret_headers": "secret_pairs", "secret_env": "secret_pairs"}

    name = forms.CharField(label=gettext_lazy("Name"), max_length=NAME_LIMIT)
    event = forms.ChoiceField(label=gettext_lazy("Moment"), choices=HookEvent.choices)
    type = forms.ChoiceField(label=gettext_lazy("Kind"), choices=HookType.choices)
    target = forms.CharField(
        label=gettext_lazy("Address or script"),
        max_length=2048,
        help_text=gettext_lazy("https://… or the file name of an approved script."),
    )
    timeout = forms.IntegerField(
        label=gettext_lazy("Time limit"), min_value=1, max_value=3600, initial=TIMEOUT_S
    )
    blocking = forms.BooleanField(
        label=gettext_lazy("What follows waits for it (only before creating and removing)"),
        required=False,
    )
    on_failure = forms.ChoiceField(
        label=gettext_lazy("When it fails"), choices=OnFailure.choices, required=False
    )
    is_idempotent = forms.BooleanField(
        label=gettext_lazy("It may run twice without harm"), required=False
    )
    headers = PairsField(
        separator=":",
        label=gettext_lazy("Headers"),
        help_text=gettext_lazy("One a line, Name: value. For addresses."),
    )
    env = PairsField(
        separator="=",
        label=gettext_lazy("Variables"),
        help_text=gettext_lazy("One a line, HOOK_NAME=value. For scripts."),
    )
    secret_pairs = PairsField(
        separator="=",
        label=gettext_lazy("Secret headers or variables"),
        help_text=gettext_lazy("One a line, NAME=value. Empty keeps what is there."),
    )
    is_active = forms.BooleanField(label=gettext_lazy("Switched on"), required=False, initial=True)

    @classmethod
    def of(cls, hook: Hook) -> HookForm:
        """The form of a hook as it is."""
        config = HookConfig.read(hook.config)
        return cls(
            initial={
                **{name: getattr(hook, name) for name in ("name", "event", "type", "target")},
                "is_active": hook.is_active,
                "timeout": config.timeout,
                "blocking": config.blocking,
                "on_failure": config.on_failure,
                "is_idempotent": config.is_idempotent,
                "headers": "\n".join(f"{name}: {text}" for name, text in config.headers.items()),
                "env": "\n".join(f"{name}={text}" for name, text in config.env.items()),
            }
        )

    def request(self) -> HookRequest:
        """What was asked for."""
        said = self.cleaned_data
        return HookRequest(
            name=said["name"],
            event=said["event"],
            type=said["type"],
            target=said["target"],
            is_active=said["is_active"],
            config=HookConfig(
                headers=said["headers"],
                env=said["env"],
                timeout=said["timeout"],
                blocking=said["blocking"],
                on_failure=said["on_failure"] or OnFailure.OPEN,
                is_idempotent=said["is_idempotent"],
            ),
            secrets=said["secret_pairs"] or None,
        )


class WebhookForm(_FaultyForm):
    """A webhook; header values are never shown again, so empty keeps them."""

    places = {"headers": "header_pairs"}

    name = forms.CharField(label=gettext_lazy("Name"), max_length=NAME_LIMIT)
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=2048,
        help_text=gettext_lazy("A public https:// address that answers 2xx."),
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Events"), widget=forms.CheckboxSelectMultiple
    )
    header_pairs = PairsField(
        separator=":",
        label=gettext_lazy("Headers"),
        help_text=gettext_lazy("One a line, Name: value. Empty keeps what is there."),
    )
    is_active = forms.BooleanField(label=gettext_lazy("Switched on"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        events = self.fields["events"]
        assert isinstance(events, forms.MultipleChoiceField)
        events.choices = [(event.name, event.label) for event in webhook_events()]

    @classmethod
    def of(cls, webhook: Webhook) -> WebhookForm:
        """The form of a webhook as it is."""
        names = ("name", "url", "events", "is_active")
        return cls(initial={name: getattr(webhook, name) for name in names})

    def request(self) -> WebhookRequest:
        """What was asked for."""
        said = self.cleaned_data
        return WebhookRequest(
            name=said["name"],
            url=said["url"],
            events=tuple(said["events"]),
            headers=said["header_pairs"] or None,
            is_active=said["is_active"],
        )


class SkipForm(forms.Form):
    """Why a hook is skipped."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"), min_length=3, max_length=500, widget=forms.Textarea(_LINES)
    )
