"""A fake Ollama on a real socket: implements what is used, counts its calls, fails on demand.

    with FakeOllama() as fake:
        client = Client(fake.url)
        fake.fault("busy", times=2, retry_after=1)
        ...
        assert fake.calls["/api/embed"] == 3

What its models compute stands in `fake_models`, how it can fail in `fake_faults`. Embedding inputs over the
model's limit are refused with truncate false and cut with truncate true, as by the real server.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, Self

from tests import fake_chat, fake_models
from tests.fake_chat import Refusal
from tests.fake_faults import FAULTS, MODEL_ROUTES, Fault, reply
from tests.fake_http import Answer, Request, Server, Step
from tests.fake_models import STANDARD, FakeModel, Json, Reply

VERSION = "0.33.0"
RUNNER_OPTIONS = ("num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread")
DEFAULT_WINDOW = 4096


class FakeOllama:
    """One server. What it was asked is in `calls`, `requests` and `texts`.

    url        where it listens
    calls      requests by route, failed ones included ("/api/embed"; blobs are "/api/blobs")
    requests   every request in order; `sent(route)` gives the JSON bodies of one route
    texts      every text that was embedded, in order, as the model saw it (after cutting)
    loads      how often each model was loaded: a change in runner options loads it again
    reply      scripts the chat: a text, or a function of the messages; None for the rule in fake_models
    max_loaded   how many models fit into memory; one more evicts the one that was loaded first (0: all fit)
    seconds_per_text   how long the one runner works on each text of /api/embed
    hung_up    how many clients closed the connection in the middle of an answer
    """

    def __init__(
        self,
        models: Iterable[FakeModel | str] = STANDARD,
        *,
        reply: Reply = None,
        window: int = DEFAULT_WINDOW,
        seconds_per_text: float = 0.0,
        max_loaded: int = 0,
    ) -> None:
        found = [FakeModel(model) if isinstance(model, str) else model for model in models]
        self.models: dict[str, FakeModel] = {model.full_name: model for model in found}
        self.reply = reply
        self.window = window
        self.seconds_per_text = seconds_per_text
        self.max_loaded = max_loaded
        self.calls: Counter[str] = Counter()
        self.requests: list[Request] = []
        self.texts: list[str] = []
        self.loads: Counter[str] = Counter()
        self.blobs: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self._loaded: dict[str, Json] = {}
        self._lock = threading.RLock()
        self._runner = threading.Lock()
        self._server: Server | None = None
        self._port = 0
        self._hung_up = 0

    # -------------------------------------------------------------- for tests

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Listens; after a `stop` on the same port as before."""
        self._server = Server(self._respond, self._port)
        self._port = self._server.port
        return self

    def stop(self) -> None:
        """Stops listening and closes every connection, in the middle of answers too."""
        if self._server is not None:
            self._server.close()
            self._hung_up += self._server.hung_up
            self._server = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def hung_up(self) -> int:
        return self._hung_up + (self._server.hung_up if self._server else 0)

    def sent(self, route: str) -> list[Any]:
        """The JSON bodies that were sent to a route."""
        return [request.json for request in self.requests if route_of(request.path) == route]

    def fault(
        self,
        name: str,
        *,
        route: str | None = None,
        times: int | None = None,
        skip: int = 0,
        marker: str = "",
        **settings: Any,
    ) -> Fault:
        """Switches a fault of `fake_faults` on, for one route or all that run a model; see Fault."""
        if name not in FAULTS:
            raise ValueError(f"no fault is named {name!r}: {', '.join(FAULTS)}")
        routes = (route,) if route else MODEL_ROUTES
        fault = Fault(name, routes, times, skip, marker, settings)
        self.faults.append(fault)
        return fault

    def heal(self) -> None:
        """Switches all faults off."""
        self.faults.clear()

    @contextmanager
    def failing(self, name: str, **settings: Any) -> Iterator[Fault]:
        """A fault for the length of a `with` block."""
        fault = self.fault(name, **settings)
        try:
            yield fault
        finally:
            if fault in self.faults:
                self.faults.remove(fault)

    # -------------------------------------------------------------- serving

    def _respond(self, request: Request) -> Answer:
        request = _decoded(request)
        route = route_of(request.path)
        with self._lock:
            self.calls[route] += 1
            self.requests.append(request)
            fault = next((fault for fault in self.faults if fault.takes(route, request)), None)

            def make() -> Answer:
                return self._answer(request, route, fault)

            answer = fault.answer(request, make) if fault else make()
        return answer if request.method != "HEAD" else Answer(answer.status, (), 0, answer.headers)

    def _answer(self, request: Request, route: str, fault: Fault | None) -> Answer:
        handler = ROUTES.get((request.method, route)) or ROUTES.get((_as_get(request.method), route))
        if handler is None:
            other = any(known == route for _, known in ROUTES)
            return reply(405, b"405 method not allowed") if other else reply(404, b"404 page not found")
        try:
            if request.method == "POST" and route != "/api/blobs" and not isinstance(request.json, dict):
                raise Refusal(400, "missing request body")
            if fault and fault.name == "silent_cut":
                request.json["truncate"] = request.json["shift"] = True
            return handler(self, request)
        except Refusal as refusal:
            return reply(refusal.status, {"error": str(refusal)})

    def _model(self, name: str, wording: str = 'model "{}" not found, try pulling it first') -> FakeModel:
        if not name:
            raise Refusal(400, "model is required")
        found = self.models.get(FakeModel(name.lower()).full_name)
        if found is None:
            raise Refusal(404, wording.format(name))
        return found

    def _load(self, model: FakeModel, body: Json) -> int:
        """Loads the model unless it is loaded with the same runner options; nanoseconds that it took."""
        options = body.get("options") or {}
        asked = {name: options[name] for name in RUNNER_OPTIONS if name in options}
        runner = asked | ({"shift": body["shift"]} if "shift" in body else {})
        known = self._loaded.get(model.full_name)
        if body.get("keep_alive") in (0, "0"):
            self._loaded.pop(model.full_name, None)
        else:
            self._loaded[model.full_name] = runner
            while 0 < self.max_loaded < len(self._loaded):
                del self._loaded[next(iter(self._loaded))]
        if known == runner:
            return 1_000_000
        self.loads[model.full_name] += 1
        return 250_000_000

    # -------------------------------------------------------------- routes

    def root(self, _request: Request) -> Answer:
        return reply(200, b"Ollama is running")

    def version(self, _request: Request) -> Answer:
        return reply(200, {"version": VERSION})

    def status(self, _request: Request) -> Answer:
        return reply(200, {"cloud": {"disabled": True, "source": "env"}})

    def tags(self, _request: Request) -> Answer:
        return reply(200, {"models": [model.listed for model in self.models.values()]})

    def ps(self, _request: Request) -> Answer:
        running = [(self.models[name], options) for name, options in self._loaded.items() if name in self.models]
        return reply(200, {"models": [self._running(model, options) for model, options in running]})

    def _running(self, model: FakeModel, options: Json) -> Json:
        live = min(int(options.get("num_ctx") or self.window), model.context)
        return model.listed | {
            "expires_at": "2026-01-02T03:09:05.123456789Z",
            "size_vram": model.size // 2,
            "context_length": live,
        }

    def show(self, request: Request) -> Answer:
        return reply(200, self._model(request.json.get("model", ""), "model '{}' not found").shown)

    def embed(self, request: Request) -> Answer:
        body = request.json
        model = self._model(body.get("model", ""))
        given = body.get("input", "")
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise Refusal(400, "invalid input type")
        texts = [] if given == "" else texts
        seen = self._fitted(model, texts, body)
        load = self._load(model, body)
        self.texts += seen
        dimensions = min(body.get("dimensions") or model.dimensions, model.dimensions)
        vectors = [fake_models.vector(text, model.dimensions)[:dimensions] for text in seen]
        answer = {
            "model": body["model"],
            "embeddings": [fake_models.unit(vector) for vector in vectors],
            "total_duration": load + 1_000_000 * len(seen),
            "load_duration": load,
            "prompt_eval_count": sum(len(fake_models.tokens(text)) for text in seen),
        }
        return self._worked(reply(200, answer), self.seconds_per_text * len(seen))

    def _fitted(self, model: FakeModel, texts: list[str], body: Json) -> list[str]:
        limit = model.limit(body.get("options") or {})
        if not body.get("truncate", True):
            for text in texts:
                if len(fake_models.tokens(text)) > limit:
                    raise Refusal(400, "the input length exceeds the context length")
        return [fake_models.cut(text, limit) for text in texts]

    def _worked(self, answer: Answer, seconds: float) -> Answer:
        """The answer once the one runner has worked on it for so long."""

        def steps() -> Iterator[Step]:
            with self._runner:
                yield seconds
            yield from answer.steps

        return Answer(answer.status, steps(), answer.length, answer.headers) if seconds else answer

    def embeddings(self, request: Request) -> Answer:
        body = request.json
        model = self._model(body.get("model", ""))
        self._load(model, body)
        prompt = body.get("prompt", "")
        if not prompt:
            return reply(200, {"embedding": []})
        seen = fake_models.cut(prompt, model.limit(body.get("options") or {}))
        self.texts.append(seen)
        return reply(200, {"embedding": fake_models.vector(seen, model.dimensions)})

    def generate(self, request: Request) -> Answer:
        body = request.json
        prompt = [{"role": "user", "content": body["prompt"]}] if body.get("prompt") else []
        if body.get("raw") and (body.get("system") or body.get("template") or body.get("context")):
            raise Refusal(400, "raw mode does not support template, system, or context")
        return self._speak("generate", prompt, body)

    def chat(self, request: Request) -> Answer:
        return self._speak("chat", request.json.get("messages") or [], request.json)

    def _speak(self, verb: str, messages: list[Json], body: Json) -> Answer:
        model = self._model(body.get("model", ""))
        fake_chat.check(model, verb, body)
        load = self._load(model, body)
        return self._lines(
            fake_chat.say(model, verb, messages, body, scripted=self.reply, window=self.window, load=load), body
        )

    def _lines(self, objects: list[Json], body: Json) -> Answer:
        """A stream of lines, or with stream false what Ollama makes of them: one object."""
        if not body.get("stream", True):
            return reply(200, fake_chat.joined(objects))
        lines = [json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in objects]
        return Answer(200, lines, content_type="application/x-ndjson")

    def copy(self, request: Request) -> Answer:
        body = request.json
        source = self._model(body.get("source", ""), 'model "{}" not found')
        if not body.get("destination") or " " in body["destination"]:
            raise Refusal(400, f'destination "{body.get("destination", "")}" is invalid')
        self._add(body["destination"], like=source)
        return reply(200, b"")

    def delete(self, request: Request) -> Answer:
        del self.models[self._model((request.json or {}).get("model", ""), "model '{}' not found").full_name]
        return reply(200, b"")

    def pull(self, request: Request) -> Answer:
        name = request.json.get("model", "")
        if name.startswith("nowhere"):
            lines: list[Json] = [{"status": "pulling manifest"}]
            return self._lines([*lines, {"error": "pull model manifest: file does not exist"}], request.json)
        self._add(name)
        return self._transfer("pulling", request.json)

    def push(self, request: Request) -> Answer:
        self._model(request.json.get("model", ""))
        return self._transfer("pushing", request.json)

    def _transfer(self, verb: str, body: Json) -> Answer:
        digest = "sha256:" + sha256(body["model"].encode()).hexdigest()
        lines: list[Json] = [{"status": f"{verb} manifest"}]
        lines += [
            {"status": f"{verb} {digest[7:19]}", "digest": digest, "total": 1000, "completed": completed}
            for completed in (0, 500, 1000)
        ]
        return self._lines([*lines, {"status": "success"}], body)

    def create(self, request: Request) -> Answer:
        body = request.json
        for digest in (body.get("files") or {}).values():
            if digest not in self.blobs:
                raise Refusal(400, f"blob {digest} not found")
        if not body.get("from") and not body.get("files"):
            raise Refusal(400, "neither 'from' or 'files' was specified")
        self._add(body.get("model", ""), like=self._model(body["from"]) if body.get("from") else None)
        return self._lines([{"status": "creating new layer"}, {"status": "success"}], body)

    def _add(self, name: str, like: FakeModel | None = None) -> None:
        fields = {} if like is None else {"dimensions": like.dimensions, "capabilities": like.capabilities}
        model = FakeModel(name.lower(), **fields)  # type: ignore[arg-type]
        self.models[model.full_name] = model

    def blob(self, request: Request) -> Answer:
        digest = request.path.rsplit("/", 1)[-1]
        if request.method == "HEAD":
            return Answer(200 if digest in self.blobs else 404, (), 0)
        if digest in self.blobs:
            return reply(200, b"")
        if digest != "sha256:" + sha256(request.body).hexdigest():
            raise Refusal(400, "digest mismatch, expected " + digest)
        self.blobs[digest] = request.body
        return reply(201, b"")


