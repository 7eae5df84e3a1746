"""The walk: every entry is a file to read or counted with a reason, on real folders."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.files import EXCLUDED, HIDDEN, IGNORED, Found, Skipped, Unseen, walk
from search.errors import ConfigError

posix = pytest.mark.skipif(os.name != "posix", reason="needs the links, pipes and rights of POSIX systems")


def tree(root: Path, *names: str) -> Path:
    """Files of these names, each holding its own name."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return root


def names(root: Path, **options: object) -> list[str]:
    return [one.name for one in walk(root, **options) if isinstance(one, Found)]  # type: ignore[arg-type]


def skipped(root: Path, **options: object) -> dict[str, str]:
    return {one.name: one.reason for one in walk(root, **options) if isinstance(one, Skipped)}  # type: ignore[arg-type]


def counted(root: Path, **options: object) -> dict[str, int]:
    found = [one for one in walk(root, **options) if isinstance(one, Skipped)]  # type: ignore[arg-type]
    return {one.reason: one.count for one in found if not one.name}


def test_files_in_order_with_size_and_time(tmp_path: Path) -> None:
    """A file comes with its POSIX name in the root, its size and its time."""
    tree(tmp_path, "b.md", "a/two.md", "a/one.md")
    found = [one for one in walk(tmp_path) if isinstance(one, Found)]
    assert [one.name for one in found] == ["b.md", "a/one.md", "a/two.md"]
    assert found[1].size == len("a/one.md")
    assert found[1].mtime_ns == (tmp_path / "a/one.md").stat().st_mtime_ns
    assert found[1].path.read_text(encoding="utf-8") == "a/one.md"


def test_an_empty_file_is_passed_over(tmp_path: Path) -> None:
    """An `__init__.py` of nothing is no failure."""
    (tmp_path / "__init__.py").touch()
    assert list(walk(tmp_path)) == [Skipped("__init__.py", "the file is empty")]


def test_empty_folder_has_nothing(tmp_path: Path) -> None:
    """An empty folder is no error."""
    assert list(walk(tmp_path)) == []


def test_folder_that_does_not_exist(tmp_path: Path) -> None:
    """The message names the folder and what to do."""
    with pytest.raises(ConfigError, match="nowhere does not exist: check the spelling"):
        list(walk(tmp_path / "nowhere"))


def test_file_as_root(tmp_path: Path) -> None:
    """A file is no folder: as a root of its own it would let all its neighbours look deleted."""
    with pytest.raises(ConfigError, match="is not a folder"):
        list(walk(tree(tmp_path, "a.md") / "a.md"))


def test_ignored_files_are_counted_not_listed(tmp_path: Path) -> None:
    """.gitignore and .ignore hold, an ignored folder counts once."""
    tree(tmp_path, "keep.md", "drop.log", "build/a.md", "build/b.md", "draft.txt")
    (tmp_path / ".gitignore").write_text("*.log\nbuild/\n", encoding="utf-8")
    (tmp_path / ".ignore").write_text("draft*\n", encoding="utf-8")
    assert names(tmp_path) == ["keep.md"]
    assert counted(tmp_path) == {IGNORED: 3, HIDDEN: 2}


def test_nested_ignore_files_and_exceptions(tmp_path: Path) -> None:
    """A rule counts from its own folder on, and the nearest one decides."""
    tree(tmp_path, "a.log", "in/a.log", "in/keep.log", "in/deep/x.tmp", "x.tmp")
    (tmp_path / ".gitignore").write_text("*.log\n", encoding="utf-8")
    (tmp_path / "in/.gitignore").write_text("!keep.log\n/deep/*.tmp\n", encoding="utf-8")
    assert names(tmp_path) == ["x.tmp", "in/keep.log"]


def test_hidden_files_only_when_asked(tmp_path: Path) -> None:
    """Hidden entries are counted; asked for, they are read, a repository's own folder never."""
    tree(tmp_path, "a.md", ".secret.md", ".config/b.md", ".git/HEAD")
    assert names(tmp_path) == ["a.md"]
    assert counted(tmp_path) == {HIDDEN: 3}
    assert names(tmp_path, hidden=True) == [".secret.md", "a.md", ".config/b.md"]


def test_include_and_exclude(tmp_path: Path) -> None:
    """Globs as in a .gitignore file; exclude wins."""
    tree(tmp_path, "a.md", "b.txt", "sub/c.md", "old/d.md")
    assert names(tmp_path, include=["*.md"]) == ["a.md", "old/d.md", "sub/c.md"]
    assert names(tmp_path, include=["*.md"], exclude=["old/"]) == ["a.md", "sub/c.md"]
    assert counted(tmp_path, include=["*.md"], exclude=["old/"]) == {EXCLUDED: 2}


def test_larger_than_the_limit(tmp_path: Path) -> None:
    """A file over the limit is listed with both numbers."""
    tree(tmp_path, "long-name.md", "a")
    assert names(tmp_path, max_bytes=5) == ["a"]
    assert "12 bytes, at most 5" in skipped(tmp_path, max_bytes=5)["long-name.md"]


def test_lock_files_of_office_programs(tmp_path: Path) -> None:
    """What an office program leaves beside an open document is no document."""
    tree(tmp_path, "report.docx", "~$report.docx")
    assert names(tmp_path) == ["report.docx"]
    assert "lock file" in skipped(tmp_path)["~$report.docx"]


