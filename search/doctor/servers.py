"""Which hosts are asked and why, whether a proxy is in between, and what runs there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from search.config import DEFAULT_OLLAMA_HOST, EMBEDDED_HOST, MULTILINGUAL_MODEL, Settings
from search.doctor.findings import Finding, tried
from search.ollama import hosts
from search.ollama.client import Client
from search.ollama.hosts import Host
from search.ollama.wire import Tags

Proxies = Mapping[str, str]
MODELS_SHOWN = 20


def understood(settings: Settings) -> Iterator[Finding]:
    """What was made of OLLAMA_HOST, and what it is used for."""
    asked = [name for name, value in _models(settings) if value]
    if not asked:
        yield Finding(
            "host",
            "note",
            f"{settings.embedder} embeds in this process ({EMBEDDED_HOST}), and no chat model is set: "
            "no server is asked",
            "set SEARCH_EMBED_MODEL or SEARCH_CHAT_MODEL to use models of an Ollama",
        )
        return
    if settings.embedder == MULTILINGUAL_MODEL and not settings.embeds_here:
        yield Finding(
            "host",
            "note",
            f"{MULTILINGUAL_MODEL} is asked of OLLAMA_HOST, as SEARCH_EMBED_MODEL names it without a place",
            f"for the one that needs no server, set SEARCH_EMBED_MODEL={EMBEDDED_HOST}{MULTILINGUAL_MODEL}",
        )
    for host in hosts.parse_all(settings.ollama_host):
        default = settings.ollama_host == DEFAULT_OLLAMA_HOST
        source = "Ollama's own default" if default else f"OLLAMA_HOST={host.given}"
        yield Finding("host", "ok", f"{host} is asked, by {source}, for {' and '.join(asked)}")
        for note in host.notes:
            yield Finding("host", "note", f"OLLAMA_HOST: {note}")


def proxied(host: Host, proxies: Proxies, bypassed: bool) -> Iterator[Finding]:
    """Whether a proxy of the environment stands between."""
    if host.embedded:
        return
    proxy = proxies.get(scheme_of(host)) or proxies.get("all")
    if proxy is None:
        return
    if host.loopback:
        yield Finding("proxy", "note", f"the proxy {proxy} of the environment is not used for {host}, as it is local")
    elif not bypassed:
        yield Finding(
            "proxy",
            "note",
            f"requests to {host} go through the proxy {proxy}",
            f"put {host.url.split('//')[1].split(':')[0]} into NO_PROXY if that is not meant",
        )


def scheme_of(host: Host) -> str:
    """http or https: the proxy of which applies."""
    return host.url.partition("://")[0]


def reached(client: Client, found: list[Finding]) -> Tags | None:
    """Whether an Ollama answers, which version, and with which models; None where it can't be worked with."""
    where = client.host.url
    version = tried("server", found, client.version)
    if version is None:
        return None
    found.append(Finding("server", "ok", f"{where} answers, Ollama {version.version}"))
    tags = tried("models", found, client.tags)
    if tags is None:
        return None
    names = [f"{model.name} ({model.digest.removeprefix('sha256:')[:12]})" for model in tags.models]
    more = f" and {len(names) - MODELS_SHOWN} more" if len(names) > MODELS_SHOWN else ""
    found.append(Finding("models", "ok", f"{where} has {', '.join(names[:MODELS_SHOWN]) or 'no models'}{more}"))
    return tags


def same_digest(name: str, digests: Mapping[str, str]) -> Finding | None:
    """Whether all hosts have the same model under this name; None for a single host."""
    if len(digests) < 2:
        return None
    if len(set(digests.values())) == 1:
        return Finding("digests", "ok", f"all {len(digests)} hosts have the same {name}")
    listed = ", ".join(f"{host}: {digest.removeprefix('sha256:')[:12]}" for host, digest in digests.items())
    return Finding(
        "digests",
        "wrong",
        f"the hosts have different models under the name {name} ({listed}): their vectors cannot be mixed",
        f"run `ollama pull {name}` on all of them, or take the odd one out of OLLAMA_HOST",
    )


def _models(settings: Settings) -> tuple[tuple[str, str | None], ...]:
    named = None if settings.embeds_here else settings.embed_model
    return (("SEARCH_EMBED_MODEL", named), ("SEARCH_CHAT_MODEL", settings.chat_model))
