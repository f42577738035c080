"""What fits a text, and how well: accents, word starts, scattered letters, one letter wrong."""

from __future__ import annotations

import pytest

from portal.kernel.matching import match, one_off, pieces, words_of

FITTING = [
    ("deploi", "Déploiement", [("Déploi", True), ("ement", False)]),
    ("ÉLOD", "élodie", [("élod", True), ("ie", False)]),
    ("web 04", "web-04", [("web", True), ("-", False), ("04", True)]),
    ("web04", "web-04", [("web", True), ("-", False), ("04", True)]),
    ("api", "prod-api-03", [("prod-", False), ("api", True), ("-03", False)]),
    (
        "wl4",
        "web-linux-04",
        [("w", True), ("eb-", False), ("l", True), ("inux-0", False), ("4", True)],
    ),
    ("wbe-04", "web-04", [("web-04", True)]),
    ("servr", "server", [("serv", True), ("e", False), ("r", True)]),
    ("serwer", "server", [("server", True)]),
]


@pytest.mark.parametrize(("line", "title", "marked"), FITTING, ids=lambda one: str(one)[:20])
def test_letters_that_fit_are_marked(line: str, title: str, marked: list[tuple[str, bool]]) -> None:
    found = match(words_of(line), title)
    assert found is not None
    assert pieces(title, found.spans) == marked


@pytest.mark.parametrize(
    ("line", "title"),
    [("wbe", "web"), ("04 x", "web-04"), ("bew", "web-04"), ("zzzz", "web-04"), ("eb04", "wob-14")],
)
def test_what_is_too_far_away_does_not_fit(line: str, title: str) -> None:
    assert match(words_of(line), title) is None


def test_the_better_fit_comes_first() -> None:
    titles = ["my-web", "cobweb", "web", "web-04", "w-e-b"]
    scores = {title: found.score for title in titles if (found := match(("web",), title))}
    assert sorted(scores, key=lambda title: -scores[title]) == [
        "web",
        "web-04",
        "my-web",
        "cobweb",
        "w-e-b",
    ]


def test_keywords_are_found_but_count_less() -> None:
    by_title, by_keyword = match(("ada",), "Ada"), match(("ada",), "Grace", ("ada",))
    assert by_title is not None
    assert by_keyword is not None
    assert by_title.score > by_keyword.score
    assert by_keyword.spans == ()


@pytest.mark.parametrize(
    ("one", "other", "is_one_off"),
    [
        ("abcd", "abcd", True),
        ("abcd", "abxd", True),
        ("abcd", "abd", True),
        ("abd", "abcd", True),
        ("abcd", "acbd", True),
        ("abcd", "abdcx", False),
        ("abcd", "badc", False),
        ("abcd", "ab", False),
    ],
)
def test_one_letter_may_be_wrong(one: str, other: str, is_one_off: bool) -> None:
    assert one_off(one, other) is is_one_off


def test_what_anybody_sends_is_bounded() -> None:
    assert words_of("a " * 500) == ("a",) * 8
    assert words_of("x" * 5_000) == ("x" * 200,)
    assert words_of("a\x00b") == ("a", "b")
