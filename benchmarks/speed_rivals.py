"""Other programs that find the nearest of many vectors, for search_speed.py: each where it is installed.

A function builds its index of vectors (n, d) and gives {name and version: query -> row numbers of the k nearest};
where its package is missing it says so and gives nothing.
"""

from __future__ import annotations

import importlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Made = dict[str, Callable[[np.ndarray[Any, Any]], Any]]


def faiss_flat(rows: np.ndarray[Any, Any], k: int, _: Path) -> Made:
    """faiss, every inner product."""
    if (faiss := _package("faiss")) is None:
        return {}
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    return {f"faiss {faiss.__version__} FlatIP": lambda query: index.search(query[None], k)[1][0]}


def usearch_exact(rows: np.ndarray[Any, Any], k: int, _: Path) -> Made:
    """usearch, every inner product."""
    if (usearch := _package("usearch.index")) is None:
        return {}
    version = _package("usearch").__version__
    return {
        f"usearch {version} exact": lambda query: usearch.search(rows, query, k, usearch.MetricKind.IP, exact=True).keys
    }


def sqlite_vec_flat(rows: np.ndarray[Any, Any], k: int, _: Path) -> Made:
    """sqlite-vec, every distance, in memory."""
    if (extension := _package("sqlite_vec")) is None:
        return {}
    connection = sqlite3.connect(":memory:")
    try:
        connection.enable_load_extension(True)
    except AttributeError:
        print("  sqlite-vec is skipped: this Python cannot load extensions into SQLite")
        return {}
    extension.load(connection)
    connection.execute(f"CREATE VIRTUAL TABLE v USING vec0(e float[{rows.shape[1]}] distance_metric=cosine)")
    connection.executemany(
        "INSERT INTO v (rowid, e) VALUES (?, ?)", ((number, row.tobytes()) for number, row in enumerate(rows))
    )
    sql = "SELECT rowid FROM v WHERE e MATCH ? AND k = ?"
    return {
        f"sqlite-vec {extension.__version__}": lambda query: [
            row[0] for row in connection.execute(sql, [query.tobytes(), k])
        ]
    }


def lancedb_flat(rows: np.ndarray[Any, Any], k: int, folder: Path) -> Made:
    """LanceDB, without an index: every cosine."""
    os.environ.setdefault("LANCE_LOG", "error")
    if (lancedb := _package("lancedb")) is None:
        return {}
    arrow = importlib.import_module("pyarrow")
    vectors = arrow.FixedSizeListArray.from_arrays(arrow.array(rows.ravel()), rows.shape[1])
    data = arrow.table({"id": arrow.array(np.arange(len(rows))), "vector": vectors})
    table = lancedb.connect(str(folder / "lance")).create_table("v", data, mode="overwrite")
    return {
        f"lancedb {lancedb.__version__} flat": lambda query: (
            table.search(query).metric("cosine").limit(k).select(["id"]).to_arrow()["id"].to_numpy()
        )
    }


def chroma(rows: np.ndarray[Any, Any], k: int, _: Path) -> Made:
    """Chroma with its usual index (HNSW), up to 100,000 vectors: its build takes minutes above."""
    if len(rows) > 100_000:
        print("  chromadb is skipped above 100,000 vectors: its build takes too long")
        return {}
    if (chromadb := _package("chromadb")) is None:
        return {}
    collection = chromadb.EphemeralClient().create_collection("vectors", metadata={"hnsw:space": "cosine"})
    for start in range(0, len(rows), 5_000):
        some = rows[start : start + 5_000]
        collection.add(ids=[str(start + number) for number in range(len(some))], embeddings=some)
    return {
        f"chromadb {chromadb.__version__}": lambda query: [
            int(id_) for id_ in collection.query(query_embeddings=query[None], n_results=k, include=[])["ids"][0]
        ]
    }


RIVALS = (faiss_flat, usearch_exact, sqlite_vec_flat, lancedb_flat, chroma)


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        print(f"  {name} is skipped: {error}")
        return None
