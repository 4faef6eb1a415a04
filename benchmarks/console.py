"""From a reviewer's click at one process to the citizen's answer at another, on PostgreSQL; and long lists."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx
from bs4 import BeautifulSoup, Tag

from benchmarks import processes
from benchmarks.figures import Figure
from benchmarks.processes import NotMeasured, Process
from core import clock, database
from core.settings import DEMO_REGION
from core.vault import new_key
from knowledge.publishing import find, publish_all, read
from staff import accounts
from staff.permissions import Grant, Role

GROUP = "Console"
STAFF = {"bench-editor": Role.EDITOR, "bench-reviewer": Role.REVIEWER}
PASSWORD = "benchmarks-clear-water-7"
GUIDE = "yq-sfz-003"  # the lost identity card
QUESTION = "身份证丢失补领的咨询电话是多少"
LOOK = 0.005  # seconds between a citizen's questions
PATIENCE = 30.0  # seconds
MANY = 10_000  # guides in a long list
HERE = "at the process of the click"
SHORT = "the same with the demonstration city alone"


class Desk:
    """Somebody of the staff at a browser without scripts."""

    def __init__(self, address: str, name: str, password: str) -> None:
        self._client = httpx.Client(base_url=address, headers={"Accept": "text/html"}, timeout=30)
        answer = self._client.post("/console/sign-in", data={"name": name, "password": password})
        if answer.status_code != 303:
            raise NotMeasured(f"{name} could not sign in: {answer.status_code}")

    def read(self, path: str) -> str:
        """A page. Raises httpx.HTTPStatusError."""
        return self._client.get(path).raise_for_status().text

    def send(self, path: str, action: str = "", **changes: str) -> str:
        """The form of a page that goes to `action` (the page itself by default), as it came but for the changes.

        Returns where it led to. Raises NotMeasured where there is no such form, or it was not taken.
        """
        return self._sent(action or path, dict(self._form(self.read(path), action or path)) | changes)

    def prepared(self, path: str, action: str) -> Callable[[], str]:
        """The same form, read now and sent when called."""
        fields = dict(self._form(self.read(path), action))
        return lambda: self._sent(action, fields)

    def close(self) -> None:
        """Close the browser."""
        self._client.close()

    def _sent(self, action: str, fields: Mapping[str, str | list[str]]) -> str:
        answer = self._client.post(action, data=fields)
        if answer.status_code != 303:
            raise NotMeasured(f"{action} answered {answer.status_code}")
        return answer.headers["location"]

    def _form(self, page: str, action: str) -> Iterator[tuple[str, str | list[str]]]:
        forms = BeautifulSoup(page, "html.parser").find_all("form", method="post")
        form = next((one for one in forms if one.get("action") == action), None)
        if form is None:
            raise NotMeasured(f"no form for {action}")
        names = dict.fromkeys(str(one["name"]) for one in form.select("[name]:is(input, select, textarea)"))
        for name in names:
            values = [_value(one) for one in form.select(f'[name="{name}"]') if _counts(one)]
            if values:
                yield name, values if len(values) > 1 else values[0]


def _counts(control: Tag) -> bool:
    ticked = control.get("type") not in ("checkbox", "radio") or control.has_attr("checked")
    return ticked and control.find_parent("template") is None


def _value(control: Tag) -> str:
    if control.name == "textarea":
        return control.text.removeprefix("\n")
    if control.name == "select":
        chosen = control.select_one("option[selected]") or control.select_one("option")
        return str(chosen.get("value", "")) if chosen else ""
    return str(control.get("value", "on" if control.get("type") == "checkbox" else ""))


@dataclass(frozen=True, slots=True)
class Pair:
    """Two applications on one database, and two of the staff at the first."""

    first: Process
    second: Process
    editor: Desk
    reviewer: Desk
    url: str


def measure(shared: Path, *, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Edits that citizens see, and lists. Raises NotMeasured."""
    edits, looks = (2, 3) if quick else (15, 15)
    with _pair(shared) as pair:
        say("edits")
        ours = [_edit(pair, pair.second, number) for number in range(edits)]
        here = [_edit(pair, pair.first, edits + number) for number in range(edits)]
        say("lists")
        before = {path: _looked(pair.reviewer, path, looks) for path in LISTS}
        _fill(pair.url)
        after = {path: _looked(pair.reviewer, path, looks) for path in LISTS}
    figures = [
        Figure(
            GROUP, "approval to answer elsewhere, p50", 1000 * median(ours), "ms", 1000 * median(here), HERE, aim=1000
        ),
        Figure(
            GROUP, "approval to answer elsewhere, slowest", 1000 * max(ours), "ms", 1000 * max(here), HERE, aim=1000
        ),
    ]
    return figures + [
        Figure(GROUP, f"{name} with {MANY:,} guides more, p50", 1000 * after[path], "ms", 1000 * before[path], SHORT)
        for path, name in LISTS.items()
    ]


