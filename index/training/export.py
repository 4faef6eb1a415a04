"""A trained encoder -> the ONNX file that serves: weights kept in eight bits, sums done in full.

Weights in eight bits are a quarter of the size, and each row has a scale of its own, so a text's vector moves little
(cosine .997). The runtime widens them once, when it loads. Activations stay as they are: in eight bits too they would
halve the time of a question, but a fine-tuned model's are too uneven for it (cosine .89, and 9 of 100 questions less
found first; docs/decisions/0009).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from index.embedder import Encoder
from index.store import digest
from knowledge import everyday

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto
    from sentence_transformers import SentenceTransformer

_LARGE = 10_000  # numbers; what is smaller is not worth the rounding


def export(model: SentenceTransformer, folder: Path, scratch: Path) -> Path:
    """Write `model` to `folder` as onnx/model_quantized.onnx and tokenizer.json; the ONNX file's path."""
    import onnx

    plain = scratch / "plain.onnx"
    _trace(model, plain)
    path = folder / "onnx" / "model_quantized.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(narrowed(onnx.load(str(plain))), str(path))
    model.tokenizer.save_pretrained(scratch / "tokenizer")
    shutil.copy(scratch / "tokenizer" / "tokenizer.json", folder / "tokenizer.json")
    return path


def narrowed(model: ModelProto) -> ModelProto:
    """`model` with every large matrix in eight bits, widened by the graph itself."""
    from onnx import numpy_helper

    graph = model.graph
    tables = {name for node in graph.node if node.op_type == "Gather" for name in node.input[:1]}
    kept: list[TensorProto] = []
    widening: list[NodeProto] = []
    narrow: set[str] = set()
    for tensor in graph.initializer:
        matrix = numpy_helper.to_array(tensor)
        if matrix.dtype != np.float32 or matrix.ndim != 2 or matrix.size < _LARGE:
            kept.append(tensor)
            continue
        name = tensor.name
        # A table is looked up by row and a weight multiplied by column: each row or column has a scale of its own.
        values, scale = _rounded(matrix, axis=1 if name in tables else 0)
        kept += [numpy_helper.from_array(values, f"{name}_int8"), numpy_helper.from_array(scale, f"{name}_scale")]
        if name in tables:
            narrow.add(name)
        else:
            widening += _widen(f"{name}_int8", f"{name}_scale", name)
    nodes = [*widening, *(one for node in graph.node for one in _looked_up(node, narrow))]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    return model


def keep_vectors(encoder: Encoder, path: Path) -> None:
    """Encode every text of knowledge/everyday.jsonl for index/taught.py, in eight bits, each with a scale of its own."""
    texts = list(dict.fromkeys(text for item in everyday.items() for text in item.texts))
    vectors, scales = _rounded(encoder.encode(texts), axis=1)
    keys = np.frombuffer(b"".join(map(digest, texts)), dtype=np.uint8).reshape(len(texts), -1)
    np.savez_compressed(path, encoder=encoder.fingerprint, keys=keys, vectors=vectors, scales=scales)


def _trace(model: SentenceTransformer, path: Path) -> None:
    import torch

    class Meaning(torch.nn.Module):
        """Texts are encoded one at a time, so nothing is padded and no mask is needed."""

        def __init__(self) -> None:
            super().__init__()
            self.bert = model[0].auto_model

        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            hidden: torch.Tensor = self.bert(input_ids=input_ids).last_hidden_state
            return hidden

    torch.onnx.export(
        Meaning().eval(),
        (torch.ones(1, 8, dtype=torch.int64),),
        str(path),
        input_names=["input_ids"],
        output_names=["last_hidden_state"],
        dynamic_axes={name: {0: "batch", 1: "tokens"} for name in ("input_ids", "last_hidden_state")},
        opset_version=17,
        dynamo=False,
    )


def _rounded(matrix: npt.NDArray[np.float32], axis: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    scale = np.maximum(np.abs(matrix).max(axis=axis, keepdims=True) / 127, 1e-12).astype(np.float32)
    return np.rint(matrix / scale).astype(np.int8), scale


def _widen(values: str, scale: str, name: str) -> list[NodeProto]:
    from onnx import TensorProto, helper

    return [
        helper.make_node("Cast", [values], [f"{name}_float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}_float", scale], [name]),
    ]


def _looked_up(node: NodeProto, tables: set[str]) -> Iterator[NodeProto]:
    """`node` itself, or the lookup in a narrow table where it is one: only the rows in use are widened."""
    from onnx import helper

    if node.op_type != "Gather" or node.input[0] not in tables:
        yield node
        return
    table, (where, found) = node.input[0], (node.input[1], node.output[0])
    for part in ("int8", "scale"):
        yield helper.make_node("Gather", [f"{table}_{part}", where], [f"{found}_{part}"])
    yield from _widen(f"{found}_int8", f"{found}_scale", found)
