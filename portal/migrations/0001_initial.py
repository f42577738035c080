from __future__ import annotations

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import portal.kernel.clock
import portal.kernel.models
from portal.kernel.rls import PlatformTable, SelfTable

# What people may change themselves; everything else about a person is the platform's to write.
OWN_COLUMNS = (
    "password, last_login, display_name, email, theme, language, timezone, "
    "must_change_password, password_changed_at, updated_at"
)

# A tenant is visible in its own scope and to its members, who must see its name before they choose it.
IS_MEMBER = (
    "id IN (SELECT m.tenant_id FROM portal_membership m "
    "WHERE m.user_id = nullif(current_setting('app.user_id', true), '')::uuid)"
)


class Migration(migrations.Migration):
    """Accounts, roles and settings; the tenant's policies follow the memberships they look at."""

    initial = True

    dependencies = [
        ("billing", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Role",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.kernel.models.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "code",
                    models.CharField(
                        max_length=40,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z][a-z0-9-]{0,39}$", "Lower-case letters, digits and hyphens."
                            )
                        ],
                        verbose_name="code",
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                (
                    "permissions",
                    models.JSONField(blank=True, default=list, verbose_name="permissions"),
                ),
                ("known_permissions", models.JSONField(default=list, editable=False)),
            ],
            options={
                "verbose_name": "role",
                "verbose_name_plural": "roles",
                "ordering": ("code",),
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=portal.kernel.models.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        max_length=150,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9]([A-Za-z0-9._@+-]{0,148}[A-Za-z0-9])?$",
                                "Letters, digits and . _ @ + - only, beginning and ending with a letter or digit.",
                            )
                        ],
                        verbose_name="user name",
                    ),
                ),
                (
                    "display_name",
                    models.CharField(blank=True, max_length=150, verbose_name="display name"),
                ),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                (
                    "theme",
                    models.CharField(
                        choices=[("dark", "Dark"), ("light", "Light"), ("system", "As the system")],
                        default="dark",
                        max_length=8,
                        verbose_name="theme",
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        choices=[("en", "English"), ("fr", "Français")],
                        default="en",
                        max_length=8,
                        verbose_name="language",
                    ),
                ),
                (
                    "timezone",
                    models.CharField(
                        default="Europe/Paris", max_length=64, verbose_name="time zone"
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "is_staff",
                    models.BooleanField(default=False, verbose_name="may enter the administration"),
                ),
                (
                    "is_platform_admin",
                    models.BooleanField(default=False, verbose_name="platform administrator"),
                ),
                (
                    "must_change_password",
                    models.BooleanField(default=False, verbose_name="must choose a new password"),
                ),
                (
                    "password_changed_at",
                    models.DateTimeField(
                        default=portal.kernel.clock.now,
                        editable=False,
                        verbose_name="password changed",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
                "ordering": ("username",),
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("username"),
                        name="user_name_once_whatever_its_case",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("theme__in", ["dark", "light", "system"])),
                        name="user_theme_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RefreshToken",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.kernel.models.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("family", models.UUIDField()),
                ("used_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField()),
                ("family_expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("address", models.CharField(blank=True, max_length=45)),
                ("agent", models.CharField(blank=True, max_length=200)),
                (
                    "parent",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="portal.refreshtoken",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.kernel.models.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to="billing.tenant",
                        verbose_name="organisation",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to="portal.role",
                        verbose_name="role",
                    ),
                ),
            ],
            options={
                "verbose_name": "membership",
                "verbose_name_plural": "memberships",
                "ordering": ("tenant__name", "user__username"),
            },
        ),
        migrations.CreateModel(
            name="Setting",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.kernel.models.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("namespace", models.CharField(max_length=40, verbose_name="namespace")),
                ("key", models.CharField(max_length=120, verbose_name="key")),
                ("value", models.JSONField(null=True, verbose_name="value")),
                (
                    "value_type",
                    models.CharField(
                        choices=[
                            ("string", "string"),
                            ("number", "number"),
                            ("boolean", "boolean"),
                            ("json", "json"),
                        ],
                        max_length=8,
                        verbose_name="type",
                    ),
                ),
                (
                    "updated_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "setting",
                "verbose_name_plural": "settings",
                "ordering": ("namespace", "key"),
            },
        ),
        migrations.CreateModel(
            name="SettingsVersion",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="settings_version_is_one_row"
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="refreshtoken",
            index=models.Index(fields=["user", "family"], name="refresh_token_family"),
        ),
        migrations.AddIndex(
            model_name="refreshtoken",
            index=models.Index(fields=["family_expires_at"], name="refresh_token_expiry"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(
                fields=("tenant", "user"), name="membership_once_per_tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="setting",
            constraint=models.UniqueConstraint(
                fields=("namespace", "key"), name="setting_once_per_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="setting",
            constraint=models.CheckConstraint(
                condition=models.Q(("value_type__in", ["string", "number", "boolean", "json"])),
                name="setting_value_type_is_known",
            ),
        ),
        PlatformTable(
            "portal_user", runtime=f"SELECT, UPDATE ({OWN_COLUMNS})", dispatch="SELECT (id)"
        ),
        PlatformTable("portal_role"),
        PlatformTable("portal_setting"),
        PlatformTable("portal_settingsversion"),
        SelfTable("portal_membership"),
        SelfTable("portal_refreshtoken", tenant_column="", runtime="SELECT, INSERT, UPDATE"),
        SelfTable("billing_tenant", tenant_column="id", user_predicate=IS_MEMBER),
    ]
