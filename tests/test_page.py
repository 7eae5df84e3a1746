"""The web page in a real browser: the journeys of a person, and an accessibility check.

Needs Playwright for Python and a Chromium that is installed (Debian's package, or Chrome); skipped aloud elsewhere.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from search.access import LOCAL, Writers
from search.app import create_app
from search.config import Settings
from search.ingest_routes import add_ingest
from search.jobs import Jobs
from search.records import Chunk, Document
from search.service import open_service
from search.store import FileState
from search.store.sqlite import SqliteStore
from tests import index
from tests.fake_ollama import FakeOllama
from tests.test_app import running, served

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: no browser tests")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed: no browser tests")

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: no browser tests")

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script> a pineapple</mark></p>'
HOSTILE_PATH = "evil/<b onmouseover=hacked=3>name<b>.md"
ARABIC = "نغادر إلى لشبونة يوم الاثنين."
LONG = "".join(f"Paragraph {number} of a long report. 🍍\n\n" for number in range(12_000))
NEEDLE = "The zeppelin departs at dawn."
REPLY = "Vectors are kept in one SQLite file [1]. The moon is made of green cheese [1]."


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if root else [])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeOllama]:
    with FakeOllama(reply=REPLY) as made:
        yield made


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, fake: FakeOllama) -> Iterator[str]:
    """Where a service listens whose index holds what a page has to bear."""
    with index.service(tmp_path_factory.mktemp("page"), fake.url, chat_model="llama3") as service:
        store = service.store
        assert isinstance(store, SqliteStore)
        index.fill(store, {HOSTILE_PATH: [HOSTILE], "عربي.md": [ARABIC]})
        start = len(LONG)
        text = LONG + NEEDLE
        chunk = Chunk(NEEDLE, start, start + len(NEEDLE), ("Travel",), 7)
        made = Document("/docs", "long.pdf", "A long report", "pdf", text)
        store.put("/docs", "long.pdf", FileState(1, 2, "h", "indexed", "", index.CHUNKING), [(made, [chunk])])
        store.put("/docs", "scan.pdf", FileState(1, 2, "", "failed", "no text layer: it is a scan"), [])
        index.embed_all(store, service.searcher.client)
        with served(service) as client:
            yield str(client.base_url)


both = pytest.mark.parametrize("page", ["light-1440", "dark-360"], indirect=True)


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Any]:
    """The page, wide and light or narrow and dark; an error in its console fails the test."""
    scheme, width = getattr(request, "param", "light-1440").split("-")
    context = browser.new_context(viewport={"width": int(width), "height": 800}, color_scheme=scheme)
    context.set_default_timeout(10_000)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: problems.append(str(error)))
    elsewhere: list[str] = []
    opened.on("request", lambda sent: None if sent.url.startswith(address) else elsewhere.append(sent.url))
    opened.goto(address)
    yield opened
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    assert opened.evaluate("window.hacked") is None
    context.close()
    assert problems == []
    assert elsewhere == []


def search(page: Any, text: str, first: str) -> None:
    """Types, and waits until the first hit is the one that is meant."""
    page.get_by_role("searchbox").fill(text)
    page.locator(".hit .place").first.filter(has_text=first).wait_for()


def accessible(page: Any) -> None:
    """No violation that axe calls serious or critical."""
    found = axe.Axe().run(page).response["violations"]
    serious = [violation for violation in found if violation["impact"] in ("serious", "critical")]
    assert [(violation["id"], [node["html"] for node in violation["nodes"]]) for violation in serious] == []


@both
def test_hits_come_while_one_types_and_a_source_opens_at_the_passage(page: Any) -> None:
    """Keyboard only: words are marked, the source opens, Escape leads back to the hit."""
    page.keyboard.type("vectors kept in one file")
    page.locator(".hit").first.filter(has_text="guide/storage.md").wait_for()
    page.locator(".hit .text b").filter(has_text="Vectors").first.wait_for()
    page.wait_for_url("**q=vectors+kept+in+one+file")
    accessible(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    mark = page.locator("#reader mark").first
    assert mark.inner_text() == "Vectors are kept in one SQLite file."
    accessible(page)
    page.keyboard.press("Escape")
    assert page.locator("#reader").is_hidden()
    assert page.evaluate("document.activeElement.className") == "opener"


def test_the_keys_that_are_named_do_what_is_said(page: Any) -> None:
    """And no others are: in the box "/" is a sign like any other, outside of it Enter asks nothing."""

    def named() -> list[str]:
        return [key.inner_text() for key in page.locator("#keys kbd").all() if key.is_visible()]

    page.locator("#query:focus").wait_for()
    assert named() == ["Enter"]
    search(page, "vectors/kept", "guide/storage.md")
    assert named() == ["Enter", "↓", "↑"]
    page.keyboard.press("ArrowDown")
    assert named() == ["/", "↓", "↑"]
    page.keyboard.press("Enter")
    page.locator("#reader mark").first.wait_for()
    assert named()[0] == "/"
    assert named()[-1] == "Esc"
    page.keyboard.press("/")
    assert page.locator("#query:focus").input_value() == "vectors/kept"
    page.locator("#path").focus()
    assert named() == ["Enter"]


@pytest.mark.parametrize(("asked", "shown"), [("PDF", "pdf (1)"), ("pfd", "pfd (0)")])
def test_the_type_of_an_address_is_the_one_that_is_shown(page: Any, address: str, asked: str, shown: str) -> None:
    """In whatever letters, and where no document has it: the list must not say "All types" of hits of one."""
    page.goto(f"{address}/?q=zeppelin&type={asked}")
    page.locator("#type option").nth(2).wait_for(state="attached")
    assert page.evaluate("document.getElementById('type').selectedOptions[0].text") == shown
    if asked == "pfd":
        page.get_by_text("no document has the type 'pfd'").wait_for()


def test_why_a_hit_is_there_is_said_on_demand(page: Any) -> None:
    """Ranks and scores of both parts."""
    search(page, "vectors kept", "guide/storage.md")
    why = page.locator(".hit .why").first
    assert not why.get_by_text("by keyword").is_visible()
    why.locator("summary").click()
    assert why.get_by_text("by keyword").is_visible()
    assert why.get_by_text("cosine").is_visible()


@both
def test_each_sentence_of_an_answer_is_marked_and_a_citation_leads_to_its_place(page: Any) -> None:
    """What stands in the sources and what doesn't, in words and not by colour alone."""
    search(page, "Where are vectors kept?", "guide/storage.md")
    page.get_by_role("searchbox").press("Enter")
    page.locator("#answer .meta").wait_for()
    answer = page.locator("#answer")
    assert [tag.splitlines()[0] for tag in answer.locator(".tag").all_inner_texts()] == ["✓", "not found"]
    assert "green cheese" in answer.locator("span.notfound").first.inner_text()
    assert "1 supported, 1 not found" in answer.locator(".meta").inner_text()
    accessible(page)
    answer.locator(".cite").first.click()
    assert page.locator("#reader mark.exact").inner_text() == "Vectors are kept in one SQLite file."
    assert page.locator("#reader .place").inner_text() == "guide/storage.md · guide"


