"""What fits a chat model's window, and what the server counted of it."""

from __future__ import annotations

from search import budget
from search.ollama.client import Client
from search.records import ChunkRef, DocumentRef
from search.replies import Source
from tests.fake_ollama import FakeOllama


def long_sources(count: int, words: int = 400) -> tuple[Source, ...]:
    text = " ".join(f"word{n % 50}" for n in range(words))
    chunk = ChunkRef("id", text, 0, len(text), None, ())
    return tuple(Source(n, DocumentRef("/r", f"{n}.md", "", "md"), chunk) for n in range(1, count + 1))


def test_the_window_is_that_of_the_loaded_model(fake_ollama: FakeOllama) -> None:
    """Not the one that the model was trained with; before it is loaded, Ollama's default."""
    with Client(fake_ollama.url) as client:
        assert budget.window(client, "llama3") == budget.DEFAULT_WINDOW
        fake_ollama.window = 2048
        client.chat("llama3", [])
        assert budget.window(client, "llama3") == 2048
        fake_ollama.fault("no_route", route="/api/ps")
        assert budget.window(client, "llama3") == budget.DEFAULT_WINDOW


def test_the_last_passages_are_left_out_until_the_rest_fits() -> None:
    """With room for the answer; the best one stays in any case."""
    plan = budget.plan("Which word?", long_sources(20), 4096)
    assert 1 <= len(plan.sources) < 20
    assert plan.tokens <= 4096 - budget.ANSWER_MOST
    assert plan.sources + plan.left_out == long_sources(20)
    assert budget.plan("Which word?", long_sources(3, 9000), 4096).sources == long_sources(1, 9000)


def test_passages_that_a_count_cannot_cover_were_not_read() -> None:
    """The server keeps the end of a prompt, so the first ones are lost; a count of 0 says nothing."""
    plan = budget.plan("Which word?", long_sources(4), 8192)
    assert budget.unread(plan, plan.tokens) == ()
    assert budget.unread(plan, 0) == ()
    lost = budget.unread(plan, plan.tokens // 2)
    assert lost == plan.sources[: len(lost)]
    assert 1 <= len(lost) < 4
