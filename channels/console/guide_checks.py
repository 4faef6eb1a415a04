"""What is wrong with a guide that is being written, or could be better, in the form's own names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError

from channels.console.guide_form import Problem, fields, walk
from channels.console.guide_shapes import Sort
from core import clock
from knowledge import lint
from knowledge.regions import Regions
from knowledge.schema import Department, Guide
from knowledge.wording import explain, heading

# What lint needs so that it can say something about the rest.
_STAND_INS = {
    "name": "（未填写）",
    "local_code": "（未填写）",
    "region": "000000",
    "department": {"name": "（未填写）"},
}
_INNER = {"department": "department.name"}  # where the whole of a part is missing


@dataclass(frozen=True, slots=True)
class Checked:
    """`problems` begin with those that stop; `completeness` is 0 to 1; `missing` names the key elements that are not stated."""

    problems: tuple[Problem, ...]
    completeness: float
    missing: tuple[str, ...]

    @property
    def stops(self) -> tuple[Problem, ...]:
        """What has to be put right before the guide can be submitted."""
        return tuple(problem for problem in self.problems if problem.stops)


def check(document: Mapping[str, Any], regions: Regions) -> Checked:
    """Everything that can be said of a document, finished or not."""
    wrong = [*_invalid(document), *_links(document), *_places(document, regions)]
    guide, left_out = _readable(document)
    found = [_finding(one) for one in lint.lint(guide, today=clock.today()) if one.field.split(".")[0] not in left_out]
    known = {one.name for one in walk(fields(document).values())}
    problems = (_placed(problem, known) for problem in (*wrong, *found))
    return Checked(
        tuple(sorted(problems, key=lambda one: not one.stops)),
        lint.completeness(guide),
        tuple(lint.missing_elements(guide)),
    )


def _invalid(document: Mapping[str, Any]) -> Iterator[Problem]:
    try:
        Guide.model_validate(document)
    except ValidationError as error:
        told = explain(error, Guide)
        for one, (where, reason) in zip(error.errors(include_url=False), told, strict=True):
            yield Problem(".".join(map(str, one["loc"])), where, reason, stops=True)


def _links(document: Mapping[str, Any]) -> Iterator[Problem]:
    for one in walk(fields(document).values()):
        if one.shape.sort is Sort.URL and one.value and not is_link(one.value):
            fix = _link_mended(one.value)
            yield Problem(one.name, _heading(one.name), "网址要以 http:// 或 https:// 开头", fix, stops=True)


def _link_mended(value: str) -> str:
    if "." not in value or " " in value or ":" in value.split("/")[0].split(".")[0]:
        return "没有网址就留空；有就从浏览器的地址栏复制完整的网址"
    return f"如果能打开，就写成 https://{value.lstrip('/')}；没有网址就留空"


def is_link(value: Any) -> bool:
    """Whether this is an address that may be offered to click."""
    return isinstance(value, str) and value.lower().startswith(("http://", "https://"))


def is_date(value: str) -> bool:
    """Whether a browser's date field can show it."""
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _places(document: Mapping[str, Any], regions: Regions) -> Iterator[Problem]:
    code = document.get("region")
    if isinstance(code, str) and code.isascii() and code.isdecimal() and code not in regions:
        yield Problem("region", _heading("region"), "没有这个区划代码", "填写六位区划代码", stops=True)


def _readable(document: Mapping[str, Any]) -> tuple[Guide, set[str]]:
    """The guide without what cannot be read of it, and the fields that were left out."""
    try:
        return Guide.model_validate(document), set()
    except ValidationError as error:
        left_out = {str(one["loc"][0]) for one in error.errors(include_url=False)}
    kept = {key: value for key, value in document.items() if key not in left_out}
    guide = Guide.model_validate(_STAND_INS | kept)
    if "department" in left_out:
        guide = guide.model_copy(update={"department": Department.model_construct(name="")})
    return guide, left_out


def _finding(one: lint.Finding) -> Problem:
    return Problem(one.field, one.title, one.message, one.fix, one.stops)


def _placed(problem: Problem, known: set[str]) -> Problem:
    """The problem at a field that the form has: one of several lines is told at their field."""
    name = _INNER.get(problem.name, problem.name)
    while name not in known and "." in name:
        name = name.rpartition(".")[0]
    return Problem(name, problem.heading, problem.message, problem.fix, problem.stops)


def _heading(name: str) -> str:
    return heading(tuple(int(step) if step.isdecimal() else step for step in name.split(".")), Guide)
