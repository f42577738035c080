"""Hashed, compressed static files: Vite's own hashes are kept, all others get Django's."""

from __future__ import annotations

from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


class PortalStaticStorage(CompressedManifestStaticFilesStorage):
    """Without the exception an ES module would be loaded under two names and run twice."""

    def file_hash(self, name: str | None, content: Any = None) -> str | None:
        if (name or "").startswith("assets/"):
            return None
        return super().file_hash(name, content)
