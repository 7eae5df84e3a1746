"""Folder -> files: what is there to be read, and what is passed over and why. Knows no format.

Every entry is accounted for: it is Found, or Unseen, or counted in a Skipped with its reason. Names are POSIX paths
inside the root; bytes that are no UTF-8 stand in them as `\\xff`.
"""

from __future__ import annotations

import codecs
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pathspec import GitIgnoreSpec

from search.errors import ConfigError

MAX_BYTES = 200_000_000
IGNORE_FILES = (".gitignore", ".ignore")
REPOSITORIES = frozenset({".git", ".hg", ".svn", ".bzr"})

IGNORED = "ignored by a .gitignore or .ignore file"
HIDDEN = "hidden"
EXCLUDED = "excluded, or not among those to include"


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read. `name` is its POSIX path inside the root."""

    path: Path
    name: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """What is not read. `name` is empty where it stands for `count` entries of the same reason."""

    name: str
    reason: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Unseen:
    """An entry of which the system says nothing, so that nobody knows whether it is as it was: an error, with why.

    The name of a folder ends in a slash.
    """

    name: str
    reason: str


def walk(
    root: Path,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    max_bytes: int = MAX_BYTES,
    hidden: bool = False,
) -> Iterator[Found | Skipped | Unseen]:
    """The files under `root`, sorted by folder; then one Skipped for each reason that is counted only.

    `include` and `exclude` are globs as in a .gitignore file; with no `include` all files are. An ignored,
    hidden or excluded folder counts as one entry. A link that leads out of the root is never followed, and
    one whose target is read in its own place isn't either, so no document comes twice and no walk runs in
    circles. Raises ConfigError where `root`, or its ignore file, cannot be read.
    """
    check_root(root)
    walker = _Walker(root, _spec(include), _spec(exclude), max_bytes, hidden)
    yield from walker.walk()
    for reason, count in walker.counted.items():
        yield Skipped("", reason, count)


def check_root(root: Path) -> None:
    """Raises ConfigError unless `root` is a folder that can be listed."""
    try:
        if not stat.S_ISDIR(root.stat().st_mode):
            raise ConfigError(f"{root} is not a folder: name the folder that it is in")
        with os.scandir(root):
            pass
    except FileNotFoundError as error:
        raise ConfigError(f"{root} does not exist: check the spelling") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{root} cannot be read: {_words(error)}") from error


Rules = tuple[tuple[int, GitIgnoreSpec], ...]  # how many characters of a name stand before each one's own


@dataclass(slots=True)
class _Walker:
    root: Path
    include: GitIgnoreSpec | None
    exclude: GitIgnoreSpec | None
    max_bytes: int
    hidden: bool
    counted: Counter[str] = field(default_factory=Counter)
    links: list[tuple[os.DirEntry[str], str, Rules]] = field(default_factory=list)
    seen: set[tuple[int, int]] = field(default_factory=set)

    def walk(self) -> Iterator[Found | Skipped | Unseen]:
        """All that stands in its own place, then what is only reached by links."""
        status = self.root.stat()
        self.seen.add((status.st_dev, status.st_ino))
        yield from self._folders(os.fspath(self.root), "", ())
        while self.links:
            entry, name, rules = self.links.pop(0)
            yield from self._link(entry, name, rules)

    def _folders(self, path: str, prefix: str, rules: Rules) -> Iterator[Found | Skipped | Unseen]:
        """A folder and those in it, without recursion: trees can be deeper than Python's stack."""
        waiting = [(path, prefix, rules)]
        while waiting:
            path, prefix, rules = waiting.pop()
            entries = self._entries(path)
            if isinstance(entries, str):
                yield Unseen(prefix, f"the folder cannot be read: {entries}")
                continue
            try:
                rules += self._rules(entries, len(prefix))
            except OSError as error:
                # What they leave out must not come into the index because they cannot be read.
                reason = f"the folder's ignore file cannot be read: {_words(error)}"
                if not prefix:
                    raise ConfigError(f"{path}: {reason}") from error
                yield Unseen(prefix, reason)
                continue
            inner = []
            for entry in entries:
                name = prefix + _name(entry.name)
                if entry.is_dir(follow_symlinks=False):
                    if self._is_wanted(entry, name, rules, folder=True) and self._is_new(entry):
                        inner.append((entry.path, name + "/", rules))
                elif self._is_wanted(entry, name, rules, folder=False):
                    yield from self._file(entry, name, rules)
            waiting.extend(reversed(inner))

    def _entries(self, path: str) -> list[os.DirEntry[str]] | str:
        try:
            with os.scandir(path) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            return _words(error)

    def _file(self, entry: os.DirEntry[str], name: str, rules: Rules) -> Iterator[Found | Skipped | Unseen]:
        if entry.is_symlink():
            self.links.append((entry, name, rules))
            return
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # it went while the folder was read
            return
        except OSError as error:
            yield Unseen(name, f"it cannot be looked at: {_words(error)}")
            return
        yield self._judged(entry, name, status)

    def _judged(self, entry: os.DirEntry[str], name: str, status: os.stat_result) -> Found | Skipped:
        if not stat.S_ISREG(status.st_mode):
            return Skipped(name, f"it is no file but {_kind(status.st_mode)}")
        if entry.name.startswith("~$"):
            return Skipped(name, "it is the lock file of a document that is open in an office program")
        if not status.st_size:
            return Skipped(name, "the file is empty")
        if status.st_size > self.max_bytes:
            return Skipped(
                name, f"it is larger than the limit ({status.st_size:,} bytes, at most {self.max_bytes:,} are read)"
            )
        self.seen.add((status.st_dev, status.st_ino))
        return Found(Path(entry.path), name, status.st_size, status.st_mtime_ns)

    def _link(self, entry: os.DirEntry[str], name: str, rules: Rules) -> Iterator[Found | Skipped | Unseen]:
        try:
            target = Path(entry.path).resolve(strict=True)
            status = target.stat()
        except PermissionError as error:
            yield Unseen(name, f"it is a link that cannot be followed: {_words(error)}")
            return
        except (OSError, RuntimeError) as error:
            yield Skipped(name, f"it is a link that leads nowhere: {_words(error)}")
            return
        if not target.is_relative_to(self.root.resolve()):
            yield Skipped(name, "it is a link that leads out of the folder")
        elif (status.st_dev, status.st_ino) in self.seen:
            yield Skipped(name, "it is a link to what is read in its own place")
        elif stat.S_ISDIR(status.st_mode):
            self.seen.add((status.st_dev, status.st_ino))
            yield from self._folders(entry.path, name + "/", rules)
        else:
            yield self._judged(entry, name, status)

    def _is_new(self, entry: os.DirEntry[str]) -> bool:
        """Whether the folder was not walked yet (a mount of itself inside itself would be)."""
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return True
        known = (status.st_dev, status.st_ino) in self.seen
        self.seen.add((status.st_dev, status.st_ino))
        return not known or not status.st_ino

    def _is_wanted(self, entry: os.DirEntry[str], name: str, rules: Rules, *, folder: bool) -> bool:
        if entry.name in REPOSITORIES or (not self.hidden and _is_hidden(entry)):
            self.counted[HIDDEN] += 1
            return False
        matched = name + "/" if folder else name
        if rules and _is_ignored(matched, rules):
            self.counted[IGNORED] += 1
            return False
        left_out = self.exclude is not None and self.exclude.match_file(matched)
        if left_out or (not folder and self.include is not None and not self.include.match_file(matched)):
            self.counted[EXCLUDED] += 1
            return False
        return True

    def _rules(self, entries: list[os.DirEntry[str]], depth: int) -> Rules:
        """The folder's own ignore files. Raises OSError where one cannot be read."""
        found: list[tuple[int, GitIgnoreSpec]] = []
        for entry in entries:
            if entry.name in IGNORE_FILES and entry.is_file():
                lines = [line for line in _lines(Path(entry.path)) if _is_rule(line)]
                found.append((depth, GitIgnoreSpec.from_lines(lines)))
        return tuple(found)


