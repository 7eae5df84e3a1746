"""Words of queries and texts: stop words go, identifiers count whole and in parts, a query's words meet a text's."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import keywords, stems


def meets(query: str, text: str) -> bool:
    """Whether each word sought is among the text's terms."""
    analysis = keywords.analyse(text)
    return all(keywords.keys(word, [analysis.language]) & analysis.counts.keys() for word in keywords.sought(query))


def test_stop_words_are_dropped_and_repeats_too() -> None:
    """A natural question is searched for by what it is about."""
    assert keywords.terms("Where are the vectors of a space, the vectors?") == ["vectors", "space"]


def test_small_words_of_the_querys_language_are_dropped() -> None:
    """Two of them tell the language; a single one may be a name."""
    assert keywords.terms("Wie heißt die Hauptstadt von Portugal?") == ["heißt", "hauptstadt", "portugal"]
    assert keywords.terms("В каком году была основана Москва и кто её основал?") == [
        "году",
        "основана",
        "москва",
        "основал",
    ]
    assert keywords.terms("die hard") == ["die", "hard"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("Что такое сепсис?", ["такое", "сепсис"]),
        ("Сколько пищи съедает гребневик?", ["пищи", "съедает", "гребневик"]),
        ("ماذا يعني رودوفيت؟", ["يعني", "رودوفيت"]),
        ("Wann starb Goethe?", ["starb", "goethe"]),
        ("Welches Tier fliegt?", ["tier", "fliegt"]),
        ("¿Cuántos barcos llegaron?", ["barcos", "llegaron"]),
    ],
)
def test_question_words_are_dropped(query: str, words: list[str]) -> None:
    """One is enough to tell the language of a question, and in another script any small word is."""
    assert keywords.terms(query) == words
    assert not keywords.is_english(query)


@pytest.mark.parametrize("query", ["What do Beriods use as teeth?", "wer of whisper", "How can you protest?"])
def test_what_english_shares_with_other_languages_does_not_make_it_one(query: str) -> None:
    """Small words such as "do" and "can", and abbreviations such as WER, are not enough."""
    assert keywords.is_english(query)


def test_single_characters_of_chinese_are_sought_too() -> None:
    """Pairs across two words are no words; particles and question words alone say nothing."""
    assert keywords.sought("校园的河") == ["校园", "园的", "的河", "校", "园", "河"]
    assert keywords.sought("什么是河") == ["什么", "么是", "是河", "是", "河"]
    assert keywords.sought("ไทย") == ["ไท", "ทย"]


def test_a_query_of_stop_words_keeps_them() -> None:
    """To be or not to be is a query too."""
    assert keywords.terms("to be or not to be") == ["to", "be", "or", "not"]


def test_identifiers_are_sought_whole_and_in_parts() -> None:
    """Answers compare plain words, so `terms` has the parts alone."""
    assert keywords.terms("prompt_eval_count") == ["prompt", "eval", "count"]
    assert keywords.sought("prompt_eval_count") == ["prompt_eval_count", "prompt", "eval", "count"]
    assert keywords.sought("search.store.sqlite") == ["search.store.sqlite", "search", "store", "sqlite"]
    assert keywords.sought("std::vec::Vec") == ["std::vec::vec", "std", "vec"]
    assert keywords.sought("parseUserName") == ["parse", "user", "name", "parseusername"]
    assert keywords.sought("HTTPServer SQLite E0382") == ["http", "server", "httpserver", "sqlite", "e0382"]


