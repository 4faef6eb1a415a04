"""Training: Rasa's own, plus the citizens' words for facets and acts as features of the intent classifier."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

WORDS = ("bot/facets.yml", "bot/acts.yml")
NOT_WORDS = "filler"


class ProgressHandler(logging.Handler):
    """Says each component of the pipeline as its training starts."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        found = re.search(r"Starting to train component '(\w+)'", record.getMessage())
        if found:
            self._say(f"training {found.group(1)}")


def train(root: Path, out: Path, name: str) -> Path:
    """Train from `root` and return the model's file, out/name.tar.gz; an earlier one is replaced only on success.

    Raises RuntimeError when Rasa reports failure.
    """
    terminal = sys.stdout

    def say(step: str) -> None:
        print(f"train: {step}", file=terminal, flush=True)

    say("importing Rasa")
    import rasa

    listen_to_steps(say)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".training-", dir=out) as folder:
        patterns = Path(folder) / "patterns.yml"
        patterns.write_text(yaml.safe_dump(regex_features(root), allow_unicode=True), encoding="utf-8")
        say("reading the training data")
        remarks = io.StringIO()  # progress bars and warnings of the libraries, shown only when training fails
        with contextlib.redirect_stdout(remarks), contextlib.redirect_stderr(remarks):
            result = rasa.train(
                domain=str(root / "bot/domain"),
                config=str(root / "config.yml"),
                training_files=[str(root / "bot/data"), str(patterns)],
                output=folder,
                force_training=True,
                fixed_model_name=name,
            )
        if result.code != 0 or result.model is None:
            raise RuntimeError(f"Rasa's training failed with status {result.code}: {remarks.getvalue()[-2000:]}")
        model = out / f"{name}.tar.gz"
        os.replace(result.model, model)
    say(f"wrote {model}")
    return model


def listen_to_steps(say: Callable[[str], None]) -> None:
    """Let `say` hear of each component, and keep the rest of Rasa's and jieba's logging to warnings."""
    from bangban_rasa import logs

    logs.configure(logging.WARNING)
    steps = logging.getLogger("rasa.engine.training.hooks")
    steps.setLevel(logging.INFO)
    steps.propagate = False
    steps.handlers[:] = [ProgressHandler(say)]


def regex_features(root: Path) -> dict[str, Any]:
    """The facets' and acts' words as Rasa training data: one regular expression, so one feature, for each."""
    return {
        "version": "3.1",
        "nlu": [{"regex": f"words_{name}", "examples": f"- {regex}\n"} for name, regex in words(root)],
    }


def words(root: Path) -> Iterator[tuple[str, str]]:
    """Pairs of a facet's or act's name and one expression that matches where `patterns` do and `not` does not."""
    for path in WORDS:
        entries = yaml.safe_load((root / path).read_text(encoding="utf-8"))
        for name, entry in entries.items():
            if name == NOT_WORDS:
                continue
            found = "|".join(f"(?:{pattern})" for pattern in entry["patterns"])
            unless = "|".join(f"(?:{pattern})" for pattern in entry.get("not", []))
            yield name, (f"^(?!.*(?:{unless}))" if unless else "^") + f".*(?:{found})"
