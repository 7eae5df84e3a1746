"""OLLAMA_HOST as people write it."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from search.errors import ConfigError
from search.ollama import hosts

TABLE = [
    # given, url, a word of the note ("" for no note)
    ("", "http://127.0.0.1:11434", ""),
    ("   ", "http://127.0.0.1:11434", ""),
    ("1.2.3.4", "http://1.2.3.4:11434", ""),
    ("1.2.3.4:8080", "http://1.2.3.4:8080", ""),
    (":1234", "http://127.0.0.1:1234", "this machine"),
    ("http://h", "http://h", ""),
    ("https://h", "https://h", ""),
    ("http://", "http://127.0.0.1", "this machine"),
    ("http://h:80", "http://h", ""),
    ("https://h:8443/path/", "https://h:8443/path", ""),
    ('"h:1"', "http://h:1", "quotes"),
    ("  h:1 ", "http://h:1", ""),
    ("' http://h:1 '", "http://h:1", "quotes"),
    ("0.0.0.0", "http://127.0.0.1:11434", "0.0.0.0"),
    ("0.0.0.0:1234", "http://127.0.0.1:1234", "0.0.0.0"),
    ("http://0.0.0.0:1234", "http://127.0.0.1:1234", "0.0.0.0"),
    ("::", "http://[::1]:11434", "::"),
    ("[::]:1234", "http://[::1]:1234", "::"),
    ("::1", "http://[::1]:11434", ""),
    ("[::1]", "http://[::1]:11434", ""),
    ("[::1]:1234", "http://[::1]:1234", ""),
    ("http://[::1]:1234/", "http://[::1]:1234", ""),
    ("2001:db8::1", "http://[2001:db8::1]:11434", ""),
    ("ollama.com", "https://ollama.com", "https"),
    ("ollama.com:8080", "https://ollama.com:8080", "https"),
    ("h:66000", "http://h:11434", "66000"),
    ("http://h:66000", "http://h", "66000"),
    ("h:-1", "http://h:11434", "-1"),
    ("h:abc", "http://h:11434", "abc"),
    ("h:0", "http://h:11434", "0"),
    ("h:", "http://h:11434", ""),
    ("h/v1", "http://h:11434", "/v1"),
    ("http://h:1/api", "http://h:1", "/api"),
    ("http://h:1/api/", "http://h:1", "/api"),
    ("http://h:1/proxy/v1/", "http://h:1/proxy", "/v1"),
    ("http://h:1/api/embed", "http://h:1", "/api/embed"),
    ("http://h:1/v1/chat/completions", "http://h:1", "/v1/chat/completions"),
    ("http://h:1/apis", "http://h:1/apis", ""),
    ("http://h:1/?x=1#y", "http://h:1", "dropped"),
    ("HTTP://h", "http://h:11434", "HTTP"),
    ("HTTPS://h:1", "https://h:1", "HTTPS"),
    ("user:pw@h", "http://h:11434", "basic authentication"),
    ("https://user:p@ss@h:1", "https://h:1", "basic authentication"),
    ("localhost", "http://localhost:11434", ""),
    ("my_box.local", "http://my_box.local:11434", ""),
    ("embedded://", "embedded://", ""),
    ("embedded:", "embedded://", ""),
]


@pytest.mark.parametrize(("given", "url", "note"), TABLE)
def test_each_way_to_write_a_host_is_understood(given: str, url: str, note: str) -> None:
    """Every correction is said, and nothing else is."""
    host = hosts.parse(given)
    assert host.url == url
    assert note in " ".join(host.notes)
    assert bool(host.notes) == bool(note)


@pytest.mark.parametrize(
    "given", ["ftp://h", "unix:///run/ollama.sock", "my host", "[::1", "http://h\\x:1", "a..b", "x" * 64]
)
def test_what_cannot_be_a_host_is_refused(given: str) -> None:
    """The error names the setting and shows how a host is written."""
    with pytest.raises(ConfigError, match="OLLAMA_HOST"):
        hosts.parse(given)


def test_a_password_is_kept_apart_and_never_shown() -> None:
    """It goes into the request, not into messages."""
    host = hosts.parse("https://user:s3cret%40@h:1")
    assert host.userinfo == ("user", "s3cret@")
    assert "s3cret" not in repr((host.url, host.notes, host.given))
    with pytest.raises(ConfigError) as raised:
        hosts.parse("ftp://user:s3cret@h")
    assert "s3cret" not in str(raised.value)


def test_several_hosts_come_in_order_and_once() -> None:
    found = hosts.parse_all(' a, "http://b:1" ,,a:11434 ')
    assert [host.url for host in found] == ["http://a:11434", "http://b:1"]
    first = hosts.parse("a,b")
    assert first.url == "http://a:11434"
    assert "http://b:11434" in first.notes[-1]


@pytest.mark.parametrize(
    ("given", "loopback"),
    [
        ("", True),
        ("localhost", True),
        ("LOCALHOST:1", True),
        ("x.localhost", True),
        ("127.1.2.3", True),
        ("[::1]:1", True),
        ("0.0.0.0", True),
        ("embedded://", True),
        ("192.168.1.2", False),
        ("example.org", False),
    ],
)
def test_loopback_is_known(given: str, loopback: bool) -> None:
    assert hosts.parse(given).loopback is loopback


@given(st.text() | st.from_regex(r"(https?://)?[a-z0-9.:@\[\]/%,-]{0,30}", fullmatch=True))
@example("//")
@example("http://@")
@example("http://h:１")
@example("::1%eth0")
def test_any_text_gives_usable_hosts_or_one_clear_error(text: str) -> None:
    """No text crashes the parser, and what it gives is a URL that httpx takes."""
    try:
        found = hosts.parse_all(text)
    except ConfigError:
        return
    assert found
    for host in found:
        assert host.embedded or httpx.URL(host.url).host
        assert isinstance(host.loopback, bool)
        assert hosts.parse(host.url).url == host.url


def test_loopback_is_told_from_other_addresses() -> None:
    """By name and by number."""
    assert all(hosts.is_loopback(name) for name in ("localhost", "127.0.0.1", "127.3.2.1", "::1", "[::1]"))
    assert not any(hosts.is_loopback(name) for name in ("0.0.0.0", "::", "192.168.1.2", "localhost.evil.example", ""))
