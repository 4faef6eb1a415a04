"""One clock for all measurements."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Made = TypeVar("Made")


def clocked(work: Callable[Given, Made], *args: Given.args, **kwargs: Given.kwargs) -> tuple[Made, float]:
    """What `work` gives for these arguments, and the seconds it took."""
    began = time.perf_counter()
    made = work(*args, **kwargs)
    return made, time.perf_counter() - began
