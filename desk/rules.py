"""Every rule of booking, per hall, in one place. Time is passed in; nothing here reads a clock or a database."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pydantic import Field, field_validator, model_validator

from core.errors import BangbanError
from core.text import composed
from knowledge.schema import Record, Text


class Refused(BangbanError):
    """这个预约不符合大厅的规定。"""

    status = 409
    code = "refused"


class NotForThem(Refused):
    """这个手机号或身份证号现在不能再约这件事。约过的可以在“我的预约”里凭预约号和验证码查看；不清楚的请打大厅电话，也可以直接到窗口取号。"""


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
    return re.sub(r"\s+", "", composed(name, "NFKC"))


@dataclass(frozen=True, slots=True)
class Past:
    """What a person has at the desk: open appointments as (guide, day), and the days on which they did not come.

    The `own_` ones among them were made by the account that asks. `owned` is how many it has open, for whomever, and
    `cancelled` are the days on which it cancelled.
    """

    open: tuple[tuple[int, date], ...] = ()
    missed: tuple[date, ...] = ()
    own_open: tuple[tuple[int, date], ...] = ()
    own_missed: tuple[date, ...] = ()
    owned: int = 0
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
    """Raises Refused where a person has too much open, too much on that day, or is blocked for a while.

    Anybody may type anybody's number: what others booked for it is a secret, and each limit reached through theirs is
    refused in the same words.
    """
    _check_own_blocks(rules, past, today)
    _check_own_day(rules, past, guide, day)
    if len(past.own_open) >= rules.open_limit or past.owned >= rules.account_limit:
        many = max(len(past.own_open), past.owned)
        raise Refused(f"已经有 {many} 个没办的预约了，先办完或取消一个再约。已有的在“我的预约”里可以看到。")
    blocked = blocked_until(rules.no_shows, past.missed)
    if len(past.open) >= rules.open_limit or (blocked and today < blocked):
        raise NotForThem()
    check_day(rules, past, guide, day)


def check_day(rules: Rules, past: Past, guide: int, day: date) -> None:
    """Raises Refused where a person already has that item on that day."""
    _check_own_day(rules, past, guide, day)
    if past.open.count((guide, day)) >= rules.daily_limit:
        raise NotForThem()


def check_identity(rules: Rules, identity: str) -> None:
    """Raises Refused where an appointment without an identity number would move to a window that asks for one."""
    if rules.identity and not identity:
        raise Refused(
            "这个窗口办事要核对身份证号，这个预约里没有填。请先取消这个预约，再重新约一次，约的时候填上身份证号。"
        )


def check_arrival(starts: datetime, today: date) -> None:
    """Raises Refused where somebody comes on another day than the one booked. `starts` is China's."""
    if starts.date() != today:
        raise Refused(f"这个预约约的是 {_told(starts)}，不是今天，不能登记到场。")


def check_missing(starts: datetime, now: datetime) -> None:
    """Raises Refused where the time at which somebody could be missed has not come. `starts` is China's."""
    if starts > now:
        raise Refused(f"还没到预约的时间：{_told(starts)}。")


def blocked_until(block: Block, days: Iterable[date]) -> date | None:
    """The first day on which one may book again; None where too little happened to be blocked."""
    ordered = sorted(days)
    spans = zip(ordered, ordered[block.most - 1 :], strict=False)
    ends = [last for first, last in spans if (last - first).days < block.days]
    return ends[-1] + timedelta(days=block.pause) if ends else None


def _check_own_blocks(rules: Rules, past: Past, today: date) -> None:
    missed = blocked_until(rules.no_shows, past.own_missed)
    cancelled = blocked_until(rules.cancellations, past.cancelled)
    until = max(filter(None, (missed, cancelled)), default=None)
    if until and today < until:
        why = "预约了没有来的次数多了" if until == missed else "取消的次数多了"
        raise Refused(f"最近{why}，到 {until.month}月{until.day}日才能再预约。这期间可以直接到窗口取号办理。")


def _check_own_day(rules: Rules, past: Past, guide: int, day: date) -> None:
    if past.own_open.count((guide, day)) >= rules.daily_limit:
        raise Refused("这一天已经约过这件事了。要看已有的，或者改时间，可以说“我的预约”，也可以打开“我的预约”页面。")


def _told(starts: datetime) -> str:
    return f"{starts.year}年{starts.month}月{starts.day}日 {starts:%H:%M}"


def _spoken(minutes: int) -> str:
    days, rest = divmod(minutes, 1440)
    if days and not rest:
        return f"{days} 天"
    return f"{minutes // 60} 小时" if minutes % 60 == 0 else f"{minutes} 分钟"
