"""One run of `bangban evaluate`: which places are opened, what is asked there, and what is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from bot import supervisor
from channels.evaluation import plot, report, sets, tallies
from channels.evaluation.place import Lab, NoRasa, Place, opened
from channels.evaluation.search import Searched, searched
from channels.evaluation.sets import ROOT, Split
from channels.evaluation.tables import Rows, Run, Table, save
from channels.evaluation.talks import Talks, through_rasa
from channels.evaluation.worst import Bad, strayed, worst
from core import clock
from core.settings import Settings

GUIDES = ROOT.parent / "shared" / "data" / "fcg_guides.jsonl"
REGION = "450600"  # of that dump
DOCS = ROOT / "docs"


class Part(StrEnum):
    """What can be measured by itself."""

    RETRIEVAL = "retrieval"
    ANSWERS = "answers"
    REFUSALS = "refusals"
    EMERGENCIES = "emergencies"
    DIALOGUES = "dialogues"
    FACETS = "facets"
    PRIVATE = "private"
    DEMO = "demo"


OF_GUIDES = frozenset({Part.RETRIEVAL, Part.ANSWERS, Part.REFUSALS, Part.DIALOGUES})  # ask for the dump's guides
ANYWHERE = frozenset({Part.EMERGENCIES, Part.FACETS, Part.PRIVATE})


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does. Without `guides` the demonstration city alone is asked."""

    guides: Path | None
    split: Split = Split.DEV
    rasa: bool = True
    parts: frozenset[Part] = frozenset(Part)

    @property
    def possible(self) -> frozenset[Part]:
        """The parts wanted that can be measured."""
        return self.parts if self.guides else self.parts - OF_GUIDES


@dataclass(slots=True)
class Findings:
    """What a run has found so far."""

    tables: list[Table] = field(default_factory=list)
    bad: dict[str, Sequence[Bad]] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    plot: str = ""


Say = Callable[[str, float | None], None]  # what is being done, and the share of it that is done


async def measure(plan: Plan, settings: Settings, say: Say) -> Findings:
    """Open each place that is needed, and ask. Raises NoRasa, Invalid, and what importing raises."""
    found = Findings(about={"date": clock.today().isoformat(), "split": plan.split.value, "rasa": "no"})
    parts = plan.possible
    if plan.rasa and supervisor.python() is None:
        raise NoRasa
    if plan.guides and parts - {Part.DEMO}:
        async with opened(
            Place(REGION, plan.guides), settings, rasa=plan.rasa, say=lambda told: say(told, None)
        ) as lab:
            await _ask(lab, plan, parts - {Part.DEMO}, found, say)
    here = parts & ({Part.DEMO} if plan.guides else {Part.DEMO} | ANYWHERE)
    if here:
        async with opened(Place(), settings, rasa=plan.rasa, say=lambda told: say(told, None)) as lab:
            await _ask(lab, plan, here, found, say)
    return found


async def _ask(lab: Lab, plan: Plan, parts: frozenset[Part], found: Findings, say: Say) -> None:
    """All parts at one place, in the order of the report."""
    asker = _Asker(lab, plan, found, say)
    for part in Part:
        if part in parts:
            await getattr(asker, part.value)()
    asker.finish()


