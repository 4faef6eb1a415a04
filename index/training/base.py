"""The starting weights: bge-small-zh-v1.5 (BAAI, MIT) from its int8 ONNX file back to float32.

No hub is needed: the file that serves as the zero-shot encoder (index/weights.py) holds every weight. Rounding to
eight bits and back leaves cosines of .996 with the original's answers, and training starts there.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from index.embedder import LONGEST

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# The shape of the model, from BAAI's config.json; everything else is BERT's default.
SHAPE = {
    "vocab_size": 21128,
    "hidden_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "intermediate_size": 2048,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
}


def restored(folder: Path, scratch: Path) -> SentenceTransformer:
    """The encoder of `folder` with float32 weights; `scratch` receives the files it is made from.

    Raises ValueError when the ONNX file lacks a weight.
    """
    import torch
    from sentence_transformers import SentenceTransformer, models
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    weights = _weights(folder / "onnx" / "model_quantized.onnx")
    model = BertModel(BertConfig(**SHAPE), add_pooling_layer=False)
    state = {name: torch.tensor(array) for name, array in weights.items() if name in model.state_dict()}
    missing = model.load_state_dict(state, strict=False).missing_keys
    if missing:
        raise ValueError(f"the ONNX file lacks {missing}")
    model.save_pretrained(scratch)
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("cls", "sep", "pad", "unk", "mask")}
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **special).save_pretrained(scratch)
    transformer = models.Transformer(str(scratch), max_seq_length=LONGEST)
    return SentenceTransformer(
        modules=[transformer, models.Pooling(SHAPE["hidden_size"], "cls"), models.Normalize()], device="cpu"
    )


def _weights(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Every weight by its name in BERT."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    raw = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    end = "_quantized"
    whole = {name.removesuffix(end): _widened(raw, name.removesuffix(end)) for name in raw if name.endswith(end)}
    weights = whole | {name: array for name, array in raw.items() if array.dtype == np.float32}
    for node in graph.node:
        # Matrices lost their names when the graph was made; the node that multiplies by them tells which one it is.
        place = re.search(r"layer\.(\d+)/(.*?)/MatMul", node.name)
        name = next((one.removesuffix(end) for one in node.input if one.removesuffix(end) in whole), None)
        if node.op_type == "MatMulInteger" and place and name:
            weights[f"encoder.layer.{place[1]}.{place[2].replace('/', '.')}.weight"] = whole[name].T.copy()
    return weights


def _widened(raw: dict[str, npt.NDArray[np.float32]], name: str) -> npt.NDArray[np.float32]:
    values, scale, zero = (raw[f"{name}_{part}"].astype(np.float32) for part in ("quantized", "scale", "zero_point"))
    return (values - zero) * scale
