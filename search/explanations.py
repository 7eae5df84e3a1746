"""How a result came about, in numbers: what `explain` adds. Records; part of the HTTP schema."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One ranking's share of a score: z = (score - mean) / deviation, times the weight.

    `rank` and `score` are None where that ranking has nothing on the passage: BM25 then counts as 0, and
    in place of a cosine's z stands that of BM25, up to the highest of a cosine. `z` is not below -2 for BM25.
    """

    rank: int | None
    score: float | None
    mean: float
    deviation: float
    z: float
    weight: float
    share: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a hit has its score: the shares of both rankings, and what it adds that words stand side by side in it as
    they do in the query, less what earlier hits of its document cost.

    `vector.score` is the cosine with the query after it was moved towards the first hits. The parts are None
    where only one ranking was used: its raw score is then the score.
    """

    keyword: Part | None
    vector: Part | None
    phrases: float
    crowding: float
    arithmetic: str


@dataclass(frozen=True, slots=True)
class Explained:
    """How the whole result was found.

    `terms` are the words that were searched for. `keyword` and `vector` count what each ranking listed,
    `candidates` both together. `weights` says why the rankings count otherwise than usual, where languages are the
    reason. `passing` of `chunks` pass the filter, which is `selectivity` of them.
    """

    terms: tuple[str, ...]
    keyword: int
    vector: int
    candidates: int
    filter: str
    passing: int
    chunks: int
    selectivity: float
    weights: str = ""