def test_an_answer_streams_and_a_failure_in_it_is_said(page: Any, fake: FakeOllama) -> None:
    """Text is there before the end; a stream that breaks off says so and keeps what was written."""
    with fake.failing("no_end", route="/api/chat"):
        search(page, "Where are vectors kept?", "guide/storage.md")
        page.get_by_role("button", name="Ask").click()
        page.locator("#answer .note.bad").wait_for()
        assert "Vectors are kept" in page.locator("#answer .written").inner_text()


def test_a_question_without_an_answer_is_refused(page: Any) -> None:
    """The nearest passages instead."""
    page.get_by_role("searchbox").fill("Who won the chess olympiad?")
    page.get_by_role("button", name="Ask").click()
    page.locator("#answer .meta").wait_for()
    assert "do not seem to answer" in page.locator("#answer .written").inner_text()
    assert "The nearest passages" in page.locator("#answer .sources").inner_text()


def test_text_of_documents_never_becomes_markup(page: Any) -> None:
    """Not in hits, not in the source, not in lists; the fixture checks that nothing ran."""
    search(page, "pineapple", "evil/")
    assert page.locator(".hit .text").first.inner_text() == HOSTILE
    assert page.locator(".hit img, .hit script").count() == 0
    page.locator(".hit .opener").first.click()
    assert page.locator("#reader mark").first.inner_text() == HOSTILE
    page.keyboard.press("Escape")
    page.locator("#index-button").click()
    page.locator("#documents").get_by_text(HOSTILE_PATH).wait_for()
    assert page.locator("#index b").count() == 0


