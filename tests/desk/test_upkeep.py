"""What time does to appointments, and what a new key asks for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from core.database import Base
from core.vault import Unreadable, Vault, new_key
from desk import appointments, upkeep
from desk.appointments import NoAppointment
from desk.days import entries, reveal, set_hours
from desk.front import FrontDesk, Offer
from desk.halls import shut_hall
from desk.models import AppointmentEvent, AppointmentRow
from desk.people import Person
from desk.rules import NotForThem
from desk.status import Status
from tests.desk.conftest import EAST, LI, REGION, WEST, ZHANG, Watch, at, rules
from tests.desk.crowd import rush

WITH_IDENTITY = Person("张伟", "13800138000", "11010519491231002X")
OWNER = "web:3f1c"


def book(
    desk: FrontDesk, offer: Offer, watch: Watch, person: Person = ZHANG, *, hall: int = 0, days: int = 1, key: str = "k"
) -> int:
    """An appointment at nine, `days` from today; its id."""
    starts = at(watch.today + timedelta(days=days), 9)
    owner = f"{OWNER}-{person.name}"
    return desk.book(
        offer.published.id,
        offer.windows[hall].id,
        starts,
        person,
        owner=owner,
        key=key,
        address="openid-9",
        remind=True,
    ).id


def lapse(writing: sessionmaker[Session], watch: Watch) -> int:
    with writing.begin() as session:
        return upkeep.lapse(session, now=watch())


def erase(writing: sessionmaker[Session], watch: Watch) -> int:
    with writing.begin() as session:
        return upkeep.erase(session, now=watch())


def status(desk: FrontDesk, appointment: int) -> Status:
    return desk.held(appointment).appointment.status


def stored(writing: sessionmaker[Session]) -> str:
    """Everything the database holds, as text."""
    with writing() as session:
        rows = [
            str(tuple(row))
            for table in Base.metadata.sorted_tables
            if table.name not in ("regions", "guide_versions")
            for row in session.execute(select(text("*")).select_from(table))
        ]
    return "\n".join(rows)


# -- lapse --


def test_an_open_appointment_lapses_when_its_day_is_over_and_not_before(
    desk: FrontDesk, offer: Offer, writing: sessionmaker[Session], watch: Watch
) -> None:
    made = book(desk, offer, watch)
    watch.time = at(watch.tomorrow, 23, 59)
    assert lapse(writing, watch) == 0
    watch.pass_(minutes=1)
    assert lapse(writing, watch) == 1
    assert status(desk, made) is Status.LAPSED
    assert lapse(writing, watch) == 0


def test_nobody_is_blamed_for_what_lapsed(
    desk: FrontDesk, offer: Offer, writing: sessionmaker[Session], watch: Watch
) -> None:
    rules(writing, no_shows={"most": 1, "days": 30, "pause": 30})
    book(desk, offer, watch)
    watch.pass_(days=5)
    assert lapse(writing, watch) == 1
    assert status(desk, book(desk, offer, watch, key="again")) is Status.BOOKED


def test_what_a_closed_hall_displaced_ends_as_nobodys_fault(
    desk: FrontDesk, offer: Offer, writing: sessionmaker[Session], watch: Watch
) -> None:
    made = book(desk, offer, watch)
    with writing.begin() as session:
        set_hours(session, REGION, EAST, watch.tomorrow, [], note="停电", by="staff:a", now=watch())
    watch.pass_(days=2)
    assert lapse(writing, watch) == 1
    assert status(desk, made) is Status.GIVEN_UP


def test_staff_can_still_register_who_did_not_come_after_it_lapsed(
    desk: FrontDesk, offer: Offer, writing: sessionmaker[Session], watch: Watch
) -> None:
    made = book(desk, offer, watch)
    watch.pass_(days=2)
    lapse(writing, watch)
    with writing.begin() as session:
        number = appointments.read(session, made).number
        appointments.end(session, number, Status.MISSED, by="staff:a", now=watch())
    assert status(desk, made) is Status.MISSED


# -- erase --


def test_each_hall_keeps_details_for_its_own_time(
    desk: FrontDesk, offer: Offer, writing: sessionmaker[Session], watch: Watch
) -> None:
    rules(writing, EAST, keep=120)
    rules(writing, WEST, keep=121)
    east, west = book(desk, offer, watch, hall=0), book(desk, offer, watch, LI, hall=1)
    watch.pass_(days=121)  # the 120th day after the appointment
    lapse(writing, watch)
    assert erase(writing, watch) == 0
    watch.pass_(days=1)
    assert erase(writing, watch) == 1
    assert desk.held(east).details is None
    assert desk.held(west).details is not None
    watch.pass_(days=1)
    assert erase(writing, watch) == 1
    assert desk.held(west).details is None
    assert erase(writing, watch) == 0


def test_a_hall_that_takes_no_more_appointments_keeps_details_as_halls_usually_do(
    desk: FrontDesk, offer: Offer, writing: sessionmaker[Session], watch: Watch
) -> None:
    rules(writing, keep=1000)
    made = book(desk, offer, watch)
    with writing.begin() as session:
        shut_hall(session, REGION, EAST)
    watch.pass_(days=182)
    lapse(writing, watch)
    assert erase(writing, watch) == 1
    assert desk.held(made).details is None


def test_an_open_appointment_is_never_erased(
    desk: FrontDesk, offer: Offer, writing: sessionmaker[Session], watch: Watch
) -> None:
    book(desk, offer, watch)
    watch.pass_(days=1000)
    assert erase(writing, watch) == 0


def test_what_was_erased_holds_nothing_personal_in_any_table(
    desk: FrontDesk, offer: Offer, writing: sessionmaker[Session], vault: Vault, watch: Watch
) -> None:
    rules(writing, identity=True)
    made = book(desk, offer, watch, WITH_IDENTITY)
    desk.change(made, offer.windows[1].id, at(watch.tomorrow, 10), by=f"{OWNER}-张伟")
    with writing.begin() as session:
        number = appointments.read(session, made).number
        reveal(session, vault, number, by="staff:a", reason="给张伟回电话", now=watch())
    with writing() as session:
        row = session.get_one(AppointmentRow, made)
        personal = [
            row.request,
            row.phone_mark,
            row.identity_mark,
            row.details,
            OWNER,
            "张伟",
            "13800138000",
            "openid-9",
        ]
    assert None not in personal
    before = stored(writing)
    assert [secret in before for secret in personal] == [True] * 6 + [False] * 2  # the last two are locked
    watch.pass_(days=183)
    lapse(writing, watch)
    assert erase(writing, watch) == 1
    after = stored(writing)
    assert [secret for secret in personal if str(secret) in after] == []


def test_who_of_the_staff_did_what_stays_on_record(
    desk: FrontDesk, offer: Offer, writing: sessionmaker[Session], vault: Vault, watch: Watch
) -> None:
    made = book(desk, offer, watch)
    with writing.begin() as session:
        number = appointments.read(session, made).number
        reveal(session, vault, number, by="staff:a", reason="回电话", now=watch())
    watch.pass_(days=1)
    with writing.begin() as session:
        appointments.end(session, number, Status.ATTENDED, by="staff:b", now=watch())
    watch.pass_(days=182)
    assert erase(writing, watch) == 1
    with writing() as session:
        done = {one.act: one.by for one in session.scalars(select(AppointmentEvent))}
    assert done == {"book": "", "reveal": "staff:a", "attended": "staff:b"}


def test_what_was_erased_still_counts_for_its_day(
    desk: FrontDesk, offer: Offer, writing: sessionmaker[Session], vault: Vault, watch: Watch
) -> None:
    book(desk, offer, watch)
    day = watch.tomorrow
    watch.pass_(days=183)
    lapse(writing, watch)
    erase(writing, watch)
    with writing() as session:
        (line,) = entries(session, vault, REGION, EAST, day)
    assert (line.appointment.hall, line.appointment.guide_name, line.name, line.phone) == (EAST, "户口迁移", "", "")


def test_what_was_erased_cannot_be_proved_nor_found_by_its_owner(
    desk: FrontDesk, offer: Offer, writing: sessionmaker[Session], watch: Watch
) -> None:
    held = desk.held(book(desk, offer, watch))
    assert held.details is not None
    watch.pass_(days=183)
    lapse(writing, watch)
    erase(writing, watch)
    with pytest.raises(NoAppointment):
        desk.prove(held.appointment.number, held.details.code)
    assert desk.last_person(f"{OWNER}-张伟") is None


def test_what_somebody_else_holds_is_erased_the_next_time_and_nobody_waits(
    database: Engine, desk: FrontDesk, writing: sessionmaker[Session], watch: Watch, many: list[int]
) -> None:
    if database.dialect.name == "sqlite":
        pytest.skip("whoever writes to SQLite is alone")
    watch.pass_(days=183)
    lapse(writing, watch)
    with writing.begin() as other:
        other.get(AppointmentRow, many[2], with_for_update=True)
        with writing.begin() as session:
            session.execute(text("SET LOCAL lock_timeout = '10s'"))  # should it wait after all
            assert upkeep.erase(session, now=watch()) == 4
    assert erase(writing, watch) == 1


def test_erasing_and_relocking_at_once_do_not_wait_for_each_other_for_ever(
    desk: FrontDesk, writing: sessionmaker[Session], vault: Vault, watch: Watch, many: list[int]
) -> None:
    watch.pass_(days=183)
    lapse(writing, watch)

    def erase_or_relock(number: int) -> None:
        if number % 2:
            erase(writing, watch)
        else:
            upkeep.relock(writing, vault)

    assert rush(erase_or_relock, range(8)) == {"done": 8}
    erase(writing, watch)
    assert [desk.held(one).details for one in many] == [None] * 5


# -- a new key --


@pytest.fixture
def many(desk: FrontDesk, offer: Offer, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Five appointments of five persons, and batches of two."""
    monkeypatch.setattr(upkeep, "BATCH", 2)
    people = [WITH_IDENTITY, *(Person(f"张{sign}", f"1380013800{n}") for n, sign in enumerate("甲乙丙丁", 1))]
    return [book(desk, offer, watch, person, hall=n % 2) for n, person in enumerate(people)]


