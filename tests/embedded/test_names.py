"""Model names as Ollama reads them."""

from __future__ import annotations

import pytest

from search.embedded import names


@pytest.mark.parametrize(
    "text",
    [
        "all-minilm",
        "ALL-MiniLM",
        "all-minilm:latest",
        "all-minilm:LATEST",
        "library/all-minilm",
        "registry.ollama.ai/library/all-minilm:latest",
    ],
)
def test_the_same_model_by_any_of_its_names(text: str) -> None:
    name, model = names.parse(text), names.parse("all-minilm")
    assert name is not None
    assert model is not None
    assert name.matches(model)


@pytest.mark.parametrize("text", ["all-minilm:33m", "me/all-minilm", "example.com/library/all-minilm", "all-minilm2"])
def test_another_model(text: str) -> None:
    name, model = names.parse(text), names.parse("all-minilm")
    assert name is not None
    assert model is not None
    assert not name.matches(model)


@pytest.mark.parametrize("text", ["", "a b", "a\n", ":latest", "a:", "/a", "a/b/c/d", "ä", "-a", "a" * 81])
def test_no_name_at_all(text: str) -> None:
    assert names.parse(text) is None


@pytest.mark.parametrize(
    ("text", "short"),
    [("a", "a:latest"), ("b/a:1", "b/a:1"), ("h.com/library/a", "h.com/library/a:latest")],
)
def test_the_short_form_leaves_the_defaults_out(text: str, short: str) -> None:
    name = names.parse(text)
    assert name is not None
    assert name.short == short
