"""onnxruntime, with its telemetry off. The one place that imports it.

Recent packages for Linux and macOS report to their maker, as those for Windows do: from the import on, a device
identifier is kept in the user's cache folder and events are sent. Nothing leaves this machine, so both
environment variables that stop it are set before the import, and the call for Windows follows after it
(onnxruntime's docs/Privacy.md; pull requests 27379 and 29843 there).
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["ORT_TELEMETRY_DISABLED"] = "1"

import onnxruntime

onnxruntime.disable_telemetry_events()

__all__ = ["onnxruntime"]
