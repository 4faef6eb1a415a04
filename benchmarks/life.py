"""From the command to the first answer, and from an edit to the answer that shows it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from benchmarks import encoders, processes
from benchmarks.figures import Figure
from benchmarks.load import Client, to_application
from benchmarks.processes import NotMeasured, Process
from benchmarks.timing import clocked
from bot import supervisor
from core import clock, database
from index import taught
from index.search import SearchIndex
from index.sync import Sync
from knowledge.models import GuideRow
from knowledge.publishing import publish, read
from knowledge.schema import Contact, Guide

GROUP = "Start and edits"
LOOK = 0.01  # seconds between looks
PATIENCE = 120.0  # seconds to wait for a first answer or an edit
BY = "benchmarks"
STOCK = "stock Rasa until its model is loaded"
ANEW = "index filled anew, vectors kept"


def measure(shared: Path, *, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Starts and edits of an application of its own. Raises NotMeasured."""
    starts, edits = (1, 3) if quick else (3, 12)
    with processes.home(shared) as folder:
        say("first start")
        _start(folder)  # makes the database
        encoder = encoders.shipped()
        _rebuild(folder, encoder)  # the vectors that later starts find
        say("later starts")
        later = [_start(folder) for _ in range(starts)]
        stock = [_stock_start(folder, shared) for _ in range(1 if quick else 2)]
        say("edits")
        with processes.application(folder, rasa=False) as process:
            page, search = _edits(process, folder, edits)
        anew = [_rebuild(folder, encoder) for _ in range(starts)]
    say("first start with nothing kept")
    with processes.home(shared, warm=False) as empty:
        first = _start(empty)
    rebuilt = 1000 * median(anew)
    return [
        Figure(GROUP, "later start to first answer", median(later), "s", median(stock), STOCK, aim=5),
        Figure(GROUP, "first start to first answer, nothing kept", first, "s", median(stock), STOCK),
        Figure(GROUP, "edit to its page, median", 1000 * median(page), "ms", rebuilt, ANEW),
        Figure(GROUP, "edit to search, median", 1000 * median(search), "ms", rebuilt, ANEW),
        Figure(GROUP, "edit to search, slowest", 1000 * max(search), "ms", rebuilt, ANEW, aim=1000),
    ]


def _start(folder: Path) -> float:
    """Seconds from starting `bangban serve`, its Rasa too, to the first answer of /api/chat."""
    began = time.perf_counter()
    with processes.application(folder, rasa=True, ready=False) as process:
        return _first_answer(process, began, lambda client: to_application(client, "bench-start", "身份证丢了咋补"))


def _stock_start(folder: Path, shared: Path) -> float:
    """Seconds from starting `rasa run` until it has loaded the model and could answer."""
    began = time.perf_counter()
    with processes.stock_rasa(folder, supervisor.model_file(shared), supervisor.free_port(), ready=False) as process:
        return _first_answer(process, began, _loaded)


def _loaded(client: Client) -> None:
    if client.get("/status")[0] != 200:
        raise ConnectionError("no model loaded yet")


def _first_answer(process: Process, began: float, ask: Callable[[Client], object]) -> float:
    with Client(process.port) as client:
        while time.perf_counter() - began < PATIENCE:
            with suppress(OSError):
                ask(client)
                return time.perf_counter() - began
            time.sleep(LOOK)
    raise NotMeasured(f"{process.name} gave no answer; see {process.log}")


def _edits(process: Process, folder: Path, many: int) -> tuple[list[float], list[float]]:
    """Seconds from the commit of another process, this one, until /api/guides and until /api/search show the edit."""
    pages, searches = [], []
    engine = database.engine(f"sqlite:///{(folder / 'bangban.db').absolute()}")
    writing = database.sessions(engine, writing=True)
    try:
        with Client(process.port) as client:
            for number in range(many):
                guide_id, guide = _edit(writing, number)
                began = time.perf_counter()
                told = f'"phone":"{_phone(number)}"'
                pages.append(_seen(client, began, f"/api/guides/{guide_id}", told))
                query = f"/api/search?q={quote(guide.name[:190])}&region={guide.region}&limit=3"
                searches.append(_seen(client, began, query, f'"name":"{guide.name}"'))
                time.sleep(0.05 * (number % 5))  # so that edits fall at any time between two looks of the index
    finally:
        engine.dispose()
    return pages, searches


def _edit(writing: sessionmaker[Session], number: int) -> tuple[int, Guide]:
    """Publish another name and phone for one guide: its id and what it says now."""
    with writing.begin() as session:
        guide_id = session.scalars(select(GuideRow.id).order_by(GuideRow.id).offset(number * 3)).first()
        published = read(session, guide_id) if guide_id else None
        if published is None:
            raise NotMeasured("the demonstration city has too few guides to edit")
        name = f"{published.guide.name}（改第{number}次）"
        edited = published.guide.model_copy(update={"name": name, "consult": Contact(phone=_phone(number))})
        publish(session, edited, by=BY, at=clock.now())
        return published.id, edited


def _phone(number: int) -> str:
    return f"0000-5559{number:03d}"


def _seen(client: Client, began: float, path: str, told: str) -> float:
    while time.perf_counter() - began < PATIENCE:
        status, body = client.get(path)
        if status == 200 and told in body.decode():
            return time.perf_counter() - began
        time.sleep(LOOK)
    raise NotMeasured(f"the edit was never seen at {path.partition('?')[0]}")


def _rebuild(folder: Path, encoder: encoders.Encoder) -> float:
    engine = database.engine(f"sqlite:///{(folder / 'bangban.db').absolute()}")
    store = taught.opened(folder / "index", encoder)
    try:
        index = SearchIndex(store, encoder)
        reading, writing = database.sessions(engine), database.sessions(engine, writing=True)
        spent = clocked(Sync(index, reading, writing, today=clock.today, poll=1).catch_up)[1]
        while index.encode_some():
            pass
        return spent
    finally:
        store.close()
        engine.dispose()
