"""Where notebooks, models and parameters are found: the user's own folder first, then what ships."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from planwise_nb.core.errors import InputError


def shipped() -> Path:
    """The folder that holds the shipped ``notebooks/``, ``dbt/`` and ``params/``, installed or in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "shipped"
    return installed if installed.is_dir() else package.parent


@dataclass(frozen=True)
class Project:
    """A user's folder, which may hold its own ``params/`` and ``notebooks/``, over the shipped ones."""

    own: Path = field(default_factory=Path.cwd)

    def folders(self, name: str) -> tuple[Path, ...]:
        """The folders of that name that exist, own first."""
        candidates = dict.fromkeys((self.own / name, shipped() / name))
        return tuple(folder for folder in candidates if folder.is_dir())

    def find(self, name: str) -> Path:
        """The first file of that name. Raises ``InputError`` where there is none."""
        for root in (self.own, shipped()):
            if (root / name).is_file():
                return root / name
        raise InputError(f"There is no {name}, neither in {self.own} nor shipped.", fix="Run: planwise init DIR")


def init(folder: Path) -> None:
    """Make a project folder with its own copies of parameters and notebooks.

    Raises ``InputError`` where the folder is there and not empty: nothing is written over.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there and not empty.", fix="Name a folder that does not exist yet.")
    for name in ("params", "notebooks"):
        shutil.copytree(
            shipped() / name, folder / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
        )
    (folder / "outputs").mkdir()