def _is_rule(line: str) -> bool:
    """Whether a line of an ignore file can be understood; git passes over others too."""
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True


def _lines(file: Path) -> list[str]:
    """The lines of an ignore file; PowerShell writes UTF-16."""
    data = file.read_bytes()
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if is_wide else "utf-8-sig", "replace").splitlines()


def _is_ignored(name: str, rules: Rules) -> bool:
    """The rule nearest to the file decides, as in git."""
    for depth, spec in reversed(rules):
        verdict = spec.check_file(name[depth:]).include
        if verdict is not None:
            return verdict
    return False


def _is_hidden(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith("."):
        return True
    if os.name != "nt":
        return False
    attributes = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
    return bool(attributes & getattr(stat, "FILE_ATTRIBUTE_HIDDEN", 0))


def _spec(patterns: Sequence[str]) -> GitIgnoreSpec | None:
    try:
        for glob in patterns:
            if all(pattern.include is None for pattern in GitIgnoreSpec.from_lines([glob]).patterns):
                raise ConfigError(f"the glob {glob!r} matches nothing: write one such as *.md or notes/**")
        return GitIgnoreSpec.from_lines(patterns) if patterns else None
    except ValueError as error:
        raise ConfigError(f"a glob that cannot be understood: {error}") from error


def _name(name: str) -> str:
    """The name as text that every database holds: bytes that are no UTF-8 become `\\xff`."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(name).decode("utf-8", "backslashreplace")
    return name


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"))
    return next((words for test, words in kinds if test(mode)), "a device")


def _words(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
