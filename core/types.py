"""The values every floor shares. All are frozen: a turn hands them on, nobody edits them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Facet(StrEnum):
    """What a citizen can ask of a guide. Each is also the name of a Rasa intent."""

    WHO = "who"
    WHERE = "where"
    HOW = "how"
    MATERIALS = "materials"
    CONDITIONS = "conditions"
    TIME = "time"
    FEE = "fee"
    HOURS = "hours"
    PHONE = "phone"
    ONLINE = "online"
    PROGRESS = "progress"
    LAW = "law"
    RESULT = "result"
    COMPLAINT = "complaint"
    WHICH = "which"


class Act(StrEnum):
    """What a message to the citizen does; the `act` of the public chat contract."""

    ANSWER = "answer"
    CLARIFY = "clarify"
    REFUSE = "refuse"
    GREET = "greet"
    SMALLTALK = "smalltalk"
    EMERGENCY = "emergency"
    HANDOFF = "handoff"
    TICKET = "ticket"
    BOOK = "book"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Message:
    """What a citizen sent: exactly one of `text` and `choice` is set.

    `address` is where the channel reaches the citizen later; empty where it cannot. It is locked before it goes anywhere.
    """

    session: str
    text: str = ""
    choice: str = ""
    region: str | None = None
    channel: str = "web"
    address: str = ""


@dataclass(frozen=True, slots=True)
class GuideRef:
    """Enough of a guide to cite it: every fact shown can be traced to this version."""

    id: int
    local_code: str
    name: str
    department: str
    region: str
    version: int
    verified_at: date | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled statement taken from a guide, e.g. 办理地点: 松风路 1 号."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to go on; `id` is sent back when it is chosen, `label` is what people read."""

    id: str
    label: str
    guide: GuideRef | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A place to go next. The label says where it leads."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One message to the citizen. `text` is complete on its own; the rest lets a channel show more.

    What it tells is from `guide`, or from the curated question with the code `faq`.
    """

    act: Act
    text: str
    facets: tuple[Facet, ...] = ()
    facts: tuple[Fact, ...] = ()
    guide: GuideRef | None = None
    choices: tuple[Choice, ...] = ()
    links: tuple[Link, ...] = ()
    faq: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """Everything said back in one turn. `turn` is the key by which the session says whether it helped."""

    session: str
    messages: tuple[Answer, ...] = field(default=())
    turn: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A guide (by id) or a curated question (by code) that was found, the text of it that matched, and its score."""

    guide: int | None
    faq: str | None
    name: str
    region: str
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Look:
    """One search and the best of what it found, best first."""

    query: str
    candidates: tuple[Candidate, ...]
