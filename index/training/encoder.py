"""Fine-tuning of the encoder with sentence-transformers' trainer."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from index.training import batches
from knowledge.everyday import Item

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SEED = 20261122
EPOCHS = 3
RATE = 5e-5  # learning rate at its highest; warms up over a tenth of the steps, then falls to 0
SHARPNESS = 20.0  # cosines are multiplied by this before they become odds


def train(model: SentenceTransformer, items: Sequence[Item], scratch: Path, *, epochs: int = EPOCHS) -> None:
    """Teach `model`, in place, to lay a question beside its item. Minutes an epoch on two cores."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments, losses

    dice = random.Random(SEED)
    plan: list[list[batches.Pair]] = []
    for _ in range(epochs):
        plan += batches.epoch(items, _near(model, items), dice)
    pairs = [pair for batch in plan for pair in batch]
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(scratch),
        num_train_epochs=1,  # `plan` holds all epochs, each in another order
        per_device_train_batch_size=batches.SIZE,
        batch_sampler=lambda *_, **__: _InOrder([len(batch) for batch in plan]),
        learning_rate=RATE,
        warmup_steps=len(plan) // 10,
        lr_scheduler_type="linear",
        seed=SEED,
        data_seed=SEED,
        logging_steps=20,
        save_strategy="no",
        report_to="none",
    )
    SentenceTransformerTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_dict({"question": [q for q, _ in pairs], "text": [t for _, t in pairs]}),
        loss=losses.MultipleNegativesRankingLoss(model, scale=SHARPNESS),
    ).train()


class _InOrder:
    """The batches as planned; what the trainer asks of a batch sampler."""

    drop_last = False
    batch_size = batches.SIZE

    def __init__(self, sizes: Sequence[int]) -> None:
        self._bounds = [0, *accumulate(sizes)]

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def __iter__(self) -> Iterator[list[int]]:
        return (list(range(start, end)) for start, end in pairwise(self._bounds))


def _near(model: Any, items: Sequence[Item]) -> npt.NDArray[np.int64]:
    """The nearest other items of each by name and description, shape (items, NEAR), nearest first."""
    vectors = model.encode([item.described for item in items], batch_size=64)
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1.0)
    return np.argsort(-likeness, axis=1)[:, : batches.NEAR]
