"""`make model`: make the shipped encoder anew from the starting weights and the everyday questions."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from index import taught, weights
from index.embedder import OnnxEncoder
from index.training import base, encoder, export
from knowledge import everyday


def main() -> None:
    """Train and write the model folder. Ends with an error where the starting weights cannot be had."""
    parser = argparse.ArgumentParser(description="Train the encoder and export it to ONNX.")
    parser.add_argument("--items", type=Path, default=everyday.FILE, help="training questions (JSONL)")
    parser.add_argument("--out", type=Path, default=weights.SHIPPED, help="folder that receives the model")
    parser.add_argument("--home", type=Path, default=Path("var"), help="where the starting weights are kept")
    parser.add_argument("--epochs", type=int, default=encoder.EPOCHS)
    asked = parser.parse_args()
    start = weights.obtain(asked.home)
    if start is None:
        raise SystemExit("the starting weights cannot be had: no source answers")
    with tempfile.TemporaryDirectory(prefix="bangban-model-") as folder:
        scratch = Path(folder)
        model = base.restored(start, scratch / "base")
        encoder.train(model, everyday.items(asked.items), scratch / "train", epochs=asked.epochs)
        made = scratch / "model"
        export.export(model, made, scratch)
        export.keep_vectors(OnnxEncoder(made), made / taught.FILE.name)
        shutil.copytree(made, asked.out, dirs_exist_ok=True)
    print(f"written to {asked.out}")


if __name__ == "__main__":
    main()