class _Asker:
    """Asks one place one part after the other and keeps the tables."""

    def __init__(self, lab: Lab, plan: Plan, found: Findings, say: Say) -> None:
        self._lab, self._plan, self._found, self._say = lab, plan, found, say
        self._answered: Sequence[Any] = ()
        self._refused: Sequence[Any] = ()
        self._searched: Searched | None = None

    async def retrieval(self) -> None:
        asked, beside = sets.questions(self._plan.split), sets.unanswerable(self._plan.split)
        self._searched = await asyncio.to_thread(searched, self._lab, asked, beside, self._stepping("搜索", len(asked)))
        self._keep(*tallies.retrieval(self._searched.ranks, self._searched.asked), tallies.curve(self._searched.points))
        self._found.plot = plot.svg(self._searched.points, self._lab.index.thresholds.answer)
        self._count("questions", len(asked))

    async def answers(self) -> None:
        asked = sets.questions(self._plan.split)
        self._answered = await self._talks("问答", len(asked)).answers(asked, self._curated())
        self._keep(tallies.answers(self._answered))
        self._count("questions", len(asked))

    async def refusals(self) -> None:
        asked = sets.unanswerable(self._plan.split)
        self._refused = await self._talks("拒答", len(asked)).refusals(asked)
        self._keep(tallies.refusals(self._refused))
        self._count("unanswerable", len(asked))

    async def emergencies(self) -> None:
        asked = sets.emergencies()
        self._keep(tallies.emergencies(await self._talks("紧急", len(asked)).emergencies(asked)))
        self._count("emergencies", len(asked))

    async def dialogues(self) -> None:
        asked = sets.dialogues(self._plan.split)
        turns = await self._talks("多轮对话", len(asked)).dialogues(asked)
        self._keep(tallies.dialogues(turns))
        self._found.bad["Where dialogues strayed first"] = strayed(turns)
        self._count("dialogues", len(asked))

    async def facets(self) -> None:
        asked = sets.facets(self._plan.split)
        self._keep(tallies.facets(await self._talks("要素", len(asked)).facets(asked), rasa=self._plan.rasa))
        self._count("facet messages", len(asked))

    async def private(self) -> None:
        asked = sets.private()
        self._keep(tallies.private(await self._talks("个人信息", len(asked)).private(asked)))
        self._count("messages with personal data", len(asked))

    async def demo(self) -> None:
        asked = sets.everyday()
        answered = await self._talks("演示城市", len(asked)).answers(asked, self._curated())
        self._keep(tallies.answers(answered, "demo", "Demonstration city, end to end"))
        self._count("demonstration questions", len(asked))

    def finish(self) -> None:
        """What needs several parts, and how it was measured."""
        if self._answered and self._refused:
            self._keep(tallies.both_ways(self._answered, self._refused))
        if self._answered or self._refused:
            ranks = self._searched.serving if self._searched else ()
            names = {guide.local_code: guide.name for guide in self._lab.index.guides()}
            self._found.bad["Worst questions"] = worst(self._answered, ranks, self._refused, names)
        self._found.about["encoder"] = self._lab.encoder.fingerprint if self._lab.encoder else "none"
        if self._plan.rasa:
            share = through_rasa(self._lab.metrics.taken)
            self._found.about["rasa"] = f"model {supervisor.fingerprint()}, {share:.0%} of messages"

    def _curated(self) -> dict[str, str]:
        """Curated questions by their words."""
        return {one.question: one.code for one in self._lab.curated()}

    def _talks(self, name: str, many: int) -> Talks:
        return Talks(self._lab, self._stepping(name, many))

    def _stepping(self, name: str, many: int) -> Callable[[], None]:
        done = iter(range(1, many + 1))
        self._say(name, 0.0)
        return lambda: self._say(name, next(done, many) / max(1, many))

    def _keep(self, *tables: Table) -> None:
        self._found.tables += tables

    def _count(self, name: str, many: int) -> None:
        self._found.about.setdefault("asked", {})[name] = many


def write(found: Findings, previous: Mapping[str, Rows], folder: Path) -> Path:
    """Figures and report into `folder`; where the report lies."""
    run = Run(found.about, found.tables)
    save(run, folder / "quality.json")
    made = folder / "quality.html"
    made.write_text(report.page(run, previous, found.bad, found.plot), "utf-8")
    return made


def publish(found: Findings, previous: Mapping[str, Rows], command: str, docs: Path = DOCS) -> None:
    """Figures, plot and the generated part of the page into the documentation. Raises Invalid."""
    run = Run(found.about, found.tables)
    report.publish(docs / "quality.md", report.markdown(run, previous, command))
    save(run, docs / "quality.json")
    (docs / "quality.svg").write_text(found.plot, "utf-8")