Route = Callable[[FakeOllama, Request], Answer]

ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/"): FakeOllama.root,
    ("GET", "/api/version"): FakeOllama.version,
    ("GET", "/api/status"): FakeOllama.status,
    ("GET", "/api/tags"): FakeOllama.tags,
    ("GET", "/api/ps"): FakeOllama.ps,
    ("POST", "/api/show"): FakeOllama.show,
    ("POST", "/api/embed"): FakeOllama.embed,
    ("POST", "/api/embeddings"): FakeOllama.embeddings,
    ("POST", "/api/generate"): FakeOllama.generate,
    ("POST", "/api/chat"): FakeOllama.chat,
    ("POST", "/api/copy"): FakeOllama.copy,
    ("DELETE", "/api/delete"): FakeOllama.delete,
    ("POST", "/api/pull"): FakeOllama.pull,
    ("POST", "/api/push"): FakeOllama.push,
    ("POST", "/api/create"): FakeOllama.create,
    ("HEAD", "/api/blobs"): FakeOllama.blob,
    ("POST", "/api/blobs"): FakeOllama.blob,
}


def route_of(path: str) -> str:
    """The route of a request's path: without its query, and without a blob's digest."""
    path = path.split("?", maxsplit=1)[0]
    return "/api/blobs" if path.startswith("/api/blobs/") else path


def _as_get(method: str) -> str:
    return "GET" if method == "HEAD" else method


def _decoded(request: Request) -> Request:
    try:
        decoded = json.loads(request.body) if request.body else None
    except (ValueError, RecursionError):
        return request
    return Request(request.method, request.path, request.headers, request.body, decoded)
