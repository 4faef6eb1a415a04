"""Conversations as they were: what was asked, what was answered, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from channels.console.clerks import AtWork
from channels.console.pages import page
from channels.console.reach import begins, day_of, ends, reach
from channels.house import House
from core import clock
from core.errors import Forbidden
from core.types import Candidate
from index.ranking import Thresholds
from journal import turns
from journal.turns import Entry, Outcome
from staff.permissions import Act

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.ANSWERED: "答上了",
    Outcome.CLARIFIED: "反问了",
    Outcome.REFUSED: "没答上",
    Outcome.HANDED: "转人工",
    Outcome.BOOKED: "办预约",
    Outcome.OTHER: "其他",
}
TONES = {Outcome.ANSWERED: "good", Outcome.REFUSED: "bad", Outcome.CLARIFIED: "busy"}
CHANNELS = {"web": "网页", "wechat": "微信", "api": "接口", "terminal": "命令行"}
PATHS = {"rasa": "语义理解", "direct": "直接检索", "choice": "点选", "guard": "安全检查"}
USEFUL = {"yes": True, "no": False}
USUAL = timedelta(days=7)

router = APIRouter(prefix="/console/conversations")
Day = Annotated[str, Query(max_length=10)]
Word = Annotated[str, Query(max_length=20)]


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found, what became of it, and what its score means."""

    candidate: Candidate
    taken: bool
    named: bool
    meaning: str


@router.get("", response_class=HTMLResponse)
def listed(
    request: Request,
    clerk: AtWork,
    since: Day = "",
    until: Day = "",
    region: Word = "",
    outcome: Word = "",
    channel: Word = "",
    useful: Word = "",
    text: Annotated[str, Query(max_length=100)] = "",
    guide: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
) -> Response:
    """Turns by what is looked for, the latest first; of the last week where no day is given."""
    house = House.of(request)
    regions, choices = reach(house, clerk, Act.READ_CONVERSATIONS, region)
    first, last = day_of(since), day_of(until)
    if not (first or last):
        first = clock.today() - USUAL
    with house.reading() as session:
        found = turns.entries(
            session, regions=regions, since=begins(first), until=ends(last), outcome=outcome, channel=channel,
            useful=USEFUL.get(useful), text=text.strip(), guide=guide, page=number,
        )  # fmt: skip
        channels = turns.channels(session, regions)
    filters = {
        "since": first or "", "until": last or "", "region": region, "outcome": outcome, "channel": channel,
        "useful": useful, "text": text, "guide": guide or "",
    }  # fmt: skip
    return page(
        request, clerk, "conversations/list.html", title="对话记录", page=found, filters=filters, choices=choices,
        outcomes=OUTCOMES, tones=TONES, channels=[(one, CHANNELS.get(one, one)) for one in channels], named=CHANNELS,
        days=house.settings.journal_days,
    )  # fmt: skip


@router.get("/{number}", response_class=HTMLResponse)
def read(request: Request, clerk: AtWork, number: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> Response:
    """The conversation a turn belongs to. Raises NoTurn, also for one of another region."""
    house = House.of(request)
    with house.reading() as session:
        entry = turns.read(session, number)
        if not clerk.may(Act.READ_CONVERSATIONS, entry.region):
            # Of another region, it is not told whether there is one.
            raise turns.NoTurn() if clerk.anywhere(Act.READ_CONVERSATIONS) else Forbidden()
        every = turns.conversation(session, entry.sender, entry.at)
    # Somebody may have asked about another region in between, which is not this clerk's.
    shown = [one for one in every if clerk.may(Act.READ_CONVERSATIONS, one.region)]
    rules = house.index.thresholds
    return page(
        request, clerk, "conversations/read.html", title="对话", entry=entry, turns=shown, outcomes=OUTCOMES,
        tones=TONES, named=CHANNELS, paths=PATHS, rules=rules, hidden=len(every) - len(shown),
        judged={one.id: [(look.query, _judged(one, look.candidates, rules)) for look in one.looks] for one in shown},
    )  # fmt: skip


def _judged(entry: Entry, candidates: tuple[Candidate, ...], rules: Thresholds) -> list[Judged]:
    def taken(one: Candidate) -> bool:
        return (one.guide is not None and one.guide == entry.guide) or (one.faq is not None and one.faq == entry.faq)

    return [Judged(one, taken(one), one.name in entry.reply, meaning(one.score, rules)) for one in candidates]


def meaning(score: float, rules: Thresholds) -> str:
    """What a score says, by the thresholds in force now."""
    steps = (
        (rules.exact, "一字不差"),
        (rules.answer, "够直接回答"),
        (rules.suggest, "拿不准，要反问"),
        (rules.near, "只够提一句"),
    )
    return next((word for least, word in steps if score >= least), "不相干")