def test_a_passage_deep_in_a_long_document_is_found_exactly(page: Any) -> None:
    """Only a window of the text is loaded; characters beyond the basic plane don't shift the mark."""
    search(page, "zeppelin dawn", "long.pdf")
    assert page.locator(".hit .place").first.inner_text() == "long.pdf · page 7 · Travel"
    page.locator(".hit .opener").first.click()
    mark = page.locator("#reader mark").first
    mark.wait_for()
    assert mark.inner_text() == NEEDLE
    assert page.evaluate("document.querySelector('#reader mark').getBoundingClientRect().top < innerHeight")
    page.get_by_role("button", name="Earlier").click()
    page.get_by_role("button", name="Later").wait_for()


@both
def test_right_to_left_text_runs_right_to_left(page: Any) -> None:
    """In the box, in hits, and in the source."""
    search(page, "لشبونة", "عربي.md")
    direction = "getComputedStyle(document.querySelector('{}')).direction"
    assert page.evaluate(direction.format(".hit .text")) == "rtl"
    assert page.evaluate("document.querySelector('#query').matches(':dir(rtl)')")
    assert page.locator(".hit .text b").first.inner_text() == "لشبونة"
    page.locator(".hit .opener").first.click()
    page.locator("#reader mark").wait_for()
    assert page.evaluate(direction.format("#reader .doc p")) == "rtl"


def test_filters_narrow_and_stand_in_the_address(page: Any, address: str) -> None:
    """A page can be kept and opened again."""
    search(page, "on Monday", "mail/trip.eml")
    page.get_by_label("Path pattern").fill("guide/*")
    page.locator(".hit .place").first.filter(has_text="guide/").wait_for()
    page.get_by_text("Words", exact=True).click()
    page.wait_for_url("**mode=keyword**")
    page.get_by_text("nothing found within path").wait_for()
    kept = page.url
    page.goto(address)
    page.goto(kept)
    page.get_by_text("nothing found within path").wait_for()
    assert page.get_by_label("Words").is_checked()
    page.get_by_label("Path pattern").fill("")
    page.get_by_label("Document type").select_option("eml")
    page.locator(".hit .place").first.filter(has_text="mail/trip.eml").wait_for()
    page.wait_for_url("**type=eml**")
    page.get_by_label("Document type").select_option("")
    page.get_by_text("More filters").click()
    page.get_by_label("Changed since").fill("2100-01-01")
    page.get_by_text("nothing found within").wait_for()
    page.wait_for_url("**after=2100-01-01**")


@both
def test_the_index_says_what_it_holds_and_what_failed(page: Any) -> None:
    """Counts, notes, failures with their reasons, and every document a click away."""
    page.locator("#index-button").filter(has_text="6 documents · 1 not fully read").click()
    panel = page.locator("#index")
    panel.get_by_text("failed: no text layer: it is a scan").wait_for()
    assert "all-minilm" in panel.inner_text()
    panel.locator("#documents li").first.wait_for()
    accessible(page)
    panel.get_by_role("button", name="mail/trip.eml").click()
    page.locator("#reader .doc").get_by_text("Bring the red umbrella.").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert panel.is_hidden()


@both
def test_the_api_is_described_without_asking_anybody_else(page: Any, address: str) -> None:
    """Each route with its fields; from the service's own description."""
    page.goto(f"{address}/docs")
    route = page.locator(".route").filter(has=page.get_by_text("POST /search", exact=True))
    route.locator("summary").click()
    route.get_by_role("row", name="query text required").first.wait_for()
    assert route.get_by_text("Response: Results").is_visible()
    accessible(page)


