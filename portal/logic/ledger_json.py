"""JSON as the ledger holds it, so that a handler sees what its caller was answered."""

from __future__ import annotations

from typing import Any, Final

import orjson
from django.core.serializers.json import DjangoJSONEncoder

_OPTIONS: Final = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
_ENCODER: Final = DjangoJSONEncoder()


def ledger_dumped(value: Any) -> str:
    """The value as text; moments and decimals as Django writes them. Raises TypeError for what is no JSON."""
    return orjson.dumps(value, default=_ENCODER.default, option=_OPTIONS).decode()
