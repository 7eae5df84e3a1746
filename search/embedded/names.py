"""Model names as Ollama reads them: [host/][namespace/]model[:tag], matched without regard to case.

Rules of Ollama's types/model/name.go: which characters a part may have, and what a missing part means.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Name(NamedTuple):
    """A whole model name."""

    host: str
    namespace: str
    model: str
    tag: str

    @property
    def short(self) -> str:
        """As Ollama displays it: without the parts that are the defaults, but with the tag."""
        prefix = "" if self.namespace == _NAMESPACE and self.host == _HOST else f"{self.namespace}/"
        return f"{'' if self.host == _HOST else self.host + '/'}{prefix}{self.model}:{self.tag}"

    def matches(self, other: Name) -> bool:
        """Whether both name the same model."""
        return self.short.casefold() == other.short.casefold()


_HOST, _NAMESPACE, _TAG = "registry.ollama.ai", "library", "latest"
_NAME = re.compile(
    r"(?:(?:(?P<host>[\w][\w.:-]{0,349})/)?(?P<namespace>[\w][\w-]{0,79})/)?"
    r"(?P<model>[\w][\w.-]{0,79})(?::(?P<tag>[\w][\w.-]{0,79}))?",
    re.ASCII,
)


def parse(text: str) -> Name | None:
    """The name in full; None where it is not one."""
    if (match := _NAME.fullmatch(text)) is None:
        return None
    host, namespace, model, tag = match.group("host", "namespace", "model", "tag")
    return Name(host or _HOST, namespace or _NAMESPACE, model, tag or _TAG)
