"""The write hub, over real folders and a fake Ollama on a socket that counts what it embeds."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest import changes, chunks, embedding, pipeline
from ingest.pipeline import FileEvent, Progress, Report
from search import answer, embed, languages, query
from search.answer import Answerer
from search.errors import ConfigError, ModelMissing, ModelUnreachable
from search.ollama.client import Client
from search.query import Searcher
from search.records import Query, Question, Space
from search.store import FileState, Filter
from search.store.sqlite import SqliteStore
from tests import fake_models
from tests.fake_models import FakeModel
from tests.fake_ollama import FakeOllama
from tests.waiting import wait_for

FILES = {
    "a.md": "# Storage\n\nVectors are kept in one file.\n\n## Copies\n\nCopy it while nobody writes.\n",
    "notes/b.txt": "Bring the red umbrella.",
    "notes/c.py": "def add(a, b):\n    return a + b\n",
}


class Bench:
    """A folder, an index and a fake server."""

    def __init__(self, tmp_path: Path, fake: FakeOllama) -> None:
        self.folder = tmp_path / "docs"
        self.store = SqliteStore(tmp_path / "index.db")
        self.fake = fake
        self.events: list[FileEvent | Progress] = []
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def run(self, model: str = "all-minilm", url: str | None = None, *, retry: bool = False) -> Report:
        with Client(url or self.fake.url) as client:
            report = pipeline.ingest(
                self.folder,
                self.store,
                lambda: embed.describe(client, model),
                self.events.append,
                workers=1,
                retry=retry,
            )
        assert report.reconciles
        return report

    def embedded(self) -> list[str]:
        """The texts that were embedded since the last look, without the word that asks for the dimensions."""
        texts = [text for text in self.fake.texts if text != "dimensions"]
        self.fake.texts.clear()
        return texts

    def found(self, word: str) -> list[str]:
        places = self.store.occurrences(self.store.matching([word], 10, Filter()).ids, Filter())
        return sorted(place.document.path for of_one in places.values() for place in of_one)


@pytest.fixture
def bench(tmp_path: Path, fake_ollama: FakeOllama) -> Iterator[Bench]:
    made = Bench(tmp_path, fake_ollama)
    yield made
    made.store.close()


def test_each_file_has_one_outcome_and_each_chunk_a_vector(bench: Bench) -> None:
    """The counts reconcile, and everything is searchable."""
    report = bench.run()
    assert (report.seen, report.indexed, report.failed) == (3, 3, 0)
    assert report.embedded == bench.store.counts().chunks == report.chunks
    assert bench.found("umbrella") == ["notes/b.txt"]
    assert bench.store.active()


def test_a_second_run_reads_and_embeds_nothing(bench: Bench) -> None:
    """Unchanged by stat."""
    bench.run()
    bench.embedded()
    report = bench.run()
    assert (report.unchanged, report.indexed, report.embedded) == (3, 0, 0)
    assert bench.embedded() == []


def test_text_does_not_wait_for_the_model_of_languages(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain English comes first where that model is still being loaded, and the rest in its language after it."""
    is_loaded, load = threading.Event(), languages._identifier
    languages._loading.cache_clear()
    monkeypatch.setattr(languages, "_identifier", lambda: (is_loaded.wait(10), load())[1])
    german = "Die Vektoren stehen in einer Datei, die man kopieren kann, solange niemand hineinschreibt."
    bench.write("a.txt", german)
    bench.write("b.txt", "The index is kept in one file, which can be copied by hand if it is not in use at all.")
    run = threading.Thread(target=bench.run)
    run.start()
    wait_for(lambda: any(isinstance(event, FileEvent) and event.path == "b.txt" for event in bench.events))
    told = [event.path for event in bench.events if isinstance(event, FileEvent)]
    is_loaded.set()
    run.join()
    assert "a.txt" not in told
    found = bench.store.documents(Filter(language="de"), 0, 9)
    assert [one.document.path for one in found.documents] == ["a.txt"]


