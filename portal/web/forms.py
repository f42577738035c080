"""Forms of sign-in, password and profile; rules beyond type and length live in the services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.models import User
from portal.services.settings import setting_get
from portal.web.zones import zone_choices

PASSWORD_LENGTH = 1024
PASSWORD_LEAST: int = settings.PASSWORD_LEAST


class SignInForm(forms.Form):
    """User name and password."""

    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class PasswordChangeForm(forms.Form):
    """The old password, the new one twice."""

    old_password = forms.CharField(
        label=_("Current password"),
        max_length=PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new_password1 = forms.CharField(
        label=_("New password"),
        max_length=PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    new_password2 = forms.CharField(
        label=_("New password again"),
        max_length=PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, second = cleaned.get("new_password1"), cleaned.get("new_password2")
        if first and second and first != second:
            self.add_error("new_password2", _("The two new passwords differ."))
        return cleaned


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """What people decide about themselves; an empty time zone is the platform's."""

    timezone = forms.ChoiceField(
        label=_("Time zone"),
        required=False,
        choices=lambda: zone_choices(str(setting_get("platform.timezone"))),
        widget=forms.Select(attrs={"data-searchable": _("Find a city")}),
    )

    class Meta:
        model = User
        fields = ("display_name", "email", "theme", "language", "timezone", "has_shortcuts")
        widgets = {"theme": forms.RadioSelect, "language": forms.RadioSelect}
        help_texts = {
            "has_shortcuts": _("Keys like N, G D or ?, listed by ?. Ctrl K works anyway."),
            "timezone": "",
        }