@pytest.fixture
def writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[str]:
    """A service of its own with an empty index, which takes documents: from all, or for a token."""
    for name in ("SEARCH_EMBED_MODEL", "SEARCH_CHAT_MODEL"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings(str(tmp_path / "index.db"), "http://127.0.0.1:9")
    with open_service(settings, create=True) as service, closing(Jobs(service.store.location)) as jobs:
        app = create_app(service.searcher, service.answerer, service.status)
        add_ingest(app, service.store, jobs, getattr(request, "param", LOCAL))
        with running(app) as client:
            yield str(client.base_url)


def test_dropped_files_are_found_and_what_cannot_be_read_is_said(browser: Any, writable: str) -> None:
    """Dropped on the page, or chosen; each says what became of it, hostile names too."""
    context = browser.new_context()
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto(writable)
    make = """() => { const dropped = new DataTransfer();
        dropped.items.add(new File(["# Boats\\n\\nThe zeppelin departs at dawn."], "boats & trips.md"));
        dropped.items.add(new File(["%PDF-1.4 broken"], "broken.pdf"));
        return dropped; }"""
    dropped = page.evaluate_handle(make)
    page.dispatch_event("body", "dragenter", {"dataTransfer": dropped})
    assert page.locator("#drop").is_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": dropped})
    assert page.locator("#drop").is_hidden()
    panel = page.locator("#uploads li")
    panel.nth(0).filter(has_text="can be searched").wait_for()
    panel.nth(1).filter(has_text="failed: ").wait_for()
    page.locator("#index-button").filter(has_text="1 document · 1 not fully read").wait_for()
    page.get_by_role("searchbox").fill("zeppelin")
    page.locator(".hit .place").filter(has_text="boats & trips.md").wait_for()
    chosen = {"name": "second.txt", "mimeType": "text/plain", "buffer": b"A submarine arrives at noon."}
    page.locator("#files").set_input_files(chosen)
    panel.nth(0).filter(has_text="can be searched").wait_for()
    page.get_by_role("searchbox").fill("submarine")
    page.locator(".hit .place").first.filter(has_text="second.txt").wait_for()
    bad = {"name": ".hidden", "mimeType": "text/plain", "buffer": b"x"}
    page.locator("#files").set_input_files(bad)
    panel.nth(0).locator(".note.bad").filter(has_text="hidden").wait_for()
    context.close()


def test_what_failed_in_another_folder_is_not_what_was_sent(browser: Any, writable: str, tmp_path: Path) -> None:
    """Files of one name, of which the one in a folder of one's own cannot be read."""
    store = SqliteStore(tmp_path / "index.db")
    store.put("/docs", "boats.txt", FileState(1, 2, "", "failed", "binary data of an unknown format, no text"), [])
    store.close()
    page = browser.new_page()
    page.set_default_timeout(20_000)
    page.goto(writable)
    chosen = {"name": "boats.txt", "mimeType": "text/plain", "buffer": b"The zeppelin departs at dawn."}
    page.locator("#files").set_input_files(chosen)
    page.locator("#uploads li").filter(has_text="can be searched").wait_for()
    page.close()


@pytest.mark.parametrize("writable", [Writers("geheim", local=False)], indirect=True, ids=["token"])
def test_a_service_with_a_token_is_sent_documents_with_it(browser: Any, writable: str) -> None:
    """It is asked for once, a wrong one is said, and it is kept for this tab only."""
    context = browser.new_context()
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto(writable)
    chosen = {"name": "boats.txt", "mimeType": "text/plain", "buffer": b"The zeppelin departs at dawn."}
    page.locator("#files").set_input_files(chosen)
    accessible(page)
    field = page.get_by_label("The token (SEARCH_TOKEN)")
    field.fill("wrong")
    field.press("Enter")
    page.get_by_text("That is not its token.").wait_for()
    field.fill("geheim")
    page.get_by_role("button", name="Send").click()
    page.locator("#uploads li").nth(0).filter(has_text="can be searched").wait_for()
    assert page.get_by_label("The token (SEARCH_TOKEN)").count() == 0
    page.locator("#files").set_input_files(chosen | {"name": "second.txt"})
    page.locator("#uploads li").nth(0).filter(has_text="can be searched").wait_for()
    assert page.evaluate("[Object.values(sessionStorage), localStorage.length, document.cookie]") == [["geheim"], 0, ""]
    context.close()


def test_a_service_that_has_gone_is_said(browser: Any, tmp_path: Path, fake: FakeOllama) -> None:
    """Not an endless wait, and not an empty list."""
    context = browser.new_context()
    page = context.new_page()
    with index.service(tmp_path, fake.url) as service, served(service) as client:
        page.goto(str(client.base_url))
        page.locator("#index-button").filter(has_text="3 documents").wait_for()
    page.get_by_role("searchbox").fill("vectors")
    page.locator("#hits .note.bad").filter(has_text="The service does not answer").wait_for()
    context.close()
