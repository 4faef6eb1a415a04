from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from knowledge.schema import Guide


@pytest.fixture
def guide() -> Callable[..., Guide]:
    """Makes a small valid guide; keywords replace its fields."""

    def make(**fields: Any) -> Guide:
        base: dict[str, Any] = {
            "name": "居民身份证补领",
            "local_code": "t-001",
            "region": "980102",
            "department": {"name": "松风区公安分局"},
            "conditions": ["身份证丢失的本地居民"],
            "materials": [{"name": "户口簿"}],
        }
        return Guide.model_validate(base | fields)

    return make
