"""What a text costs once: its search words and its vector, kept on disk by digest.

One SQLite file for each encoder. Its journal makes it whole after a crash, several processes may share it,
and an unreadable one is set aside and filled anew: everything in it can be computed again.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from index.embedder import Vectors

log = structlog.get_logger()
_BATCH = 500


def digest(text: str) -> bytes:
    """The key of a text."""
    return hashlib.sha256(text.encode()).digest()[:16]


class Store:
    """Words and vectors by text digest."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        try:
            self._db = _open(path)
        except sqlite3.OperationalError:
            raise  # locked or no space left: not broken, and others may be using it
        except sqlite3.DatabaseError:
            path.replace(path.with_suffix(".broken"))
            for rest in ("-wal", "-shm"):
                Path(f"{path}{rest}").unlink(missing_ok=True)
            log.warning("index.store_rebuilt", file=path.name)
            self._db = _open(path)

    @property
    def empty(self) -> bool:
        """Whether no vector is kept."""
        with self._lock:
            return self._db.execute("SELECT 1 FROM vectors LIMIT 1").fetchone() is None

    def words(self, keys: Iterable[bytes]) -> dict[bytes, str]:
        """The known search words among `keys`."""
        return dict(self._select("words", keys))

    def vectors(self, keys: Iterable[bytes]) -> dict[bytes, Vectors]:
        """The known vectors among `keys`, each of shape (dimension,)."""
        return {key: np.frombuffer(value, dtype=np.float32) for key, value in self._select("vectors", keys)}

    def put_words(self, words: Mapping[bytes, str]) -> None:
        """Remember search words."""
        self._insert("words", words.items())

    def put_vectors(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Remember vectors."""
        self._insert("vectors", ((key, vector.astype(np.float32).tobytes()) for key, vector in vectors.items()))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _select(self, table: str, keys: Iterable[bytes]) -> Iterable[tuple[bytes, Any]]:
        wanted = list(keys)
        for start in range(0, len(wanted), _BATCH):
            part = wanted[start : start + _BATCH]
            marks = ",".join("?" * len(part))
            with self._lock:
                yield from self._db.execute(f"SELECT key, value FROM {table} WHERE key IN ({marks})", part).fetchall()

    def _insert(self, table: str, rows: Iterable[tuple[bytes, object]]) -> None:
        with self._lock, self._db:
            self._db.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", list(rows))


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=10, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        for table in ("words", "vectors"):
            db.execute(f"CREATE TABLE IF NOT EXISTS {table} (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")
        if db.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("quick_check failed")
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db
