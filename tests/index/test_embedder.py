from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from index.embedder import Encoder, OnnxEncoder, load, onnx_file

TEXTS = [
    "身份证丢了怎么补",
    "结婚",
    "城乡居民基本养老保险参保登记（个人）需要哪些材料",
    "a",
    "居民身份证补领",
    "",
    "。" * 600,
]


def test_vectors_have_length_one_and_the_stated_shape(real_encoder: Encoder) -> None:
    vectors = real_encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), real_encoder.dimension)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)


def test_no_texts_give_no_vectors(real_encoder: Encoder) -> None:
    assert real_encoder.encode([]).shape == (0, real_encoder.dimension)


def test_a_text_has_one_vector_whatever_stands_beside_it(real_encoder: Encoder) -> None:
    together = real_encoder.encode(TEXTS * 3)
    alone = np.vstack([real_encoder.encode([text]) for text in TEXTS])
    assert np.abs(together - np.vstack([alone] * 3)).max() < 1e-3


def test_what_means_the_same_is_nearer_than_what_does_not(real_encoder: Encoder) -> None:
    asked, same, other = real_encoder.encode(["身份证丢了怎么补", "居民身份证补领", "食品经营许可"])
    assert asked @ same > asked @ other


def test_a_name_of_the_model_s_content_tells_models_apart(real_encoder: Encoder) -> None:
    assert len(real_encoder.fingerprint) > 16
    assert "/" not in real_encoder.fingerprint


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no ONNX model"):
        OnnxEncoder(tmp_path)
    (tmp_path / "model.onnx").touch()
    with pytest.raises(FileNotFoundError, match="no ONNX model"):
        OnnxEncoder(tmp_path)


@pytest.mark.skipif(
    importlib.util.find_spec("sentence_transformers") is not None, reason="the extra is installed, it would ask the hub"
)
def test_a_model_by_name_needs_the_extra(tmp_path: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match="sentence_transformers"):
        load("no-such/model")
    with pytest.raises(ModuleNotFoundError, match="sentence_transformers"):
        load(str(tmp_path))


def test_the_smallest_kind_of_a_model_is_taken(tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    for name in ("tokenizer.json", "model.onnx", "onnx/model.onnx"):
        (tmp_path / name).touch()
    assert onnx_file(tmp_path) == tmp_path / "onnx" / "model.onnx"
    (tmp_path / "model_quantized.onnx").touch()
    assert onnx_file(tmp_path) == tmp_path / "model_quantized.onnx"
