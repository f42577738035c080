"""What people would read and nobody marked: words of templates outside tags, sentences of code outside calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
SAMPLES = "portal/gallery/examples"
NAMES = re.compile(
    r"/etc/uhub-probe\.env|\b(uHub|vCPU|VMID|CSV|JSONL?|Grafana|Ctrl|Alt|Del|Esc|Tab|web-04|ada|True|False|specimen\.source|MB/s|ms)\b"
)
"""Proper names, keys, units of physics and examples: the same in every language."""
_ATTRIBUTES = re.compile(
    r"(?<![:\w-])(?:aria-label|aria-description|title|placeholder|alt|label|sub|note|text|confirm|unit|hint"
    r'|data-[a-z-]*(?:text|label|title|open|asking|lost|said|word))="([^"]*)"'
)
_UNSEEN = re.compile(
    r"{% comment %}.*?{% endcomment %}|{#.*?#}|{% blocktranslate.*?{% endblocktranslate %}"
    r"|<(?P<tag>script|style|code)\b.*?</(?P=tag)>",
    re.DOTALL,
)
_WORD = re.compile(r"[^\W\d_]{2,}")

APPS = ("portal", "provisioning", "projects", "incidents", "billing", "audit")
APART = frozenset({"migrations", "management", "database"})
"""Files of these folders talk to a terminal or to PostgreSQL."""
SPOKEN_ELSEWHERE = {
    "portal/api/auth.py": "OAuth's answers are in OAuth's English",
    "portal/api/authentication.py": "a header",
    "portal/kernel/api/schema.py": "the API's description is English",
    "portal/checks.py": "system checks talk to a terminal",
    "portal/kernel/exposition.py": "help of figures, which programs read",
    "portal/logic/agents.py": "names of programs",
    "portal/services/exposition.py": "help of figures, which programs read",
    "portal/tasks.py": "a worker's own complaint in a terminal",
    "portal/web/gallery_samples.py": "samples of the gallery",
    "provisioning/logic/demo.py": "the demo's own data",
    "provisioning/logic/demo_parts.py": "the demo's own data",
    "provisioning/logic/webhook_events.py": "messages to programs",
    "provisioning/services/alert_rules.py": "names of rows at first, which people change",
    "provisioning/services/demo_parts.py": "the demo's own data",
    "provisioning/services/exposition.py": "help of figures, which programs read",
    "provisioning/services/webhooks.py": "a message to programs",
}
_TRANSLATING = re.compile(r"^(_|n?p?gettext(_lazy|_noop)?|stored_text|told_text)$")
_FOR_PROGRAMMERS = frozenset(
    {"ValueError", "KeyError", "TypeError", "LookupError", "RuntimeError", "AssertionError"}
    | {"ImproperlyConfigured", "NotImplementedError", "CommandError", "IconDoesNotExist"}
    | {
        "OpenApiExample",
        "OpenApiParameter",
        "OpenApiResponse",
        "extend_schema",
        "inline_serializer",
    }
)
_TALKERS = frozenset({"_log", "log", "logger", "models", "re", "serializers"})
_SENTENCE = re.compile(r"[A-Z][a-z]+(?:'s)? \S.*|.* .*[a-z][.?!]", re.DOTALL)
_OTHER_TONGUES = re.compile(r"\b(SELECT|INSERT|UPDATE|CREATE|DELETE FROM)\b|<\w+")


def template_texts() -> Iterator[str]:
    """`file: words` of every text and speaking attribute that is not translated."""
    for path in sorted([*TEMPLATES.rglob("*.html"), *TEMPLATES.rglob("*.txt")]):
        name = str(path.relative_to(TEMPLATES))
        if name.startswith(SAMPLES):
            continue
        source = _UNSEEN.sub(" ", path.read_text(encoding="utf-8"))
        source = re.sub(r"{%.*?%}|{{.*?}}|&\w+;", " ", source, flags=re.DOTALL)
        said = [*_ATTRIBUTES.findall(source), *re.sub(r"<[^>]*>", "\n", source).split("\n")]
        yield from (f"{name}: {' '.join(text.split())}" for text in said if _is_said(text))


def _is_said(text: str) -> bool:
    return bool(_WORD.search(NAMES.sub("", text)))


def python_sentences() -> Iterator[str]:
    """`file:line: sentence` of every literal that reads like one and passes no translating call."""
    for path in sorted(path for app in APPS for path in (ROOT / app).rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if name in SPOKEN_ELSEWHERE or APART & set(path.parts):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        left_alone = {id(node) for node in _left_alone(tree)}
        for node in ast.walk(tree):
            text = _literal(node)
            is_said = _SENTENCE.fullmatch(text) and not _OTHER_TONGUES.search(text)
            if is_said and id(node) not in left_alone:
                yield f"{name}:{node.lineno}: {text[:80]}"  # type: ignore[attr-defined]


def _left_alone(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield from node.values
        elif isinstance(node, ast.Call) and _is_silent(node.func):
            yield from ast.walk(node)


def _is_silent(function: ast.expr) -> bool:
    """Whether what a call is given is translated there, or for programmers."""
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    owner = getattr(getattr(function, "value", None), "id", "")
    return bool(_TRANSLATING.match(name)) or name in _FOR_PROGRAMMERS or owner in _TALKERS


def _literal(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
        return "".join(map(str, parts))
    return ""