@pytest.fixture
def offer(offer: Offer, desk: FrontDesk, writing: sessionmaker[Session]) -> Offer:
    """Halls with room enough, and identity numbers kept where they are given."""
    for name in (EAST, WEST):
        rules(writing, name, capacity=9)
    found = desk.offer(offer.published.id)
    assert found is not None
    return found


def test_after_relocking_the_old_key_is_needed_no_more(
    desk: FrontDesk, writing: sessionmaker[Session], vault: Vault, watch: Watch, many: list[int], keys: tuple[str, str]
) -> None:
    old, new = keys
    assert upkeep.relock(writing, Vault([new, old])) == 5
    renewed = FrontDesk(writing, writing, Vault([new]), now=watch)
    for one in many:
        assert renewed.held(one).details == _details(writing, Vault([new]), one)
        with pytest.raises(Unreadable):
            desk.held(one)
    first = renewed.held(many[0]).details
    assert first is not None
    assert first.person == WITH_IDENTITY
    assert renewed.prove(renewed.held(many[0]).appointment.number, first.code).id == many[0]


@pytest.mark.parametrize("relocked", [False, True])
@pytest.mark.parametrize(
    "person", [ZHANG, Person("张小伟", "13600136000", WITH_IDENTITY.identity)], ids=["same phone", "same identity"]
)
def test_limits_for_a_person_hold_while_keys_change_and_afterwards(
    writing: sessionmaker[Session],
    offer: Offer,
    watch: Watch,
    many: list[int],
    keys: tuple[str, str],
    person: Person,
    relocked: bool,
) -> None:
    old, new = keys
    if relocked:
        upkeep.relock(writing, Vault([new, old]))
    renewed = FrontDesk(writing, writing, Vault([new] if relocked else [new, old]), now=watch)
    with pytest.raises(NotForThem):
        renewed.book(
            offer.published.id, offer.windows[0].id, at(watch.tomorrow, 11), person, owner="web:other", key="k"
        )


