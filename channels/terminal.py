"""What every command shares: where it prints, how it reads the settings, how it ends where something is wrong."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console
from rich.markup import escape

from core.settings import Settings

if TYPE_CHECKING:
    from channels.doctor import Check
    from channels.house import House

out = Console()
err = Console(stderr=True)
BY_HAND = "命令行"  # who is on record for what is done by commands
_PLAIN = {  # by pydantic's kinds of error
    "missing": "没有写",
    "extra_forbidden": "没有这一项，请检查有没有写错",
    "dict_type": "要写成 JSON，形如 {…}",
    "model_type": "要写成 JSON，形如 {…}",
    "string_type": "要写成文字，加上引号",
}
_COLOURS = {"好": "green", "缺": "red", "注意": "yellow"}


class Failed(Exception):
    """A failure already told in one sentence."""


def settings() -> Settings:
    """The settings, with logging set up by them. Raises Failed, which names the wrong one but never its value."""
    from core import logs

    try:
        made = Settings()
    except ValidationError as error:
        raise Failed(f"设置不对：{'；'.join(_wrong(one) for one in error.errors())}") from None
    except SettingsError as error:  # a value that should be JSON
        name = re.search(r'field "(\w+)"', str(error))
        raise Failed(f"设置不对：{_variable(name[1]) if name else '有一项'} 要写成 JSON，请检查引号和括号") from None
    logs.configure(made.log_level, pretty=sys.stderr.isatty())
    return made


@contextmanager
def database(settings: Settings) -> Iterator[House]:
    """A house with nothing but its database and keys."""
    from channels.house import House

    house = House(settings)
    house.open_database()
    try:
        yield house
    finally:
        house.engine.dispose()


def show(checks: Iterable[Check]) -> bool:
    """Print each check as soon as it is made; whether nothing is missing."""
    whole = True
    for check in checks:
        whole = whole and check.state != "缺"
        told = escape(f"{check.name}：{check.told}")
        out.print(f"[{_COLOURS[check.state]}]{check.state}[/] {told}", highlight=False, soft_wrap=True)
        if check.remedy:
            out.print(f"    办法：{check.remedy}", markup=False, highlight=False, soft_wrap=True)
    return whole


def _wrong(error: Any) -> str:
    told = _PLAIN.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    if not error["loc"]:  # found between several settings: the sentence names them
        return str(told)
    name, *inside = map(str, error["loc"])
    return f"{_variable(name)}{' 的 ' + '.'.join(inside) if inside else ''}：{told}"


def _variable(field: str) -> str:
    return f"BANGBAN_{field.upper()}"
