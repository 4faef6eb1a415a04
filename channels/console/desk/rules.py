"""A hall's rules of booking as a form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError

from channels.console.desk.places import At, Here
from channels.console.forms import Posted, Sent
from channels.console.pages import page, redirect
from channels.house import House
from channels.web import desk_changes
from channels.web.desk_changes import RulesChanged
from desk.halls import NoHall, read_hall
from desk.rules import Block, Rules, WindowRules, plain_window
from knowledge.wording import explain
from staff.permissions import Act

NUMBERS = tuple(name for name, field in Rules.model_fields.items() if field.annotation is int)
BLOCKS = tuple(name for name, field in Rules.model_fields.items() if field.annotation is Block)
EMPTY_ROWS = 2  # offered for further windows
LONGEST_NAME = 100
IDENTITY = (("", "和大厅一样"), ("yes", "需要"), ("no", "不需要"))

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Form:
    """The rules as text in fields, by the fields' names, and what is wrong with which.

    `windows` is how many rows; `seen` is the stamp of the rules as they were read.
    """

    values: Mapping[str, str]
    problems: Mapping[str, str]
    windows: int
    seen: str


@router.get("/console/desk/rules", response_class=HTMLResponse)
def read(request: Request, here: At) -> Response:
    """The hall's rules, or those it would begin with."""
    with House.of(request).reading() as session:
        try:
            rules, opened = read_hall(session, here.hall.region, here.hall.name).rules, True
        except NoHall:
            rules, opened = Rules(), False
    form = _filled(rules, desk_changes.stamp(rules if opened else None))
    return _page(request, here, form, opened=opened)


@router.post("/console/desk/rules", response_class=HTMLResponse)
def write(request: Request, here: At, sent: Posted) -> Response:
    """Take appointments under these rules."""
    here.require(Act.MANAGE_DESK)
    rules, problems = parse(sent)
    if rules is None:
        form = _again(sent, problems, sent.get("seen"))
        return _page(request, here, form, opened=bool(sent.get("opened")), status=422)
    house, hall = House.of(request), here.hall
    try:
        desk_changes.open_hall(house, here.clerk.name, hall.region, hall.name, rules, seen=sent.get("seen"))
    except RulesChanged as problem:
        form = _again(sent, {"": str(problem)} | _theirs(problem.theirs, sent), desk_changes.stamp(problem.theirs))
        return _page(request, here, form, opened=problem.theirs is not None, status=problem.status)
    told = "已保存，新的预约按这些规定来。已经约好的不受影响。"
    return redirect(request, here.to("rules"), told=told)


def parse(sent: Sent) -> tuple[Rules | None, Mapping[str, str]]:
    """The rules that were filled in, or what is wrong with which field; "" names the form as a whole."""
    windows, places, problems = _windows(sent)
    given: dict[str, Any] = {name: sent.get(name) for name in NUMBERS}
    given |= {name: {part: sent.get(f"{name}.{part}") for part in Block.model_fields} for name in BLOCKS}
    given |= {"identity": sent.get("identity") == "yes", "windows": windows}
    try:
        rules = Rules.model_validate(given)
    except ValidationError as error:
        return None, problems | _problems(error, places)
    return (None, problems) if problems else (rules, {})


def _windows(sent: Sent) -> tuple[dict[str, Any], dict[str, int], dict[str, str]]:
    """The windows' own rules by name, in which row each stands, and what is wrong."""
    windows: dict[str, Any] = {}
    places: dict[str, int] = {}
    problems: dict[str, str] = {}
    for row in range(_rows(sent)):
        name = sent.get(f"windows.{row}.name").strip()
        capacity, identity = sent.get(f"windows.{row}.capacity"), sent.get(f"windows.{row}.identity")
        if not (name or capacity or identity):
            continue
        if not name or len(name) > LONGEST_NAME:
            problems[f"windows.{row}.name"] = "没有填写" if not name else f"太长，最多 {LONGEST_NAME} 个字"
        elif plain_window(name) in map(plain_window, windows):
            problems[f"windows.{row}.name"] = "这个窗口写了两遍"
        own = {"capacity": capacity or None, "identity": {"yes": True, "no": False}.get(identity)}
        windows[name], places[name] = own, row
    return windows, places, problems


def _problems(error: ValidationError, places: Mapping[str, int]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one, (_, reason) in zip(error.errors(include_url=False), explain(error, Rules), strict=True):
        path = [str(step) for step in one["loc"]]
        if path[:1] == ["windows"] and len(path) > 1:
            path[1] = str(places.get(path[1], 0))
        own = one["type"] == "value_error"
        found.setdefault(".".join(path), str(one["ctx"]["error"]) if own else reason)
    return found


def _again(sent: Sent, problems: Mapping[str, str], seen: str) -> Form:
    """What was typed."""
    return Form({name: value for name, value in sent.pairs if name != "csrf"}, problems, _rows(sent), seen)


def _theirs(rules: Rules | None, sent: Sent) -> dict[str, str]:
    """Beside each number that differs from what was typed, the one that stands."""
    if rules is None:
        return {}
    standing = {name: value for name, value in _filled(rules, "").values.items() if not name.startswith("windows.")}
    return {name: f"现在是 {value}" for name, value in standing.items() if value and value != sent.get(name)}


def _filled(rules: Rules, seen: str) -> Form:
    values = {name: str(getattr(rules, name)) for name in NUMBERS}
    values["identity"] = "yes" if rules.identity else ""
    for name in BLOCKS:
        values |= {f"{name}.{part}": str(value) for part, value in getattr(rules, name)}
    for row, (name, own) in enumerate(rules.windows.items()):
        identity = "" if own.identity is None else "yes" if own.identity else "no"
        capacity = "" if own.capacity is None else str(own.capacity)
        values |= {f"windows.{row}.{part}": value for part, value in
                   (("name", name), ("capacity", capacity), ("identity", identity))}  # fmt: skip
    return Form(values, {}, len(rules.windows) + EMPTY_ROWS, seen)


def _rows(sent: Sent) -> int:
    rows = [int(name.split(".")[1]) for name, _ in sent.pairs if name.startswith("windows.") and _is_row(name)]
    return max(rows, default=-1) + 1


def _is_row(name: str) -> bool:
    step = name.split(".")[1]
    return step.isascii() and step.isdecimal() and len(step) < 4


def _page(request: Request, here: Here, form: Form, *, opened: bool, status: int = 200) -> HTMLResponse:
    titles = {name: field.title for kind in (WindowRules, Block, Rules) for name, field in kind.model_fields.items()}
    return page(
        request, here.clerk, "desk/rules.html", status=status, title=f"{here.hall.name}的预约规定", at=here, form=form,
        titles=titles, numbers=NUMBERS, blocks=BLOCKS, parts_of_block=tuple(Block.model_fields), identity=IDENTITY, opened=opened,
        limits={name: _limits(name) for name in NUMBERS},
    )  # fmt: skip


def _limits(name: str) -> dict[str, int]:
    """The least and the most that a field takes, as attributes of its input."""
    known = {"Ge": ("min", "ge"), "Le": ("max", "le")}
    bounds = (known[type(one).__name__] + (one,) for one in Rules.model_fields[name].metadata)
    return {mark: getattr(one, attribute) for mark, attribute, one in bounds}
