"""Static files, Vite, internationalisation, messages, storage, mail."""

from __future__ import annotations

import re

from config import env
from config.env import BASE_DIR

STATE_DIR = BASE_DIR / env.text("STATE_DIR", ".state")

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "dist"] if (BASE_DIR / "dist").exists() else []
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": env.directory("STORAGE_URL", STATE_DIR / "files")},
    },
    "staticfiles": {"BACKEND": "portal.kernel.web.staticfiles.PortalStaticStorage"},
}
_IMMUTABLE = re.compile(r"^/static/.+[.-][0-9a-zA-Z_-]{8,12}\..+$")


def immutable_file_test(_path: str, url: str) -> bool:
    """Whether whitenoise may let browsers keep the file for ever: its name carries a hash."""
    return bool(_IMMUTABLE.match(url))


WHITENOISE_IMMUTABLE_FILE_TEST = immutable_file_test
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = [
    *("jpg", "jpeg", "png", "gif", "webp", "zip", "gz", "tgz", "bz2", "tbz", "xz", "br"),
    *("swf", "flv", "woff", "woff2", "avif", "map"),
]
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
DJANGO_VITE = {
    "default": {
        "manifest_path": BASE_DIR / "dist" / "manifest.json",
        "static_url_prefix": "",
        "dev_mode": False,
    }
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"


vars().update(env.email("EMAIL_URL", f"filemail:///{STATE_DIR / 'mail'}"))
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "uhub@localhost")
EMAIL_TIMEOUT = 20
PUBLIC_URL = (env.text("PUBLIC_URL", "") or f"http://127.0.0.1:{env.number('PORT', 8000)}").rstrip(
    "/"
)
