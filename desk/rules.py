"""Every rule of booking, per hall, in one place. Time is passed in; nothing here reads a clock or a database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pydantic import Field, field_validator, model_validator

from core.errors import BangbanError
from knowledge.schema import Record, Text


class Refused(BangbanError):
    """这个预约不符合大厅的规定。"""

    status = 409
    code = "refused"


class Block(Record):
    """`most` within `days` days, and no new appointment for `pause` days after the last one."""

    most: int = Field(title="次数", ge=1)
    days: int = Field(title="天数以内", ge=1, le=365)
    pause: int = Field(title="暂停天数", ge=1, le=365)


class WindowRules(Record):
    """What differs at one window group from its hall."""

    capacity: int | None = Field(None, title="每个时段的名额", ge=0, le=500)
    identity: bool | None = Field(None, title="需要身份证号")


class Rules(Record):
    """The rules of one hall. Staff edit them; the defaults serve a hall that says nothing."""

    slot: int = Field(30, title="每个时段的分钟数", ge=5, le=240)
    capacity: int = Field(2, title="每个窗口组每个时段的名额", ge=0, le=500)
    lead: int = Field(60, title="最晚提前多少分钟预约", ge=0, le=10_080)
    horizon: int = Field(10, title="可以预约多少个工作日以内", ge=0, le=60)
    open_limit: int = Field(3, title="每人同时有效的预约数", ge=1, le=50)
    account_limit: int = Field(6, title="每个账号同时有效的预约数（可以替家人约）", ge=1, le=200)
    daily_limit: int = Field(1, title="每人每天同一事项的预约数", ge=1, le=10)
    cancel_until: int = Field(60, title="最晚提前多少分钟取消或改期", ge=0, le=10_080)
    no_shows: Block = Field(Block(most=3, days=90, pause=30), title="爽约限制")
    cancellations: Block = Field(Block(most=5, days=30, pause=7), title="反复取消限制")
    identity: bool = Field(False, title="需要身份证号")
    keep: int = Field(180, title="办完多少天后删除个人信息", ge=1, le=1095)
    windows: dict[Text, WindowRules] = Field(default_factory=dict, title="个别窗口的规定")

    @field_validator("windows")
    @classmethod
    def _plainly_named(cls, value: dict[str, WindowRules]) -> dict[str, WindowRules]:
        named = {plain_window(name): rules for name, rules in value.items()}
        if len(named) < len(value):
            raise ValueError("同一个窗口写了两遍")
        return named

    @model_validator(mode="after")
    def _remembers_long_enough(self) -> Rules:
        if self.keep < max(block.days + block.pause for block in (self.no_shows, self.cancellations)):
            raise ValueError("个人信息保留的天数，要不少于爽约、取消的统计天数加暂停天数，否则限制无从计算")
        return self

    def at(self, window: str) -> Rules:
        """The rules at one window group, however its name is spaced."""
        own = self.windows.get(plain_window(window))
        return self.model_copy(update=own.model_dump(exclude_none=True)) if own else self


def plain_window(name: str) -> str:
    """A window group's name as it is compared: guides space it, and write its brackets, in different ways."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", name))


@dataclass(frozen=True, slots=True)
class Past:
    """What a person has at the desk: open appointments as (guide, day), and the days of failures.

    `owned` is how many are open that the same account made, for whomever.
    """

    open: tuple[tuple[int, date], ...] = ()
    owned: int = 0
    missed: tuple[date, ...] = ()
    cancelled: tuple[date, ...] = ()


def in_time(rules: Rules, starts: datetime, now: datetime) -> bool:
    """Whether a slot may still be booked at `now`."""
    return starts - now >= timedelta(minutes=rules.lead)


def check_cancelling(rules: Rules, starts: datetime, now: datetime) -> None:
    """Raises Refused where it is too late to cancel or move an appointment."""
    if starts <= now:
        raise Refused("预约的时间已经到了，不能再取消或改期。来不了也没关系，直接打大厅电话说一声就行。")
    if starts - now < timedelta(minutes=rules.cancel_until):
        raise Refused(f"要在预约时间前 {_spoken(rules.cancel_until)}取消或改期，现在已经来不及了。请打大厅电话说明。")


def check_person(rules: Rules, past: Past, guide: int, day: date, today: date) -> None:
    """Raises Refused where a person has too much open, too much on that day, or is blocked for a while."""
    missed, cancelled = blocked_until(rules.no_shows, past.missed), blocked_until(rules.cancellations, past.cancelled)
    until = max(filter(None, (missed, cancelled)), default=None)
    if until and today < until:
        why = "预约了没有来的次数多了" if until == missed else "取消的次数多了"
        raise Refused(f"最近{why}，到 {until.month}月{until.day}日才能再预约。这期间可以直接到窗口取号办理。")
    check_day(rules, past, guide, day)
    if len(past.open) >= rules.open_limit or past.owned >= rules.account_limit:
        many = max(len(past.open), past.owned)
        raise Refused(f"已经有 {many} 个没办的预约了，先办完或取消一个再约。说“我的预约”可以看到。")


def check_day(rules: Rules, past: Past, guide: int, day: date) -> None:
    """Raises Refused where a person already has that item on that day."""
    if sum(one == (guide, day) for one in past.open) >= rules.daily_limit:
        raise Refused("这一天已经约过这件事了。要换时间，可以说“改预约”；要看已有的，说“我的预约”。")


def blocked_until(block: Block, days: Iterable[date]) -> date | None:
    """The first day on which one may book again; None where too little happened to be blocked."""
    ordered = sorted(days)
    spans = zip(ordered, ordered[block.most - 1 :], strict=False)
    ends = [last for first, last in spans if (last - first).days < block.days]
    return ends[-1] + timedelta(days=block.pause) if ends else None


def _spoken(minutes: int) -> str:
    days, rest = divmod(minutes, 1440)
    if days and not rest:
        return f"{days} 天"
    return f"{minutes // 60} 小时" if minutes % 60 == 0 else f"{minutes} 分钟"
