"""Reading and changing system settings; every process sees a change within a quarter of a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F

from audit.logic.event_records import SYSTEM
from audit.services import trail
from portal.errors import UnknownSetting
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Fault, InvalidInput
from portal.kernel.settings import SettingDefinition, setting_definition, setting_definitions
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias
from portal.models import Setting, SettingsVersion
from portal.permissions import Permission
from portal.tags import Tag

CHECK_EVERY_S = 0.25
_log = structlog.get_logger(SYSTEM)


class _Cache:
    """The values as of one version number; the number is asked for at most every quarter of a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: Mapping[str, Any] = {}
        self._number: int | None = None
        self._checked_at = 0.0

    def values(self) -> Mapping[str, Any]:
        with self._lock:
            if time.monotonic() - self._checked_at >= CHECK_EVERY_S:
                self._refresh()
            return self._values

    def forget(self) -> None:
        with self._lock:
            self._checked_at = 0.0
            self._number = None

    def _refresh(self) -> None:
        # The number is read before the values: values newer than their number are read again, never kept.
        number = SettingsVersion.objects.values_list("number", flat=True).first() or 0
        if number != self._number:
            rows = Setting.objects.values_list("namespace", "key", "value")
            self._values = {f"{namespace}.{key}": value for namespace, key, value in rows}
            self._number = number
        self._checked_at = time.monotonic()


_cache = _Cache()


def setting_get(name: str) -> Any:
    """The value in force: the row's, else the default.

    Raises:
        KeyError: nobody registered a setting of this name.
    """
    definition = setting_definition(name)
    return _cache.values().get(name, definition.default)


def settings_forget() -> None:
    """Drops what this process remembers, for tests that empty the tables under it."""
    _cache.forget()


def setting_change(*, actor: Actor, name: str, value: Any) -> Setting:
    """Validates and stores a value, with its audit entry and the version that tells other processes.

    Raises:
        Refused: the actor may not change settings.
        UnknownSetting: there is none of this name.
        InvalidInput: the value has the wrong type or breaks the setting's rule.
    """
    authorize(actor, Permission.SETTINGS_MANAGE)
    definition = _definition(name)
    fault = definition.fault(value)
    if fault:
        raise InvalidInput(faults=(Fault("value", "invalid", f"{name}: {fault}"),))
    with platform_alias(), transaction.atomic(using=PLATFORM):
        _version_advance()
        setting = _locked(definition)
        before = setting.value
        if before != value:
            setting.value = value
            setting.updated_by_id = actor.user_id
            setting.save(using=PLATFORM)
            trail.record(
                tag=Tag.SETTING_CHANGED,
                target=setting,
                before={"value": before},
                after={"value": value},
                actor=actor,
                tenant_id=PLATFORM_TENANT_ID,
            )
        transaction.on_commit(_cache.forget, using=PLATFORM)
    if before != value:
        _log.info("setting.changed", setting=name, by=actor.label)
    return setting


def settings_lock() -> None:
    """Holds other changes of settings back until the open transaction of the platform's role ends."""
    SettingsVersion.objects.using(PLATFORM).get_or_create(id=1)
    SettingsVersion.objects.using(PLATFORM).select_for_update().get(id=1)


def settings_ensure() -> int:
    """Makes the version row and a row for each registered setting that has none; answers how many."""
    with platform_alias(), transaction.atomic(using=PLATFORM):
        SettingsVersion.objects.get_or_create(id=1)
        known = set(Setting.objects.values_list("namespace", "key"))
        missing = [
            Setting(
                namespace=definition.namespace,
                key=definition.key,
                value=definition.default,
                value_type=definition.value_type,
            )
            for definition in setting_definitions()
            if (definition.namespace, definition.key) not in known
        ]
        Setting.objects.bulk_create(missing, ignore_conflicts=True)
        if missing:
            _version_advance()
            transaction.on_commit(_cache.forget, using=PLATFORM)
    return len(missing)


def _definition(name: str) -> SettingDefinition:
    try:
        return setting_definition(name)
    except KeyError as error:
        raise UnknownSetting from error


def _locked(definition: SettingDefinition) -> Setting:
    setting, _ = Setting.objects.select_for_update().get_or_create(
        namespace=definition.namespace,
        key=definition.key,
        defaults={"value": definition.default, "value_type": definition.value_type},
    )
    return setting


def _version_advance() -> None:
    """Moves the number first: its row lock makes changes of settings follow one another."""
    SettingsVersion.objects.get_or_create(id=1)
    SettingsVersion.objects.filter(id=1).update(number=F("number") + 1)
