"""The routes that change the index: over a socket, with the real `ingest` in its process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from ingest import lock
from search import uploads
from search.access import LOCAL, Writers
from search.app import create_app
from search.config import Settings
from search.errors import QueryError, StoreUnavailable
from search.ingest_routes import add_ingest
from search.jobs import WAITING_AT_MOST, Jobs
from search.service import open_service
from tests.fake_ollama import FakeOllama
from tests.test_app import running
from tests.waiting import wait_for


@contextmanager
def served(db: Path, writers: Writers = LOCAL) -> Iterator[httpx.Client]:
    """The service over an index, on a free port."""
    with open_service(Settings(str(db)), create=True) as service, closing(Jobs(str(db))) as jobs:
        app = create_app(service.searcher, service.answerer, service.status)
        add_ingest(app, service.store, jobs, writers)
        with running(app) as client:
            yield client


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, fake_ollama: FakeOllama) -> None:
    """The `ingest` that is started embeds with the fake server."""
    monkeypatch.setenv("OLLAMA_HOST", fake_ollama.url)
    monkeypatch.setenv("SEARCH_EMBED_MODEL", "all-minilm")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    with served(tmp_path / "index.db") as made:
        yield made


def found(client: httpx.Client, word: str) -> list[str]:
    hits = client.get("/search", params={"q": word, "mode": "keyword"}).json()["hits"]
    return [hit["document"]["path"] for hit in hits]


def test_a_document_is_sent_found_reread_and_deleted(client: httpx.Client) -> None:
    """Each takes effect before the answer comes."""
    sent = client.put("/documents/trips/lisbon.md", content=b"# Trip\n\nBring the red umbrella.\n", params={"wait": 60})
    assert sent.status_code == 202
    assert (sent.json()["state"], sent.json()["report"]["indexed"]) == ("done", 1)
    assert found(client, "umbrella") == ["trips/lisbon.md"]
    reread = client.post("/documents/trips/lisbon.md/reread", params={"wait": 60}).json()
    assert reread["report"]["indexed"] == 1
    assert client.delete("/documents/trips/lisbon.md").status_code == 200
    assert found(client, "umbrella") == []
    gone = client.delete("/documents/trips/lisbon.md")
    assert (gone.status_code, "is deleted in that folder" in gone.text) == (404, True)


def test_a_document_without_text_is_not_said_to_be_done(client: httpx.Client) -> None:
    """One of no bytes is refused and replaces nothing; one of blanks has failed, with the reason."""
    client.put("/documents/a.txt", content=b"pineapple")
    refused = client.put("/documents/a.txt", content=b"")
    assert refused.status_code == 422
    assert "there is no text in it" in refused.json()["error"]["message"]
    assert found(client, "pineapple") == ["a.txt"]
    report = client.put("/documents/blank.txt", content=b" \n").json()["report"]
    assert report["failed"] == 1
    assert "nothing but blanks" in report["problems"][0]["reason"]


def test_a_folder_is_ingested_as_a_job(client: httpx.Client, tmp_path: Path) -> None:
    """Its events come as NDJSON, its record stays."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("Bring the red umbrella.")
    (tmp_path / "docs" / "b.pdf").write_bytes(b"%PDF-1.7 broken")
    (tmp_path / "docs" / "c.log").write_text("left out")
    answer = client.post("/ingest", json={"folder": str(tmp_path / "docs"), "exclude": ["*.log"]})
    assert answer.status_code == 202
    job = answer.json()
    with client.stream("GET", f"/jobs/{job['id']}/events") as lines:
        assert lines.headers["content-type"].startswith("application/x-ndjson")
        events = [json.loads(line) for line in lines.iter_lines()]
    assert {"file", "progress", "report", "job"} <= {event["type"] for event in events}
    assert events[-1]["state"] == "done"
    shown = client.get(f"/jobs/{job['id']}").json()
    assert (shown["report"]["indexed"], shown["report"]["failed"]) == (1, 1)
    assert [one["id"] for one in client.get("/jobs").json()] == [job["id"]]
    (failure,) = client.get("/failures").json()
    assert (failure["path"], failure["outcome"]) == ("b.pdf", "failed")
    assert failure["remedy"]


def test_a_job_that_cannot_be_done_says_why(client: httpx.Client, tmp_path: Path, fake_ollama: FakeOllama) -> None:
    """The error of the ingest in its own words."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("text")
    fake_ollama.models.clear()
    job = client.post("/ingest", json={"folder": str(tmp_path / "docs")}, params={"wait": 60}).json()
    assert job["state"] == "failed"
    assert job["error"]["type"] == "ModelMissing"
    assert "ollama pull" in job["error"]["message"]


def test_a_job_is_stopped(client: httpx.Client, tmp_path: Path, fake_ollama: FakeOllama) -> None:
    """Its process ends; what it has read stays."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("Bring the red umbrella.")
    fake_ollama.fault("slow", route="/api/embed", seconds=30.0)
    job = client.post("/ingest", json={"folder": str(tmp_path / "docs")}).json()
    wait_for(lambda: found(client, "umbrella"))
    assert client.delete(f"/jobs/{job['id']}").json()["state"] == "stopped"
    assert client.get(f"/jobs/{job['id']}").json()["state"] == "stopped"