def test_no_more_files_are_held_back_than_fit_the_memory(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """They wait for the model then, in their order."""
    monkeypatch.setattr(languages, "at_once", lambda *_: False)
    monkeypatch.setattr(pipeline, "MOST_HELD", 1)
    assert bench.run().indexed == len(FILES)


def test_a_touched_file_is_known_by_its_hash(bench: Bench) -> None:
    """A new time alone is no change; after that the stat is known again."""
    bench.run()
    os.utime(bench.folder / "a.md", ns=(1, 1))
    bench.events.clear()
    assert bench.run().unchanged == 3
    assert not any(isinstance(event, Progress) and event.stage == "reading" for event in bench.events)
    assert bench.store.known(str(bench.folder.resolve()))["a.md"].mtime_ns == 1


def test_a_rename_embeds_nothing(bench: Bench) -> None:
    """Hours of ingest for a rename are what we exist to end."""
    bench.run()
    bench.embedded()
    (bench.folder / "notes").rename(bench.folder / "papers")
    report = bench.run()
    assert (report.indexed, report.removed, report.embedded) == (2, 2, 0)
    assert bench.embedded() == []
    assert bench.found("umbrella") == ["papers/b.txt"]


def test_an_edit_embeds_the_chunks_that_changed(bench: Bench) -> None:
    """The other section keeps its vector."""
    long = "# One\n\n" + "First words here. " * 60 + "\n\n# Two\n\n" + "Second words here. " * 60 + "\n"
    bench.write("long.md", long)
    bench.run()
    bench.embedded()
    bench.write("long.md", long.replace("Second words here. " * 2, "Changed words here. ", 1))
    bench.run()
    again = bench.embedded()
    assert 0 < len(again) < bench.store.counts().chunks
    assert not any("First words" in text for text in again)


def test_vectors_are_made_while_files_are_read(bench: Bench) -> None:
    """In full batches, so that it is the same batches whichever is faster; what was read can be found meanwhile."""
    for number in range(embedding.BATCH + 4):
        bench.write(f"many/{number:02}.md", f"The number of this file is {number}.")
    seen: list[int] = []

    def observe(event: FileEvent | Progress) -> None:
        if isinstance(event, Progress) and event.stage == "reading" and event.done == event.total:
            wait_for(lambda: bool(bench.store.counts().embedded))
            seen.extend([bench.store.counts().embedded, len(bench.found("umbrella"))])

    with Client(bench.fake.url) as client:
        pipeline.ingest(bench.folder, bench.store, lambda: embed.describe(client, "all-minilm"), observe)
    assert seen == [embedding.BATCH, 1]
    assert bench.store.counts().embedded == bench.store.counts().chunks


def test_a_pause_costs_no_vector(bench: Bench) -> None:
    """However often vectors have to wait for newer text, each batch that was begun is kept."""
    bench.write("many.md", "".join(f"# Part {number}\n\n{'Words of it. ' * 60}\n\n" for number in range(200)))
    with Client(bench.fake.url) as client:
        for _ in range(3):
            report = pipeline.ingest(
                bench.folder, bench.store, lambda: embed.describe(client, "all-minilm"), bench.events.append,
                paused=lambda: True,
            )  # fmt: skip
            assert report.paused
            assert report.waiting
    bench.run()
    assert len(bench.embedded()) == bench.store.counts().chunks


def test_chunks_that_go_while_they_are_looked_for_keep_none_from_its_vector(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch was counted, and then its document was replaced: what is read later is embedded all the same."""
    really, put, counted, looked = bench.store.waiting, bench.store.put, iter([embedding.BATCH]), threading.Event()

    def waiting(space: Space) -> int:
        """First a batch that has gone when it is looked for."""
        if (count := next(counted, None)) is not None:
            return count
        looked.set()
        return really(space)

    def put_later(*arguments: Any) -> None:
        assert looked.wait(20)
        put(*arguments)

    monkeypatch.setattr(bench.store, "waiting", waiting)
    monkeypatch.setattr(bench.store, "put", put_later)
    report = bench.run()
    assert (report.waiting, len(bench.embedded())) == (0, bench.store.counts().chunks)


def test_an_insert_at_the_top_embeds_what_is_new(bench: Bench) -> None:
    """The borders of the chunks behind it are soon where they were."""
    words = [f"Sentence {number} says that {number * 7} is a number." for number in range(1_500)]
    for name, before, between in (
        ("flat.txt", "", " "),
        ("lines.log", "", "\n"),
        ("list.md", "# A list\n\n- ", "\n- "),
    ):
        bench.write(name, before + between.join(words))
        bench.run()
        bench.embedded()
        bench.write(name, before + between.join(["What is new stands at the top of it all.", *words]))
        bench.run()
        assert 0 < len(bench.embedded()) <= 12 < bench.store.counts().chunks / 5, name


def test_a_deleted_file_leaves_the_index_in_the_same_run(bench: Bench) -> None:
    """A search never returns a path that is gone."""
    bench.run()
    (bench.folder / "notes" / "b.txt").unlink()
    report = bench.run()
    assert report.removed == 1
    assert bench.found("umbrella") == []


def test_one_bad_file_costs_only_itself(bench: Bench) -> None:
    """It is reported with a reason, tried again each time, and forgotten when it is mended."""
    bench.write("broken.pdf", b"%PDF-1.7\nthis is not a pdf")
    report = bench.run()
    assert (report.indexed, report.failed) == (3, 1)
    (failure,) = bench.store.failures()
    assert failure.path == "broken.pdf"
    assert len(failure.reason) > 10
    assert bench.run().failed == 1
    bench.write("broken.pdf", b"").unlink()
    bench.write("fine.txt", "fine")
    assert bench.run().failed == 0
    assert bench.store.failures() == []


def test_a_file_that_turns_bad_takes_its_old_text_with_it(bench: Bench) -> None:
    """Nothing stale is found."""
    bench.run()
    bench.write("notes/b.txt", bytes(range(256)) * 50)
    bench.run()
    assert bench.found("umbrella") == []


def test_without_the_model_the_text_is_searchable_and_a_rerun_goes_on(bench: Bench) -> None:
    """Text first, vectors after."""
    bench.fake.fault("drop", route="/api/embed")
    with pytest.raises(ModelUnreachable):
        bench.run()
    assert bench.found("umbrella") == ["notes/b.txt"]
    bench.fake.heal()
    report = bench.run()
    assert (report.unchanged, report.waiting) == (3, 0)
    assert report.embedded == bench.store.counts().chunks


def test_a_busy_server_is_waited_for(bench: Bench) -> None:
    """503 in the middle of an ingest is not its end."""
    bench.fake.fault("busy", route="/api/embed", times=2, skip=1)
    assert bench.run().waiting == 0


def test_a_missing_model_names_the_pull_command(bench: Bench) -> None:
    """The user can mend it."""
    with pytest.raises(ModelMissing, match="ollama pull nothing"):
        bench.run("nothing")


def test_a_new_model_fills_its_own_space_and_then_serves(bench: Bench) -> None:
    """The old space serves until the new one is whole."""
    bench.run()
    old = bench.store.active()
    with FakeOllama([FakeModel("other", dimensions=32)]) as other:
        other.fault("drop", route="/api/embed", skip=1)
        with pytest.raises(ModelUnreachable):
            bench.run("other", other.url)
        assert bench.store.active() == old
        with Client(bench.fake.url) as client:  # meanwhile the old space answers, with its own model
            searcher = Searcher(bench.store, client, "all-minilm")
            assert query.search(searcher, Query("umbrella", mode="vector")).hits
        other.heal()
        bench.run("other", other.url)
    active = bench.store.active()
    assert active
    assert (active.model, active.dimensions) == ("other", 32)


def test_a_folder_that_is_none_is_refused(bench: Bench) -> None:
    """With words, and nothing in the index is lost."""
    bench.run()
    folder = bench.folder
    bench.folder = folder / "nowhere"
    with pytest.raises(ConfigError):
        bench.run()
    bench.folder = folder
    assert bench.found("umbrella") == ["notes/b.txt"]


def test_an_empty_folder_is_nothing_to_do(bench: Bench) -> None:
    """Not an error."""
    shutil.rmtree(bench.folder)
    bench.folder.mkdir()
    report = bench.run()
    assert (report.seen, report.embedded) == (0, 0)


def test_odd_files_are_accounted_for(bench: Bench) -> None:
    """UTF-16, a name with a line break, nothing inside, a link that leads out: each has its outcome."""
    bench.write("wide.txt", "Ein Schirm für Jürgen".encode("utf-16"))
    bench.write("two\nlines.txt", "A name in two lines.")
    bench.write("empty.pdf", b"")
    outside = bench.folder.parent / "outside.txt"
    outside.write_text("secret words")
    (bench.folder / "link.txt").symlink_to(outside)
    report = bench.run()
    assert report.seen == 7
    assert bench.found("schirm") == ["wide.txt"]
    assert bench.found("lines") == ["two\nlines.txt"]
    assert bench.found("secret") == []
    assert {event.path for event in report.problems} == {"empty.pdf", "link.txt"}


def test_a_folder_that_cannot_be_listed_for_once_loses_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its documents stay; the run says that it was not looked at."""
    bench.run()
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("notes"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = bench.run()
    assert report.removed == 0
    assert [event.path for event in report.problems] == ["notes/"]
    assert bench.found("umbrella") == ["notes/b.txt"]


def test_a_chunk_that_the_model_fails_on_costs_only_itself(bench: Bench) -> None:
    """It is quarantined with its reason, found by keyword, not sent again, and released on demand."""
    bench.fake.fault("nan", marker="umbrella")
    report = bench.run()
    assert (report.failed, report.quarantined, report.waiting) == (0, 1, 0)
    (one,) = bench.store.quarantined()
    assert (one.path, one.chunk.text) == ("notes/b.txt", "Bring the red umbrella.")
    assert "NaN" in one.reason
    assert bench.found("umbrella") == ["notes/b.txt"]
    counts = bench.store.counts()
    assert (counts.quarantined, counts.embedded) == (1, counts.chunks - 1)
    bench.fake.heal()
    bench.embedded()
    assert bench.run().embedded == 0
    assert bench.embedded() == []
    assert bench.run(retry=True).embedded == 1
    assert bench.store.quarantined() == []
    assert bench.store.counts().embedded == counts.chunks


def test_a_quarantined_chunk_keeps_no_new_model_from_serving(bench: Bench) -> None:
    """Nor does it outlive its text."""
    bench.run()
    with FakeOllama([FakeModel("other", dimensions=32)]) as other:
        other.fault("nan", marker="umbrella")
        bench.run("other", other.url)
        active = bench.store.active()
        assert active
        assert active.model == "other"
        assert len(bench.store.quarantined()) == 1
        bench.write("notes/b.txt", "Bring the blue one.")
        bench.run("other", other.url)
        assert bench.store.quarantined() == []


def test_a_chunk_that_is_too_long_for_the_model_is_embedded_in_parts(bench: Bench) -> None:
    """The split is recorded, and all of the text reaches the model."""
    bench.fake.models["all-minilm:latest"] = FakeModel("all-minilm", context=34)
    text = " ".join(f"word{number}." for number in range(60))
    bench.write("long.txt", text)
    report = bench.run()
    assert (report.parted, report.waiting, bench.store.counts().parted) == (1, 0, 1)
    assert {f"word{number}." for number in range(60)} <= {word for one in bench.embedded() for word in one.split()}


def test_each_batch_has_a_row_in_the_ledger(bench: Bench) -> None:
    """Texts sent, tokens counted by the server and expected; a server that cuts silently is named."""
    bench.run()
    space = bench.store.active()
    assert space
    (row,) = bench.store.ledger(space)
    assert (row.host, row.sent, row.note) == (bench.fake.url, bench.store.counts().chunks, "")
    assert 0.8 * row.expected < row.counted
    bench.fake.models["all-minilm:latest"] = FakeModel("all-minilm", context=34, digest="new")
    bench.fake.fault("silent_cut")
    bench.write("long.txt", " ".join(f"word{number}." for number in range(60)))
    report = bench.run()
    assert report.parted == 1
    assert report.notes == [f"{bench.fake.url}: the server cuts texts at 32 tokens and says nothing"]
    space = bench.store.active()
    assert space
    assert "cuts texts at 32 tokens" in bench.store.ledger(space)[-1].note


def test_several_hosts_share_an_ingest_and_one_may_die(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every chunk gets its own vector, once, whoever embedded it."""
    monkeypatch.setattr(embedding, "BATCH", 2)
    for number in range(20):
        bench.write(f"more/{number}.txt", f"Document number {number} speaks of thing{number}.")
    with FakeOllama() as second, FakeOllama() as third:
        # One that answers at once may have had all batches before another's thread has run for the first time.
        bench.fake.fault("slow", route="/api/embed", seconds=0.15)
        third.fault("drop", route="/api/embed", skip=2)
        report = bench.run(url=f"{bench.fake.url},{second.url},{third.url}")
    assert (report.waiting, report.quarantined) == (0, 0)
    assert report.embedded == bench.store.counts().embedded == bench.store.counts().chunks
    assert second.texts
    space = bench.store.active()
    assert space
    assert sum(row.sent for row in bench.store.ledger(space)) == report.embedded
    wanted = np.array(fake_models.vector("Document number 7 speaks of thing7."), np.float32)
    (nearest,) = bench.store.nearest(space, wanted, 1, Filter()).ids
    places = bench.store.occurrences(np.array([nearest]), Filter())
    assert [place.document.path for place in places[int(nearest)]] == ["more/7.txt"]


@pytest.mark.skipif(not hasattr(os, "seteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_what_cannot_be_looked_at_is_not_gone() -> None:
    """A network drive's bad moment drops nothing: what was known stays, and is reported as failed."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        folder, store = Path(made) / "docs", SqliteStore(Path(made) / "index.db")
        for name in ("open.md", "shut/a.md", "shut/inner/b.md"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f"Words of {name}")
        root, state = str(folder), FileState(1, 1, "", "indexed", "", chunks.CHUNKING)
        for name in ("open.md", "shut/a.md", "shut/inner/b.md", "shut/gone.md"):
            store.put(root, name, state, [])
        (folder / "shut").chmod(0o744)  # its entries can be listed, but nothing is said of them
        os.seteuid(65_534)
        try:
            found = changes.compare(folder, store.known(root), chunks.CHUNKING, changes.EVERYTHING, store.location)
        finally:
            os.seteuid(0)
        store.close()
    assert found.failed.keys() == {"shut/a.md", "shut/inner/"}
    assert "cannot be looked at: permission denied" in found.failed["shut/a.md"]
    assert found.failed["shut/inner/"] == (
        "the folder cannot be read: permission denied; "
        "what was read there before (1 files) stays in the index and may be out of date"
    )
    assert found.gone == {"shut/gone.md"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse names that are no UTF-8")
def test_names_that_are_the_same_as_text_are_not_mixed_up(bench: Bench) -> None:
    """One of the two is read, always the same one, and the other is said."""
    (bench.folder / os.fsdecode(b"bad\xff.md")).write_text("The submarine is yellow.")
    (bench.folder / "bad\\xff.md").write_text("The umbrella is green.")
    first, second = bench.run(), bench.run()
    assert (first.failed, second.failed, second.indexed) == (1, 1, 0)
    assert [event.reason for event in second.problems if event.outcome == "failed"] == [changes.TWICE]
    assert first.reconciles
    assert second.reconciles


def test_the_report_counts_kept_answers_that_are_stale(bench: Bench) -> None:
    """Those that rest on a passage which this run, or one before, has changed."""
    assert bench.run().stale_answers == 0
    with Client(bench.fake.url) as client:
        asked = Question("Who brings the red umbrella?", path="notes/*", save=True)
        assert answer.answer(Answerer(Searcher(bench.store, client, "all-minilm")), asked).id
    bench.write("a.md", "# Storage\n\nSomething else.\n")
    assert bench.run().stale_answers == 0
    bench.write("notes/b.txt", "Bring the blue umbrella.")
    assert [bench.run().stale_answers for _ in range(2)] == [1, 1]
    bench.write("notes/b.txt", "Bring the red umbrella.")
    assert bench.run().stale_answers == 0
