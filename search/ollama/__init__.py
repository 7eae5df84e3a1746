"""The client of the Ollama REST API."""

from __future__ import annotations

import sys

if "httpx" not in sys.modules:
    # Where click and rich are installed, httpx imports its own command line, which nobody here uses; with it rich and
    # pygments, a tenth of the time that `search query` takes. Told that it isn't there, httpx does without.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    import httpx  # noqa: F401

    del sys.modules["httpx._main"]