@pytest.mark.parametrize(
    "path",
    [
        "%2e%2e/secret.md",
        "a/%2e%2e/%2e%2e/secret.md",
        "%2Fetc/passwd",
        "a%5C..%5Cb.md",
        ".hidden.md",
        "a//b.md",
        "c:x.md",
        "nul.txt",
        "a%00b.md",
        "a%0Ab.md",
        "x/" * 30 + "y.md",
        "z" * 300 + ".md",
        "end.",
        "link/out.md",
    ],
)
def test_paths_that_lead_elsewhere_are_refused(client: httpx.Client, tmp_path: Path, path: str) -> None:
    """Nothing is written outside of the folder of uploads, and nothing that another system could not hold."""
    (tmp_path / "outside").mkdir()
    Path(uploads.folder(str(tmp_path / "index.db")), "link").symlink_to(tmp_path / "outside")
    assert client.put(f"/documents/{path}", content=b"x").status_code in (404, 422)
    assert sorted(file.name for file in tmp_path.rglob("*") if file.is_file() and "index.db" not in file.name) == []


def test_a_read_only_index_takes_no_documents(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It says so before it takes the bytes."""
    monkeypatch.setattr("search.store.opening.is_read_only", lambda _: True)
    for response in (client.put("/documents/a.txt", content=b"pineapple"), client.delete("/documents/a.txt")):
        assert response.status_code == 503
        assert "it can be searched, not changed" in response.json()["error"]["message"]
    assert not (tmp_path / "index.db.uploads").exists()


def test_limits_of_size_and_number(client: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A body that is too long, announced or not, leaves nothing behind."""
    monkeypatch.setattr(uploads, "MAX_BYTES", 1_000)
    assert client.put("/documents/big.txt", content=b"x" * 1_001).status_code == 413
    assert client.put("/documents/big.txt", content=iter([b"x" * 600, b"x" * 600])).status_code == 413
    monkeypatch.setattr(uploads, "MAX_FILES", 0)
    assert client.put("/documents/one.txt", content=b"x").status_code == 413
    assert list(uploads.folder(str(tmp_path / "index.db")).iterdir()) == []


def test_a_folder_has_to_be_one_of_this_machine(client: httpx.Client) -> None:
    """422 with words."""
    for folder in ("relative", "/nowhere/at/all", "/etc/passwd", ""):
        assert client.post("/ingest", json={"folder": folder}).status_code == 422
    assert client.post("/ingest", json={"folder": "/", "typo": 1}).status_code == 422
    assert client.get("/jobs/none").status_code == 404
    assert client.post("/documents/none.md/reread").status_code == 404


def test_only_this_machine_writes_without_a_token(tmp_path: Path) -> None:
    """No names that lead here, no pages of other sites; where others reach the port, nobody."""
    with served(tmp_path / "index.db") as client:
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
            assert client.delete("/documents/a.md", headers=headers).status_code == 403
        assert client.delete("/documents/a.md", headers={"Origin": str(client.base_url)}).status_code == 404
    with served(tmp_path / "index.db", Writers("", local=False)) as client:
        assert client.get("/jobs").status_code == 403
        assert client.get("/failures").status_code == 200


def test_with_a_token_whoever_has_it_writes(tmp_path: Path) -> None:
    """On loopback too."""
    with served(tmp_path / "index.db", Writers("geheim", local=False)) as client:
        assert client.get("/jobs").status_code == 401
        assert client.get("/jobs", headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert client.get("/jobs", headers={"Authorization": "Bearer geheim"}).json() == []


def test_too_many_jobs_are_refused_and_equal_ones_are_one(tmp_path: Path) -> None:
    """A crowd of requests does not start a crowd of processes."""
    db = str(tmp_path / "index.db")
    with lock.held(db, "/papers"), closing(Jobs(db)) as jobs:
        first = jobs.start(tmp_path)
        wait_for(lambda: jobs.get(first.id) != first)
        waiting = [jobs.start(tmp_path / str(number)) for number in range(WAITING_AT_MOST)]
        assert jobs.start(tmp_path / "0").id == waiting[0].id
        with pytest.raises(StoreUnavailable, match="try again"):
            jobs.start(tmp_path / "one more")


def test_a_place_is_always_inside(tmp_path: Path) -> None:
    """Ordinary names in any script are taken."""
    for path in ("a.md", "Verträge/Miete 2026.pdf", "日本語/報告.txt", "a/b/c/d.md"):
        assert uploads.place(tmp_path, path).is_relative_to(tmp_path)
    with pytest.raises(QueryError):
        uploads.place(tmp_path, "a/../../b")


@pytest.mark.parametrize("glob", ["\0", "\ud800", ""])
def test_globs_that_are_none_are_refused_and_stop_nothing(client: httpx.Client, tmp_path: Path, glob: str) -> None:
    """Not as a job that never begins, behind which all others wait."""
    (tmp_path / "more").mkdir()
    body = json.dumps({"folder": str(tmp_path / "more"), "include": [glob]})
    refused = client.post("/ingest", content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code == 422
    assert refused.json()["error"]["type"] == "QueryError"
    assert client.get("/jobs").json() == []
    assert client.post("/ingest?wait=30", json={"folder": str(tmp_path / "more")}).json()["state"] == "done"


def test_a_job_that_cannot_be_started_has_failed_and_the_next_one_runs(tmp_path: Path) -> None:
    """A worker that died with it would leave all others waiting."""
    with closing(Jobs(str(tmp_path / "index.db"))) as jobs:
        bad = jobs.start(tmp_path, ["\0"])
        ended = jobs.wait(bad.id, 30)
        assert ended
        assert ended.state == "failed"
        assert "could not be started" in (ended.error or {})["message"]
        good = jobs.wait(jobs.start(tmp_path).id, 30)
        assert good
        assert good.state == "done"
