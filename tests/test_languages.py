"""Which language a document is in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from search import languages

PROJECT = Path(__file__).parents[1]

TEXTS = {
    "en": "The vectors are kept in one file, which can be copied while nobody writes to it.",
    "de": "Die Vektoren stehen in einer Datei, die man kopieren kann, solange niemand hineinschreibt.",
    "pl": "Wektory są przechowywane w jednym pliku, który można skopiować, gdy nikt do niego nie pisze.",
    "sv": "Vektorerna ligger i en fil som kan kopieras medan ingen skriver till den.",
    "zh": "向量保存在一个文件中，只要没有人写入，就可以复制该文件。搜索时按照含义和关键字对段落进行排序。",
}


@pytest.mark.parametrize("language", TEXTS)
def test_prose_is_told_by_its_text(language: str) -> None:
    """Whatever a template says of its language."""
    assert languages.of("docx", TEXTS[language], {"language": "fr-FR"}) == language


def test_plain_english_needs_no_model() -> None:
    """Its small words tell; those of other languages, however many names or quotes are English, do not."""
    english = "The index is kept in one file, which can be copied to another machine by hand if it is not in use."
    program = "import sys; from langs import of; print(of('txt', sys.argv[1], {}), 'py3langid' in sys.modules)"
    command = [sys.executable, "-c", program.replace("langs", "search.languages")]
    for text, said in ((english, "en False"), (TEXTS["de"] + " of the and to is that", "de True")):
        done = subprocess.run([*command, text], capture_output=True, text=True, check=True, cwd=PROJECT)
        assert done.stdout.strip() == said


def test_code_is_in_its_programming_language() -> None:
    """The comments' language is another matter."""
    assert languages.of("code", TEXTS["de"], {"language": "python"}) == "python"


@pytest.mark.parametrize(
    "text",
    [
        "Series 1\n\nCategory 1 Category 2 Category 3 Category 4\n\n4.3 2.5 3.5 4.5",
        "model,year,price\nTucson,2017,7224\nKona,2019,9100\nTucson,2016,6500\nIoniq,2018,12000\n",
    ],
)
def test_a_table_of_names_is_in_no_language(text: str) -> None:
    """A guess would be offered as a filter, and would be wrong."""
    assert languages.of("xlsx", text, {}) == ""
    assert languages.of("xlsx", text, {"language": "de-DE"}) == "de"


@pytest.mark.parametrize(("stated", "expected"), [("de-AT", "de"), ("EN", "en"), ("", "")])
def test_a_text_too_short_to_tell_is_what_it_says_it_is(stated: str, expected: str) -> None:
    """And nothing where it says nothing."""
    assert languages.of("html", "1234 - 5678", {"language": stated}) == expected


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ("Which team won the final?", "en"),
        ("Welche Mannschaft gewann und wer war der Trainer?", "de"),
        ("¿Cuántos puntos permitió la defensa de los Panthers?", "es"),
        ("Kto był prezydentem i jaki jest wynik?", "pl"),
        ("Сколько очков пропустила защита?", "ru"),
        ("防守丢了多少分", "zh"),
        ("كم عدد النقاط", "ar"),
    ],
)
def test_a_query_tells_its_language_by_script_or_small_words(query: str, language: str) -> None:
    """Languages that look like it are named with it, and no others: English may not be one of them by chance."""
    assert language in languages.of_query(query)
    assert language == "en" or "en" not in languages.of_query(query)


@pytest.mark.parametrize(
    "query", ["", "42", "Super Bowl", 'Wer schrieb "The Tyranny of Greece"?', "the", "μ of 3 σ", "x = y"]
)
def test_a_query_that_tells_no_language_is_in_none(query: str) -> None:
    """A few words may be of any, one small word may be a part of a name, and several those of a title."""
    assert languages.of_query(query) == frozenset()


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ("Was hat Charles Darwin in seinem Hauptwerk bewiesen?", "de"),
        ("Wie viele Menschen leben in Frankreich?", "de"),
        ("O que era o calculador analítico?", "pt"),
        ("What year did Tesla die in a hotel?", "en"),
    ],
)
def test_small_words_that_two_languages_have_do_not_mislead(query: str, language: str) -> None:
    """ "Was" and "in" are German too, and "die" is English."""
    assert languages.of_query(query) in (frozenset(), languages.of_query(query) | {language})
