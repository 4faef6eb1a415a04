"""Text to meaning: a sentence encoder behind one small interface.

A model is a folder in the sentence-transformers layout. With an ONNX file in it, onnxruntime and tokenizers
run it and nothing heavier is imported; any other model needs the `sentence-transformers` extra.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

ONNX_NAMES = ("model_quantized.onnx", "model_qint8.onnx", "model_int8.onnx", "model.onnx")
LONGEST = 256  # tokens; titles and conditions fit, and cost grows with length


class Encoder(Protocol):
    """Turns texts into unit vectors; the dot product of two is their cosine."""

    name: str
    dimension: int
    fingerprint: str

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of shape (len(texts), dimension), float32."""


class OnnxEncoder:
    """A sentence-transformers folder with an ONNX file, run by onnxruntime on the CPU."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        """Load the model. Raises FileNotFoundError when the folder holds no ONNX file or tokenizer."""
        import onnxruntime
        from tokenizers import Tokenizer

        path = onnx_file(folder)
        if path is None:
            raise FileNotFoundError(f"no ONNX model in {folder}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._inputs = {i.name for i in self._session.get_inputs()}
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(LONGEST)
        self._tokenizer.no_padding()
        self._mean = _pools_by_mean(folder)
        self.name = folder.name
        self.dimension = int(self._session.get_outputs()[0].shape[-1])
        self.fingerprint = f"{sha256(path)[:16]}-{'mean' if self._mean else 'cls'}-{LONGEST}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of shape (len(texts), dimension), each as if it were encoded alone."""
        out = np.empty((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            out[row] = self._one(text)
        return _unit(out)

    def _one(self, text: str) -> Vectors:
        # Not in batches: int8 models scale their numbers over a whole batch, so a text's vector would depend
        # on its company (cosine 0.988 with itself), and a batch saves only a tenth of the time on one thread.
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(None, {k: v for k, v in feed.items() if k in self._inputs})[0][0]
        return hidden.mean(0) if self._mean else hidden[0]


class TransformerEncoder:
    """Any sentence-transformers model by name or folder; needs the `sentence-transformers` extra."""

    def __init__(self, name: str) -> None:
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(name, device="cpu")
        self.name = name
        self.dimension = int(self._model.get_sentence_embedding_dimension())
        self.fingerprint = hashlib.sha256(name.encode()).hexdigest()[:16] + f"-{self.dimension}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of shape (len(texts), dimension)."""
        return np.asarray(self._model.encode(list(texts), normalize_embeddings=True), dtype=np.float32)


def load(name: str) -> Encoder:
    """The encoder called `name`: a folder or a model name.

    Raises ModuleNotFoundError when it has no ONNX file and sentence-transformers is not installed.
    """
    folder = Path(name)
    if folder.is_dir() and onnx_file(folder):
        return OnnxEncoder(folder)
    return TransformerEncoder(name)


def onnx_file(folder: Path) -> Path | None:
    """The ONNX file of a model folder, the smallest kind first."""
    places = [folder / sub / name for name in ONNX_NAMES for sub in ("onnx", ".")]
    return next((p for p in places if p.is_file() and (folder / "tokenizer.json").is_file()), None)


def _pools_by_mean(folder: Path) -> bool:
    config: dict[str, Any] = {}
    if (folder / "1_Pooling" / "config.json").is_file():
        config = json.loads((folder / "1_Pooling" / "config.json").read_text("utf-8"))
    return bool(config.get("pooling_mode_mean_tokens"))


def _unit(vectors: npt.NDArray[Any]) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)


def sha256(path: Path) -> str:
    """The digest of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
