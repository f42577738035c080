"""Code and logs line by line: numbers that are links, words in the colour of their kind."""

from __future__ import annotations

import re
from functools import lru_cache

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

_COMMENT = r"(?P<comment>(?:^|(?<=\s))#[^\n]*)"
_STRING = r"(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
_NUMBER = r"(?P<number>(?<![\w.-])-?\d+(?:\.\d+)?(?![\w.]))"
_LANGUAGES = {
    "html": (
        r"(?P<comment>\{#.*?#\}|<!--.*?-->)",
        r"(?P<word>\{%.*?%\}|\{\{.*?\}\})",
        r"(?P<key></?[\w-]+|/?>)",
        _STRING,
    ),
    "yaml": (
        _COMMENT,
        r"(?P<key>^\s*(?:-\s+)*[\w./-]+(?=:(?:\s|$)))",
        _STRING,
        r"(?P<word>\b(?:true|false|null|yes|no)\b)",
        _NUMBER,
    ),
    "json": (
        r"(?P<key>\"(?:[^\"\\\n]|\\.)*\"(?=\s*:))",
        _STRING,
        r"(?P<word>\b(?:true|false|null)\b)",
        _NUMBER,
    ),
    "ini": (
        r"(?P<comment>^\s*[#;][^\n]*)",
        r"(?P<word>^\s*\[[^\]\n]+\])",
        r"(?P<key>^\s*[\w.-]+(?=\s*=))",
        _STRING,
    ),
    "shell": (
        _COMMENT,
        _STRING,
        r"(?P<word>\b(?:if|then|else|fi|for|do|done|while|case|esac|export|exit|return|sudo)\b)",
        r"(?P<key>\$\{?\w+\}?|(?<=\s)--?[\w-]+)",
        _NUMBER,
    ),
    "python": (
        _COMMENT,
        _STRING,
        r"(?P<word>\b(?:and|as|class|def|elif|else|except|False|for|from|if|import|in|is|None|not|or|raise|return|True|try|while|with|yield)\b)",
        r"(?P<key>(?<=def )\w+|(?<=class )\w+)",
        _NUMBER,
    ),
}


@register.simple_tag
def code_lines(text: str, language: str = "text", block: str = "") -> SafeString:
    """Every line with its number; in a block with an id the number links to the line."""
    lines = (
        (_number(block, number), _coloured(line, language))
        for number, line in enumerate(str(text).splitlines(), start=1)
    )
    return format_html_join("", '<span class="l">{}<span>{}</span></span>', lines)


def _number(block: str, number: int) -> SafeString:
    if not block:
        return format_html('<span class="n" aria-hidden="true">{}</span>', number)
    return format_html('<a class="n" id="{0}-L{1}" href="#{0}-L{1}">{1}</a>', block, number)


def _coloured(line: str, language: str) -> SafeString:
    pattern = _pattern(language)
    if pattern is None:
        return format_html("{}", line)
    parts, end = [], 0
    for match in pattern.finditer(line):
        parts += [("", line[end : match.start()]), (match.lastgroup or "", match.group())]
        end = match.end()
    parts.append(("", line[end:]))
    return format_html_join("", "{}", ((_word(kind, text),) for kind, text in parts if text))


def _word(kind: str, text: str) -> SafeString:
    return format_html('<i class="{}">{}</i>', kind, text) if kind else format_html("{}", text)


@lru_cache(maxsize=16)
def _pattern(language: str) -> re.Pattern[str] | None:
    rules = _LANGUAGES.get(language)
    return re.compile("|".join(rules)) if rules else None
