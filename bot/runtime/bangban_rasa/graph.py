"""Running a model's graph."""

from __future__ import annotations

from typing import Any

from rasa.engine.exceptions import GraphRunError
from rasa.engine.graph import GraphSchema
from rasa.engine.runner.dask import DaskGraphRunner


def run_in_order() -> None:
    """Let a model's nodes run one after another in an order found once.

    Rasa has dask find an order and schedule the nodes anew for each message and each prediction, in one thread anyway.
    """
    DaskGraphRunner.run = _run


def _run(
    runner: DaskGraphRunner, inputs: dict[str, Any] | None = None, targets: list[str] | None = None
) -> dict[str, Any]:
    wanted = tuple(targets or runner._graph_schema.target_names)
    orders = runner.__dict__.setdefault("_orders", {})
    if wanted not in orders:
        orders[wanted] = _order(runner._graph_schema.minimal_graph_schema(list(wanted)))
    done = {name: (name, value) for name, value in (inputs or {}).items()}
    try:
        for name, needs in orders[wanted]:
            done[name] = runner._instantiated_nodes[name](*(done.get(need, need) for need in needs))
    except RuntimeError as error:
        raise GraphRunError("Error running runner.") from error
    return dict(done[name] for name in wanted)


def _order(schema: GraphSchema) -> list[tuple[str, tuple[str, ...]]]:
    """Node names with what each needs, every node after all that it needs."""
    waiting = {name: tuple(node.needs.values()) for name, node in schema.nodes.items()}
    order: list[tuple[str, tuple[str, ...]]] = []
    while waiting:
        ready = [name for name, needs in waiting.items() if not any(need in waiting for need in needs)]
        order += [(name, waiting.pop(name)) for name in ready]
    return order
