"""What the tests of embedding share: no waiting between tries."""

from __future__ import annotations

import pytest

from search.embed import models


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once; how often is what counts here."""
    monkeypatch.setattr(models, "FIRST_WAIT", 0.001)