def test_a_hyphen_may_be_left_out() -> None:
    """What it divides is sought in parts and as one word; two numbers are not one number."""
    assert keywords.terms("up-regulated IL-6") == ["regulated", "il", "6"]
    assert keywords.sought("up-regulated IL-6") == ["regulated", "upregulated", "il", "6", "il6"]
    assert keywords.sought("double-blind-tested") == ["double", "blind", "tested", "doubleblind", "blindtested"]
    assert keywords.sought("2026-03-31") == ["2026", "03", "31"]
    assert keywords.sought("- a_b-c --flag") == ["a_b", "b", "c", "flag"]
    assert keywords.keys("email", ["english"]) & keywords.analyse("send it by e-mail").counts.keys()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("email", "send an e-mail"),
        ("Covid19", "after Covid\u201019"),
        ("deleting", "Deleted files are gone."),
        ("getusername", "call getUserName() first"),
        ("user name", "call getUserName() first"),
        ("E0382", "error[E0382]: use of moved value"),
        ("prompt_eval_count", "the field `prompt_eval_count` counts"),
        ("eval", "the field `prompt_eval_count` counts"),
        ("cafe", "Le café est dans la rue de la gare."),
        ("café", "Le cafe est dans la rue de la gare."),
        ("organizacion", "La organización de los países de la región."),
        ("organizaciones", "La organización de los países de la región."),
        ("Haus", "Die Häuser der Stadt sind nicht alt, und das ist gut."),
        ("hauser", "Die Häuser der Stadt sind nicht alt, und das ist gut."),
        ("strasse", "Die Straße ist mit dem Wagen nicht zu befahren."),
        ("cidades", "A cidade do Porto não é a capital, mas é uma das maiores."),
        ("كاليفورنيا", "المدن الكبرى لكاليفورنيا"),
        ("لكاليفورنيا", "ولاية كاليفورنيا في الغرب"),
        ("بأبولو", "برنامج أبولو"),
        ("книги", "Он читал книгу о войне и мире."),
        ("елка", "В лесу родилась ёлка"),
        ("مدرسة", "ذهب الطالب إلى المَدْرَسَة في الصباح"),
        ("المدرسة", "بنى مدرسة في المدينة"),
        ("首都", "日本の首都です"),
        ("都", "日本の首都です"),
        ("ภาษา", "ฉันเรียนภาษาไทย"),
        ("データ", "このデータベースは速い"),
        ("ﾃﾞｰﾀ", "このデータベースは速い"),
        ("학교", "나는 학교에서 공부한다"),
        ("किताब", "यह एक किताब है"),
        ("Überraschung", "U\u0308berraschung"),
        ("kooperation", "Ko\u00adopera\u00adtion"),
    ],
)
def test_a_word_is_found_in_another_form(query: str, text: str) -> None:
    """Inflected, without its accent, inside a run without spaces, composed otherwise, in the text's own language."""
    assert meets(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [("universe", "the university"), ("ano", "a nova canoa"), ("E0382", "E0383"), ("東京", "京東"), ("й", "и")],
)
def test_another_word_is_not_found(query: str, text: str) -> None:
    """Stems and bigrams are not letters in common."""
    assert not meets(query, text)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("the cat is on the mat", "english"),
        ("der Hund und die Katze sind im Garten", "german"),
        ("o gato não está em casa, mas a porta foi aberta pela vizinha", "portuguese"),
        ("el gato está en la casa y no quiere salir con los perros", "spanish"),
        ("le chat est dans la maison et ne sort pas", "french"),
        ("for i in range(10): print(a, o, e)", "english"),
        ("", "english"),
    ],
)
def test_the_language_is_that_of_the_small_words(text: str, language: str) -> None:
    """English where they don't tell: code, names, numbers."""
    assert keywords.analyse(text).language == language


def test_a_texts_length_counts_its_words_and_not_other_ways_to_find_them() -> None:
    """Otherwise an accent would make a passage longer and rank it lower."""
    assert keywords.analyse("La organización de los países").length == 5
    assert keywords.analyse("首都圏").length == 2


@given(st.text(st.sampled_from("ab.:_A1 \u00a0«»–—‘’“”•…→─✅\ufe0f🚀🏽")))
def test_signs_of_typographers_part_words_as_a_space_does(text: str) -> None:
    """By the short way for texts that are ASCII otherwise, and by the long one."""
    assert list(keywords._tokens(text)) == list(keywords._any_tokens(text))


def test_no_sign_that_parts_words_is_or_becomes_a_letter() -> None:
    """Each of them, by the long way."""
    signs = [sign for sign in map(chr, range(sys.maxunicode + 1)) if keywords._PUNCTUATION.match(sign)]
    assert len(signs) > 1_000
    assert all(list(keywords._any_tokens(f"a{sign}b")) == ["a", "b"] for sign in signs)


@given(st.text())
def test_every_text_has_terms_or_no_words(text: str) -> None:
    """No text makes it fail, and no term holds white space."""
    assert all(term.split() == [term] for term in keywords.terms(text))


@given(st.text(), st.sampled_from(sorted(stems.FUNCTION_WORDS.keys() - {"russian", "arabic"})))
def test_a_text_is_found_by_its_own_words(text: str, language: str) -> None:
    """Whatever a text is, a query of the same words meets it, whichever other languages the index holds."""
    analysis = keywords.analyse(text)
    for word in keywords.sought(text):
        assert keywords.keys(word, [language, analysis.language]) & analysis.counts.keys()


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("where are the vectors kept", True),
        ("SQLite", True),
        ("the angle α", True),
        ("", True),
        ("wo werden die Vektoren in der Datei gespeichert", False),
        ("где хранятся векторы", False),
        ("索引在哪里", False),
        ("أين يقع الفهرس", False),
    ],
)
def test_english_is_told_by_script_and_small_words(text: str, english: bool) -> None:
    """What does not tell counts as English."""
    assert keywords.is_english(text) is english


@given(st.text(st.sampled_from("abcXYZ019 _.:-\u2010\u00adéßİıΣς²½ﬁ\u0301т漢か글ไע\u05b8َ…'\n\U00020000"), max_size=30))
def test_words_do_not_depend_on_how_they_are_found(text: str) -> None:
    """A Chinese character elsewhere in the text, which makes it be read with more care, changes none of the others."""
    assert keywords.words(f"{text} 漢") == [*keywords.words(text), "漢"]
