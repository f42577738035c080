"""A web process that is measured: the test database, and otherwise what production has."""

from __future__ import annotations

from config.settings.test import *  # noqa: F403
from config.settings.test import DATABASES

WHITENOISE_AUTOREFRESH = False
for _alias in ("default", "platform", "dispatch"):
    DATABASES[_alias]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 8, "timeout": 10}
