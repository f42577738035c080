"""People who sign in."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from portal.kernel import clock
from portal.kernel.models import uuid7

USERNAME = RegexValidator(
    r"^[A-Za-z0-9]([A-Za-z0-9._@+-]{0,148}[A-Za-z0-9])?$",
    _("Letters, digits and . _ @ + - only, beginning and ending with a letter or digit."),
)


class Theme(models.TextChoices):
    """How pages look for this person."""

    DARK = "dark", _("Dark")
    LIGHT = "light", _("Light")
    SYSTEM = "system", _("As the system")


class Language(models.TextChoices):
    """What pages speak to this person; mails, which no browser reads first, take the platform's."""

    BROWSER = "browser", _("As the browser")
    ENGLISH = "en", "English"
    FRENCH = "fr", "Français"


class UserManager(BaseUserManager["User"]):
    """Finds people whatever the case they type their name in."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username__iexact=username or "")


class User(AbstractBaseUser):
    """A person. Roles come from memberships; `is_platform_admin` is staff of the platform itself.

    People are deactivated, never deleted: audit and history keep pointing to them.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username = models.CharField(_("user name"), max_length=150, unique=True, validators=[USERNAME])
    display_name = models.CharField(_("display name"), max_length=150, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    theme = models.CharField(_("theme"), max_length=8, choices=Theme.choices, default=Theme.DARK)
    language = models.CharField(
        _("language"), max_length=8, choices=Language.choices, default=Language.BROWSER
    )
    timezone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        default="",
        help_text=_("Empty: the platform's."),
    )
    has_shortcuts = models.BooleanField(
        _("single-key shortcuts"), default=True, db_default=models.Value(True)
    )
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("may enter the administration"), default=False)
    is_platform_admin = models.BooleanField(_("platform administrator"), default=False)
    must_change_password = models.BooleanField(_("must choose a new password"), default=False)
    password_changed_at = models.DateTimeField(
        _("password changed"), default=clock.now, editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        ordering = ("username",)
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_name_once_whatever_its_case"),
            models.CheckConstraint(
                condition=models.Q(theme__in=Theme.values), name="user_theme_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or self.username

    def get_short_name(self) -> str:
        """What the page's head shows."""
        return self.display_name or self.username

    def get_full_name(self) -> str:
        """What lists show."""
        return self.display_name or self.username

    @property
    def may_administer(self) -> bool:
        """Whether Django admin opens for this person."""
        return self.is_active and self.is_staff and self.is_platform_admin

    def has_perm(self, _perm: str, _obj: Any = None) -> bool:
        """Django admin asks this; there it is all or nothing."""
        return self.may_administer

    def has_perms(self, _perms: list[str], _obj: Any = None) -> bool:
        """Django admin asks this; there it is all or nothing."""
        return self.may_administer

    def has_module_perms(self, _app_label: str) -> bool:
        """Django admin asks this; there it is all or nothing."""
        return self.may_administer