LISTS = {
    "/console/guides": "list of guides",
    "/console/guides?text=身份证": "search in it",
    "/console/guides?due=unverified": "list of the unverified",
    "/console": "overview",
}


@contextmanager
def _pair(shared: Path) -> Iterator[Pair]:
    try:
        import pgserver
    except ImportError:
        raise NotMeasured("pgserver, which carries PostgreSQL, is not installed") from None
    with ExitStack() as stack:
        folders = [stack.enter_context(processes.home(shared)) for _ in range(2)]
        server = pgserver.get_server(folders[0] / "pg", cleanup_mode="delete")
        stack.callback(server.cleanup)
        settings = {"BANGBAN_DATABASE_URL": server.get_uri(), "BANGBAN_KEYS": new_key()}
        served = [
            stack.enter_context(processes.application(folder, rasa=False, settings=settings)) for folder in folders
        ]
        hire(server.get_uri())
        desks = [Desk(f"http://127.0.0.1:{served[0].port}", name, PASSWORD) for name in STAFF]
        for desk in desks:
            stack.callback(desk.close)
        yield Pair(*served, *desks, url=server.get_uri())


def hire(url: str) -> None:
    """Make the editor and the reviewer, with PASSWORD."""
    engine = database.engine(url)
    with database.sessions(engine, writing=True).begin() as session:
        for name, role in STAFF.items():
            made, given = accounts.make(
                session, name, name, grants=[Grant(role, DEMO_REGION)], by="benchmarks", at=clock.now()
            )
            accounts.change_password(session, made.id, given, PASSWORD)
    engine.dispose()


def approval(editor: Desk, reviewer: Desk, guide: int, **changes: str) -> Callable[[], str]:
    """A change of a guide, written and submitted; it is approved when called."""
    draft = editor.send(f"/console/guides/{guide}", f"/console/guides/{guide}/edit")
    editor.send(draft, do="submit", why="核对后更正", **changes)
    return reviewer.prepared(f"{draft}/review", f"{draft}/approve")


def _edit(pair: Pair, answering: Process, number: int) -> float:
    """Seconds from the reviewer's click until a citizen who asks reads the new number."""
    phone = f"0000-5558{number:03d}"
    engine = database.engine(pair.url)
    with database.sessions(engine)() as session:
        guide = find(session, DEMO_REGION, GUIDE)
    engine.dispose()
    if guide is None:
        raise NotMeasured("the demonstration city is not loaded")
    approve = approval(pair.editor, pair.reviewer, guide, **{"consult.phone": phone})
    time.sleep(0.05 * (number % 5))  # so that edits fall at any time between two looks of the index
    with httpx.Client(base_url=f"http://127.0.0.1:{answering.port}", timeout=30) as citizen:
        began = time.perf_counter()
        approve()
        while time.perf_counter() - began < PATIENCE:
            asked = {"session": f"bench-console-{number:03d}", "text": QUESTION}
            if phone in citizen.post("/api/chat", json=asked).text:
                return time.perf_counter() - began
            time.sleep(LOOK)
    raise NotMeasured("the edit was never answered")


def _looked(desk: Desk, path: str, many: int) -> float:
    """Seconds for a page, the median."""
    spent = []
    for _ in range(many):
        began = time.perf_counter()
        desk.read(path)
        spent.append(time.perf_counter() - began)
    return median(spent)


def _fill(url: str) -> None:
    """As many guides more, in the city's own region."""
    engine = database.engine(url)
    with database.sessions(engine, writing=True).begin() as session:
        number = find(session, DEMO_REGION, GUIDE)
        published = read(session, number) if number else None
        if published is None:
            raise NotMeasured("the demonstration city is not loaded")
        guide = published.guide
        more = (
            guide.model_copy(update={"local_code": f"bench-{n}", "name": f"{guide.name}（{n}）"}) for n in range(MANY)
        )
        publish_all(session, more, by="benchmarks", at=clock.now())
    engine.dispose()
