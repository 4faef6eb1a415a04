"""The demonstration city with its appointments, on a clock that tests set and without anything booked before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete

from channels.app import create
from channels.house import House
from core import clock
from core.settings import Settings
from desk.halls import Window, open_hall
from desk.models import AnnouncedYear, AppointmentEvent, AppointmentRow, ExceptionRow, OutboxRow, SlotRow, SpecialDayRow
from desk.rules import Rules
from knowledge.publishing import find
from tests.channels.conftest import home
from tests.desk.conftest import THURSDAY, Watch

CITY = "980100"
HALL = "云桥市政务服务中心"
TOKEN = "0123456789abcdef-wang"
STAFF = {"Authorization": f"Bearer {TOKEN}"}
KEY = "tests-key-0123456789"
PERSON = {"name": "张伟", "phone": "13800138000", "identity": "11010119900307002X"}


@dataclass
class Town:
    """The application, its inside, and its clock."""

    client: TestClient
    house: House
    watch: Watch

    def guide(self, code: str = "yq-sfz-003") -> int:
        """A guide of the city; by default the lost identity card, which is booked at four windows."""
        with self.house.reading() as session:
            found = find(session, CITY, code)
        assert found is not None
        return found

    def window(self, at: int = 0, guide: int = 0) -> Window:
        offer = self.house.desk.offer(guide or self.guide())
        assert offer is not None
        return offer.windows[at]

    def form(self, hour: int = 9, minute: int = 0, day: date | None = None, **changes: str) -> dict[str, str]:
        """The form of the last step, filled in."""
        day = day or self.watch.tomorrow
        made = {
            "guide": str(self.guide()),
            "window": self.window().id,
            "day": str(day),
            "starts": f"{day}T{hour:02}:{minute:02}",
            "key": KEY,
        }
        return made | PERSON | changes

    def book(self, hour: int = 9, minute: int = 0, **changes: str) -> str:
        """Book through the page. Returns the slip's address."""
        answer = self.client.post("/book", data=self.form(hour, minute, **changes), follow_redirects=False)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def proof(self, slip: str) -> tuple[str, str]:
        """Number and code as the slip shows them."""
        number, code = re.findall(r'<dd class="digits">([\d ]+)</dd>', self.client.get(slip).text)
        return number.replace(" ", ""), code


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    watch = Watch()
    settings = Settings(
        home=home(tmp_path_factory.mktemp("town"), at=THURSDAY), rasa=False, encoder="none", rate_limit=0, rate_limit_address=0,
        booking_limit_address=0, staff_tokens=[f"王芳:{TOKEN}", "李娜:fedcba9876543210-li"], log_level="ERROR",
        cors_origins=["http://127.0.0.1:8765"],
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", watch)
        client = TestClient(create(settings), raise_server_exceptions=False)
        client.__enter__()
    yield Town(client, client.app.state.house, watch)  # type: ignore[attr-defined]
    client.__exit__()


@pytest.fixture
def town(opened: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """The city on a Thursday morning in October, nothing booked, closed or tried yet."""
    opened.watch.time = THURSDAY
    monkeypatch.setattr(clock, "now", opened.watch)
    with opened.house.writing.begin() as session:
        tables = (OutboxRow, AppointmentEvent, AppointmentRow, SlotRow, ExceptionRow, SpecialDayRow, AnnouncedYear)
        for table in tables:
            session.execute(delete(table))
    rules(opened)
    assert opened.client.portal
    opened.client.portal.call(opened.house.cache.close)  # the memory of this process forgets
    opened.client.cookies.clear()
    return opened


def rules(town: Town, **fields: object) -> None:
    """Give the city's hall its own rules again, or others."""
    own = {"horizon": 7, "capacity": 4, "windows": {"1楼公安综合窗口A05-A08": {"identity": True}}}
    with town.house.writing.begin() as session:
        open_hall(session, CITY, HALL, Rules.model_validate(own | fields))


def other(n: int = 1) -> dict[str, str]:
    """The form's fields of somebody else."""
    body = f"11010119900307{n + 100:03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    last = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]
    return {"name": "李娜", "phone": f"1390013900{n}", "identity": body + last, "key": f"another-key-{n:08}"}