@posix
def test_links_stay_inside(tmp_path: Path) -> None:
    """A link out is not followed, a link to what is read anyway isn't read twice, a broken one is named."""
    outside = tree(tmp_path / "outside", "secret.md")
    root = tree(tmp_path / "root", "a.md", "sub/b.md")
    (root / "out").symlink_to(outside)
    (root / "out.md").symlink_to(outside / "secret.md")
    (root / "again.md").symlink_to(root / "a.md")
    (root / "loop").symlink_to(root)
    (root / "nowhere").symlink_to(root / "missing")
    assert names(root) == ["a.md", "sub/b.md"]
    reasons = skipped(root)
    assert "leads out" in reasons["out"]
    assert "leads out" in reasons["out.md"]
    assert "in its own place" in reasons["again.md"]
    assert "in its own place" in reasons["loop"]
    assert "leads nowhere" in reasons["nowhere"]


@posix
def test_link_to_what_is_not_read_otherwise(tmp_path: Path) -> None:
    """A link inside the root to a hidden folder is how its files are reached, under the link's name, once."""
    root = tree(tmp_path / "root", ".store/a.md")
    (root / "visible").symlink_to(root / ".store")
    (root / "twice").symlink_to(root / ".store")
    assert names(root) == ["twice/a.md"]


@posix
def test_special_files(tmp_path: Path) -> None:
    """A pipe would block its reader for ever; it is named and left alone."""
    os.mkfifo(tmp_path / "pipe")
    server = socket.socket(socket.AF_UNIX)
    path = str(tmp_path / "s")
    if len(path) < 100:
        server.bind(path)
    server.close()
    reasons = skipped(tmp_path)
    assert reasons["pipe"] == "it is no file but a pipe"
    assert reasons.get("s", "it is no file but a socket") == "it is no file but a socket"


def test_an_ignore_file_that_cannot_be_read_lets_nothing_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder is an error; the top one ends the run."""
    tree(tmp_path, "a.md", "inner/b.md", "inner/.ignore")
    read = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name == ".ignore":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    found = list(walk(tmp_path))
    assert [one.name for one in found if isinstance(one, Found)] == ["a.md"]
    assert [one.name for one in found if isinstance(one, Unseen)] == ["inner/"]
    tree(tmp_path, ".ignore")
    with pytest.raises(ConfigError, match="ignore file cannot be read"):
        list(walk(tmp_path))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_ignore_files_may_begin_with_a_mark(tmp_path: Path, encoding: str) -> None:
    """PowerShell writes UTF-16; a line that is no rule leaves the others in force."""
    tree(tmp_path, "a.md", "b.log")
    (tmp_path / ".ignore").write_bytes("*.log\n!\n".encode(encoding))
    assert names(tmp_path) == ["a.md"]


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root can read every folder")
def test_unreadable_folder(tmp_path: Path) -> None:
    """A folder without rights is named, the rest is read."""
    tree(tmp_path, "a.md", "closed/b.md")
    (tmp_path / "closed").chmod(0)
    try:
        assert names(tmp_path) == ["a.md"]
        unseen = [one for one in walk(tmp_path) if isinstance(one, Unseen)]
        assert [one.name for one in unseen] == ["closed/"]
        assert "cannot be read" in unseen[0].reason
    finally:
        (tmp_path / "closed").chmod(0o700)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such names")
def test_odd_names(tmp_path: Path) -> None:
    """A line end stays in a name, bytes that are no UTF-8 are written out; the path itself opens the file."""
    for name in (b"two\nlines.md", b"caf\xe9.md", "größe.md".encode()):
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_bytes(name)
    found = {one.name: one for one in walk(tmp_path) if isinstance(one, Found)}
    assert set(found) == {"two\nlines.md", "caf\\xe9.md", "größe.md"}
    assert found["caf\\xe9.md"].path.read_bytes() == b"caf\xe9.md"


@pytest.mark.skipif(sys.platform != "linux", reason="how long a path may be differs")
def test_very_deep_folder(tmp_path: Path) -> None:
    """A tree deeper than Python's stack is walked, and what lies too deep for the system is named."""
    here, depth = os.getcwd(), 0
    try:
        os.chdir(tmp_path)
        while depth < 2060:
            if depth == 1100:
                Path("a.md").write_text("deep", encoding="utf-8")
            os.mkdir("d")
            os.chdir("d")
            depth += 1
        found, lost = walk(tmp_path)
    finally:
        for _ in range(depth):  # by hand: the standard library cannot remove so deep a tree
            os.chdir("..")
            Path("a.md").unlink(missing_ok=True)
            os.rmdir("d")
        os.chdir(here)
    assert isinstance(found, Found)
    assert found.name == "d/" * 1100 + "a.md"
    assert isinstance(lost, Unseen)
    assert lost.reason == "the folder cannot be read: file name too long"


@settings(max_examples=25, deadline=None)
@given(entries=st.sets(st.text("ab.~$", min_size=1, max_size=4).filter(lambda name: name.strip(".")), max_size=8))
def test_every_entry_is_accounted_for(tmp_path_factory: pytest.TempPathFactory, entries: set[str]) -> None:
    """As many entries come out as the folder has, found or counted with a reason."""
    root = tree(tmp_path_factory.mktemp("root"), *entries)
    outcomes = list(walk(root, exclude=["b*"]))
    seen = sum(one.count if isinstance(one, Skipped) else 1 for one in outcomes)
    assert seen == len(list(root.iterdir()))
