"""What every environment shares, in parts."""

from __future__ import annotations

from config.settings.parts.admin import *  # noqa: F403
from config.settings.parts.api import *  # noqa: F403
from config.settings.parts.apps import *  # noqa: F403
from config.settings.parts.cache import *  # noqa: F403
from config.settings.parts.celery import *  # noqa: F403
from config.settings.parts.database import *  # noqa: F403
from config.settings.parts.engine import *  # noqa: F403
from config.settings.parts.logs import *  # noqa: F403
from config.settings.parts.metrics import *  # noqa: F403
from config.settings.parts.providers import *  # noqa: F403
from config.settings.parts.provisioning import *  # noqa: F403
from config.settings.parts.security import *  # noqa: F403
from config.settings.parts.templates import *  # noqa: F403
from config.settings.parts.web import *  # noqa: F403
