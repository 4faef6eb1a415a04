from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from index.store import Store, digest

ROOT = Path(__file__).parent.parent.parent


def vector(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=8).astype(np.float32)


def filled(path: Path, count: int = 2000) -> None:
    store = Store(path)
    store.put_words({digest(str(i)): f"词 {i}" for i in range(count)})
    store.put_vectors({digest(str(i)): vector(i) for i in range(count)})
    store.close()


def test_what_is_put_in_comes_out_after_a_restart(tmp_path: Path) -> None:
    filled(tmp_path / "deep" / "texts.db")
    store = Store(tmp_path / "deep" / "texts.db")
    keys = [digest(str(i)) for i in range(2000)]
    assert store.words(keys) == {key: f"词 {i}" for i, key in enumerate(keys)}
    found = store.vectors(keys)
    assert all(np.array_equal(found[key], vector(i)) for i, key in enumerate(keys))


def test_unknown_texts_are_left_out(store: Store) -> None:
    store.put_words({digest("a"): "a"})
    assert store.words([digest("a"), digest("b")]) == {digest("a"): "a"}
    assert store.vectors([digest("a")]) == {}
    assert store.words([]) == {}


def test_the_later_value_stands(store: Store) -> None:
    store.put_words({digest("a"): "old"})
    store.put_words({digest("a"): "new"})
    assert store.words([digest("a")]) == {digest("a"): "new"}


def test_texts_have_keys_of_their_own() -> None:
    assert len({digest(text) for text in ("", "a", "A", "身份证", "身份證")}) == 5
    assert digest("身份证") == digest("身份证")


def test_threads_share_a_store(store: Store) -> None:
    failures: list[Exception] = []

    def work(who: int) -> None:
        try:
            for i in range(20):
                store.put_words({digest(f"{who}-{i}"): f"{who} {i}"})
                assert store.words([digest(f"{who}-{i}")]) == {digest(f"{who}-{i}"): f"{who} {i}"}
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert len(store.words(digest(f"{who}-{i}") for who in range(4) for i in range(20))) == 80


def test_processes_that_open_a_new_store_at_once_share_it(tmp_path: Path) -> None:
    path = tmp_path / "texts.db"
    program = (
        "import sys; from pathlib import Path; from index.store import Store, digest\n"
        "who = sys.argv[2]; sys.stdin.readline(); store = Store(Path(sys.argv[1]))\n"
        "for i in range(50): store.put_words({digest(f'{who}-{i}'): who})\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    processes = [
        subprocess.Popen([*command, who], cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for who in "abc"
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert errors == ["", "", ""]
    assert len(Store(path).words(digest(f"{who}-{i}") for who in "abc" for i in range(50))) == 150
    assert not path.with_suffix(".broken").exists()


@pytest.mark.parametrize("harm", ["garbage", "truncated", "middle"])
def test_an_unreadable_file_is_set_aside_and_filled_anew(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "texts.db"
    filled(path)
    whole = path.read_bytes()
    page = 4096
    harmed = {
        "garbage": b"not a database at all" * 500,
        "truncated": whole[: len(whole) // 2 // page * page + 100],
        "middle": whole[: 3 * page] + b"\xff" * 20 * page + whole[23 * page :],
    }[harm]
    path.write_bytes(harmed)
    store = Store(path)
    assert path.with_suffix(".broken").read_bytes() == harmed
    assert store.words([digest("1")]) == {}
    store.put_words({digest("1"): "again"})
    store.close()
    assert Store(path).words([digest("1")]) == {digest("1"): "again"}


def test_an_empty_file_is_a_new_store(tmp_path: Path) -> None:
    path = tmp_path / "texts.db"
    path.touch()
    store = Store(path)
    store.put_words({digest("1"): "x"})
    assert store.words([digest("1")]) == {digest("1"): "x"}


def test_a_store_that_another_holds_locked_is_not_taken_for_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "texts.db"
    path.touch()
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **kwargs: connect(*args, **kwargs | {"timeout": 0.1}))
    holder = connect(path)
    holder.execute("CREATE TABLE mine (a)")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        Store(path)
    holder.rollback()
    assert not path.with_suffix(".broken").exists()
    assert holder.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]
