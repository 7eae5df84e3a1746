"""The runtime of the embedded model keeps to itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_nothing_is_reported_and_no_identifier_is_kept(tmp_path: Path) -> None:
    """Without our settings, onnxruntime leaves a device identifier and a queue of events in the user's cache folder."""
    homes = {name: str(tmp_path) for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "XDG_CACHE_HOME")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORT_") and name != "CI"}
    code = "from search.embedded import encoder, tokens; encoder.shared().encode([tokens.ids('hello')])"
    subprocess.run([sys.executable, "-c", code], env=kept | homes, cwd=Path(__file__).parents[2], check=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