def test_relocking_again_does_no_harm(writing: sessionmaker[Session], many: list[int], keys: tuple[str, str]) -> None:
    both = Vault([keys[1], keys[0]])
    assert [upkeep.relock(writing, both) for _ in range(2)] == [5, 5]
    with writing() as session:
        assert upkeep.unreadable(session, Vault([keys[1]])) == 0


def test_with_nothing_stored_there_is_nothing_to_relock(writing: sessionmaker[Session], vault: Vault) -> None:
    assert upkeep.relock(writing, vault) == 0


def test_relocking_stops_where_no_key_fits_and_can_be_taken_up_again(
    writing: sessionmaker[Session], many: list[int], keys: tuple[str, str]
) -> None:
    old, new = keys
    lost = Vault([new_key()]).lock("x")
    with writing.begin() as session:
        kept = session.get_one(AppointmentRow, many[4]).details
        session.execute(update(AppointmentRow).where(AppointmentRow.id == many[4]).values(details=lost))
    with pytest.raises(Unreadable):
        upkeep.relock(writing, Vault([new, old]))
    with writing.begin() as session:
        assert upkeep.unreadable(session, Vault([new, old])) == 1
        assert upkeep.unreadable(session, Vault([new])) == 1  # the batches before stand
        session.execute(update(AppointmentRow).where(AppointmentRow.id == many[4]).values(details=kept))
    assert upkeep.relock(writing, Vault([new, old])) == 5


def test_details_that_no_key_opens_are_counted(writing: sessionmaker[Session], vault: Vault, many: list[int]) -> None:
    with writing.begin() as session:
        session.execute(update(AppointmentRow).where(AppointmentRow.id == many[0]).values(details=None))
        assert upkeep.unreadable(session, vault) == 0
        assert upkeep.unreadable(session, Vault([new_key()])) == 4
        assert upkeep.unreadable(session, None) == 4
        assert session.scalar(select(func.count()).select_from(AppointmentRow)) == 5


@pytest.fixture
def keys() -> tuple[str, str]:
    """The old key, which the desk has, and a new one."""
    return new_key(), new_key()


@pytest.fixture
def vault(keys: tuple[str, str]) -> Vault:
    return Vault(keys[:1])


def _details(writing: sessionmaker[Session], vault: Vault, appointment: int) -> appointments.Details | None:
    with writing() as session:
        return appointments.read_details(session, vault, appointment)
