"""OLLAMA_HOST, read as a person means it.

What Ollama and its Python client make of the same text differs (and some of it breaks both), so every
correction is said in `notes`. Pure: nothing is looked up or connected to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address
from urllib.parse import unquote

from search.config import DEFAULT_OLLAMA_HOST, EMBEDDED_HOST
from search.errors import ConfigError

DEFAULT_PORT = 11434
STANDARD_PORTS = {"http": 80, "https": 443}
CLOUD = "ollama.com"

_ROUTES = "tags|ps|show|version|generate|chat|embed|embeddings|chat/completions|completions|models"
_API_PATH = re.compile(rf"/(?:api|v1)(?:/(?:{_ROUTES}))?$")
_LABEL = r"\w(?:[\w-]{0,61}\w)?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")


@dataclass(frozen=True, slots=True)
class Host:
    """Where a server is asked.

    `url` has no trailing slash and no password; `notes` say what was understood or corrected; `given` is the
    text as given, with *** for a password; `userinfo` is sent as HTTP basic authentication.
    """

    url: str
    notes: tuple[str, ...] = ()
    given: str = ""
    userinfo: tuple[str, str] | None = None

    @property
    def embedded(self) -> bool:
        return self.url == EMBEDDED_HOST

    @property
    def loopback(self) -> bool:
        """Whether it is this machine: proxies never apply then."""
        if self.embedded:
            return True
        import httpx  # noqa: PLC0415 (as below)

        return is_loopback(httpx.URL(self.url).host)

    def __str__(self) -> str:
        return self.url


def parse(text: str) -> Host:
    """One host; of several separated by commas the first, with a note.

    Raises ConfigError for what cannot be a host.
    """
    first, *others = parse_all(text)
    if not others:
        return first
    note = f"of several hosts this is the first; the others are {', '.join(host.url for host in others)}"
    return replace(first, notes=(*first.notes, note))


def parse_all(text: str) -> tuple[Host, ...]:
    """All hosts of a list separated by commas, each once, in order; never empty. Raises ConfigError as `parse`."""
    given = [part for part in (_unquoted(part) for part in _unquoted(text).split(",")) if part]
    hosts: dict[str, Host] = {}
    for part in given or [""]:
        host = _parse_one(part, text)
        hosts.setdefault(host.url, host)
    return tuple(hosts.values())


def _parse_one(part: str, whole: str) -> Host:
    if not part:
        return Host(DEFAULT_OLLAMA_HOST)
    notes = ["quotes were dropped"] if re.search("[\"']", whole) else []
    if part.rstrip("/").lower() in (EMBEDDED_HOST.rstrip("/"), EMBEDDED_HOST):
        return Host(EMBEDDED_HOST, (), part)
    scheme, rest, default_port = _scheme(part, notes)
    authority, path = _path(rest, notes)
    userinfo, _, address = authority.rpartition("@")
    name, port = _address(address, default_port, notes)
    if name.lower() == CLOUD and "://" not in part:
        scheme, port = "https", port if address.lower() != CLOUD else 443
        notes.append(f"{CLOUD} is asked over https")
    user, _, password = userinfo.partition(":")
    given = part.replace(f"{userinfo}@", f"{user}:***@") if password else part
    url = _url(scheme, name, port, path, given)
    if userinfo:
        notes.append("the user name and password are sent as HTTP basic authentication")
    return Host(url, tuple(notes), given, (unquote(user), unquote(password)) if userinfo else None)


def _scheme(part: str, notes: list[str]) -> tuple[str, str, int]:
    """The scheme, what follows it, and the port that stands for none."""
    scheme, separator, rest = part.partition("://")
    if not separator:
        return "http", part, DEFAULT_PORT
    if scheme.lower() not in STANDARD_PORTS:
        raise ConfigError(
            f"OLLAMA_HOST {_masked(part)!r}: {scheme}:// is not known; use http://, https:// or {EMBEDDED_HOST}"
        )
    if scheme not in STANDARD_PORTS:  # Ollama knows the schemes in lower case only, and falls back to its own port
        notes.append(f"{scheme}:// is read as {scheme.lower()}://, without a port as {DEFAULT_PORT}, as Ollama does")
        return scheme.lower(), rest, DEFAULT_PORT
    return scheme, rest, STANDARD_PORTS[scheme]


def _path(rest: str, notes: list[str]) -> tuple[str, str]:
    """The authority and the path without a trailing slash, query, fragment or API route."""
    cut = re.split(r"[?#]", rest, maxsplit=1)[0]
    if cut != rest:
        notes.append("everything after the ? or # was dropped")
    authority, _, path = cut.partition("/")
    path = f"/{path}".rstrip("/")
    shorter = _API_PATH.sub("", path)
    if shorter != path:
        notes.append(f"{path[len(shorter) :]} at the end was dropped: the host is named without it")
    return authority, shorter


def _address(address: str, default_port: int, notes: list[str]) -> tuple[str, int]:
    """Name or address (IPv6 in brackets) and port."""
    name, port_text = _split_port(address)
    port = default_port
    if port_text and (not re.fullmatch(r"[0-9]{1,5}", port_text) or not 0 < int(port_text) < 65536):
        notes.append(f"{port_text!r} is no port from 1 to 65535: {default_port} is used")
    elif port_text:
        port = int(port_text)
    if not name:
        name = "127.0.0.1"
        notes.append("without a name, this machine is meant: 127.0.0.1")
    return _reachable(name, notes), port


def _split_port(address: str) -> tuple[str, str]:
    if address.startswith("["):
        inside, bracket, after = address[1:].partition("]")
        if not bracket or (after and not after.startswith(":")):
            return address, ""  # refused by _url
        return inside, after[1:]
    if address.count(":") > 1 and _is_ipv6(address):
        return address, ""
    name, _, port = address.rpartition(":") if ":" in address else (address, "", "")
    return name, port


def _reachable(name: str, notes: list[str]) -> str:
    """An address that a client can connect to: the "any" addresses become loopback."""
    try:
        address = ip_address(name)
    except ValueError:
        return name
    if address.is_unspecified:
        loopback = "127.0.0.1" if address.version == 4 else "::1"
        notes.append(f"{name} is where a server listens; {loopback} is asked")
        address = ip_address(loopback)
    return f"[{address}]" if address.version == 6 else str(address)


def _url(scheme: str, name: str, port: int, path: str, given: str) -> str:
    import httpx  # noqa: PLC0415 (no server is spoken to without it, and the embedded model needs none)

    shown = "" if port == STANDARD_PORTS[scheme] else f":{port}"
    url = f"{scheme}://{name}{shown}{path}"
    try:
        parsed = httpx.URL(url)
        usable = name.startswith("[") or bool(_NAME.fullmatch(name) and parsed.raw_host)
    except (httpx.InvalidURL, UnicodeError):
        usable = False
    if not usable or re.search(r"[\s\\\x00-\x1f\x7f]", path):
        raise ConfigError(
            f"OLLAMA_HOST {given!r} is no host: write it as http://127.0.0.1:{DEFAULT_PORT}, name:port or [IPv6]:port"
        )
    return url


def is_loopback(name: str) -> bool:
    """Whether a host name or address is this machine's own, reached by nobody else."""
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name.lower().rstrip(".") == "localhost" or name.lower().endswith(".localhost")


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _unquoted(text: str) -> str:
    return text.strip(" \t\r\n\v\f\"'")


def _masked(text: str) -> str:
    return re.sub(r"//[^/@]*@", "//***@", text)
