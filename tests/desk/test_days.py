"""A hall's day as its staff see and set it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from core.errors import Invalid
from core.vault import Vault
from desk import appointments
from desk.appointments import NoAppointment
from desk.calendar import SpecialDay
from desk.days import Entry, Erased, announce, displaced_why, enter, entries, reset_hours, reveal, set_hours
from desk.front import FrontDesk, Offer
from desk.halls import NoHall, shut_hall
from desk.models import AppointmentEvent, AppointmentRow, ExceptionRow, OutboxRow, SlotRow
from desk.people import Person
from desk.places import Place
from desk.slots import Stretch
from desk.status import Status
from knowledge import publishing, schema
from knowledge.hours import parse
from tests.desk.conftest import EAST, LI, REGION, WEST, ZHANG, Watch, at, guide

OTHER = Person("欧阳娜娜", "13700137000")


@pytest.fixture
def booked(desk: FrontDesk, offer: Offer, watch: Watch) -> list[str]:
    """The numbers of three appointments tomorrow, in the order of time: two in the east, the last in the west."""
    made = [
        desk.book(offer.published.id, offer.windows[hall].id, at(watch.tomorrow, hour), person, owner=owner, key="k")
        for hall, hour, person, owner in ((0, 10, ZHANG, "web:a"), (0, 9, LI, "web:b"), (1, 9, OTHER, "web:c"))
    ]
    return [made[1].number, made[0].number, made[2].number]


def listed(writing: sessionmaker[Session], vault: Vault, watch: Watch, hall: str = EAST) -> tuple[Entry, ...]:
    with writing() as session:
        return entries(session, vault, REGION, hall, watch.tomorrow)


def close(writing: sessionmaker[Session], watch: Watch, *stretches: Stretch, note: str = "停电") -> int:
    with writing.begin() as session:
        return set_hours(session, REGION, EAST, watch.tomorrow, stretches, note=note, by="staff:a", now=watch())


def reset(writing: sessionmaker[Session], watch: Watch, day: date) -> int:
    with writing.begin() as session:
        return reset_hours(session, REGION, EAST, day, by="staff:a", now=watch())


# -- the day list --


def test_a_day_lists_its_own_halls_appointments_by_time_with_masked_persons(
    writing: sessionmaker[Session], vault: Vault, watch: Watch, booked: list[str]
) -> None:
    east, west = listed(writing, vault, watch), listed(writing, vault, watch, WEST)
    assert [one.appointment.number for one in east] == booked[:2]
    assert [(one.name, one.phone) for one in east] == [("李*", "139****9000"), ("张*", "138****8000")]
    assert [(one.name, one.phone) for one in west] == [("欧***", "137****7000")]
    for secret in (ZHANG, LI, OTHER):
        assert secret.name not in repr((east, west))
        assert secret.phone not in repr((east, west))


def test_what_was_cancelled_stays_on_the_list(
    writing: sessionmaker[Session], desk: FrontDesk, vault: Vault, watch: Watch, booked: list[str]
) -> None:
    desk.cancel(listed(writing, vault, watch)[0].appointment.id, by="web:b")
    assert [one.appointment.status for one in listed(writing, vault, watch)] == [Status.CANCELLED, Status.BOOKED]


def test_another_day_is_empty(writing: sessionmaker[Session], vault: Vault, watch: Watch, booked: list[str]) -> None:
    watch.pass_(days=1)
    assert listed(writing, vault, watch) == ()


def test_a_line_that_was_tampered_with_does_not_hide_the_others(
    writing: sessionmaker[Session], vault: Vault, watch: Watch, booked: list[str]
) -> None:
    with writing.begin() as session:
        others = session.scalar(select(AppointmentRow.details).where(AppointmentRow.number == booked[2]))
        for number, details in ((booked[0], others), (booked[2], "changed")):
            session.execute(update(AppointmentRow).where(AppointmentRow.number == number).values(details=details))
    assert [one.name for one in listed(writing, vault, watch)] == ["", "张*"]
    assert [one.name for one in listed(writing, vault, watch, WEST)] == [""]


def test_a_hall_that_is_not_published_has_no_days(writing: sessionmaker[Session], vault: Vault, watch: Watch) -> None:
    with writing() as session:
        with pytest.raises(NoHall):
            entries(session, vault, REGION, "没有这个大厅", watch.tomorrow)
        with pytest.raises(NoHall):
            set_hours(session, "980103", EAST, watch.tomorrow, [], note="", by="staff:a", now=watch())
        with pytest.raises(NoHall):
            reset_hours(session, "980103", EAST, watch.tomorrow, by="staff:a", now=watch())


def test_a_hall_that_takes_no_more_appointments_keeps_its_days(
    writing: sessionmaker[Session], vault: Vault, watch: Watch, booked: list[str]
) -> None:
    with writing.begin() as session:
        shut_hall(session, REGION, EAST)
    assert [one.appointment.number for one in listed(writing, vault, watch)] == booked[:2]
    assert close(writing, watch, ("09:00", "09:30")) == 1
    assert reset(writing, watch, watch.tomorrow) == 0


# -- whom to call --


def test_whoever_looks_at_a_person_unmasked_is_written_down_with_the_reason(
    writing: sessionmaker[Session], vault: Vault, watch: Watch, booked: list[str]
) -> None:
    with writing.begin() as session:
        assert reveal(session, vault, booked[1], by="staff:a", reason="材料不全", now=watch()) == ZHANG
    with writing() as session:
        event = session.scalars(select(AppointmentEvent).where(AppointmentEvent.act == "reveal")).one()
        assert (event.by, event.note, event.at) == ("staff:a", "材料不全", watch())


def test_nobody_is_revealed_whose_details_are_gone_or_who_was_never_there(
    writing: sessionmaker[Session], vault: Vault, watch: Watch, booked: list[str]
) -> None:
    with writing.begin() as session:
        session.execute(update(AppointmentRow).values(details=None))
        with pytest.raises(Erased, match="已经按规定删除"):
            reveal(session, vault, booked[0], by="staff:a", reason="", now=watch())
        with pytest.raises(NoAppointment):
            reveal(session, vault, "2000000006", by="staff:a", reason="", now=watch())
        assert session.scalar(select(func.count()).where(AppointmentEvent.act == "reveal")) == 0


# -- a day's own hours --


def test_a_closed_day_displaces_all_its_appointments_and_no_other_halls(
    writing: sessionmaker[Session], vault: Vault, watch: Watch, booked: list[str]
) -> None:
    assert close(writing, watch) == 2
    assert {one.appointment.status for one in listed(writing, vault, watch)} == {Status.DISPLACED}
    assert [one.appointment.status for one in listed(writing, vault, watch, WEST)] == [Status.BOOKED]


def test_shorter_hours_displace_what_lies_outside_them(
    writing: sessionmaker[Session], vault: Vault, watch: Watch, booked: list[str]
) -> None:
    assert close(writing, watch, ("09:30", "10:30")) == 1
    assert [one.appointment.status for one in listed(writing, vault, watch)] == [Status.DISPLACED, Status.BOOKED]


def test_hours_set_again_stand_in_place_of_those_before(
    writing: sessionmaker[Session], desk: FrontDesk, offer: Offer, watch: Watch
) -> None:
    close(writing, watch, ("09:00", "10:00"), ("14:00", "15:00"))
    close(writing, watch, ("09:30", "10:00"))
    (found,) = desk.days([offer.windows[0]], watch.tomorrow, watch.tomorrow)[offer.windows[0].id]
    assert [slot.starts for slot in found.slots] == [at(watch.tomorrow, 9, 30)]
    with writing() as session:
        assert session.scalar(select(func.count()).select_from(ExceptionRow)) == 1


def test_a_day_closed_in_error_can_be_opened_again(
    writing: sessionmaker[Session], desk: FrontDesk, offer: Offer, watch: Watch
) -> None:
    close(writing, watch)
    assert reset(writing, watch, watch.tomorrow) == 0
    (found,) = desk.days([offer.windows[0]], watch.tomorrow, watch.tomorrow)[offer.windows[0].id]
    assert len(found.slots) == 13


def test_an_extra_saturday_that_is_taken_back_displaces_who_booked_it(
    writing: sessionmaker[Session], desk: FrontDesk, offer: Offer, watch: Watch
) -> None:
    saturday = watch.today + timedelta(days=2)
    with writing.begin() as session:
        set_hours(session, REGION, EAST, saturday, [("09:00", "12:00")], note="", by="staff:a", now=watch())
    made = desk.book(offer.published.id, offer.windows[0].id, at(saturday, 9), ZHANG, owner="web:a", key="k")
    assert reset(writing, watch, saturday) == 1
    assert desk.held(made.id).appointment.status is Status.DISPLACED
    with writing() as session:
        assert displaced_why(session, made.id) == "这一天改回平常的办公时间"
        assert session.scalars(select(OutboxRow.kind)).all() == ["displaced"]
        slot = session.get(SlotRow, Place(made.window, made.starts, made.ends).key)
        assert slot is not None
        assert slot.taken == 0


def test_a_day_with_later_hours_given_back_displaces_what_only_they_held(
    writing: sessionmaker[Session], desk: FrontDesk, offer: Offer, watch: Watch
) -> None:
    close(writing, watch, ("09:00", "20:00"))
    for hour, person in ((10, ZHANG), (19, LI)):
        desk.book(
            offer.published.id, offer.windows[0].id, at(watch.tomorrow, hour), person, owner=f"web:{hour}", key="k"
        )
    assert reset(writing, watch, watch.tomorrow) == 1
    assert [desk.mine(f"web:{hour}")[0].status for hour in (10, 19)] == [Status.BOOKED, Status.DISPLACED]


@pytest.mark.parametrize("shut", [False, True])
def test_a_windows_own_hours_count_for_its_appointments(
    writing: sessionmaker[Session], desk: FrontDesk, offer: Offer, watch: Watch, shut: bool
) -> None:
    saturday = watch.today + timedelta(days=2)
    place = schema.Place(name=EAST, window="综合窗口", hours=parse("周一至周六 9:00-12:00"))
    with writing.begin() as session:
        publishing.publish(session, guide(places=[place]), by="tests", at=watch())
    made = desk.book(offer.published.id, offer.windows[0].id, at(saturday, 9), ZHANG, owner="web:a", key="k")
    if shut:
        with writing.begin() as session:
            shut_hall(session, REGION, EAST)
    assert reset(writing, watch, saturday) == 0
    assert desk.held(made.id).appointment.status is Status.BOOKED


# -- the calendar --


def test_a_day_made_a_holiday_displaces_all_halls_that_keep_it(
    writing: sessionmaker[Session], desk: FrontDesk, watch: Watch, booked: list[str]
) -> None:
    with writing.begin() as session:
        assert enter(session, SpecialDay(watch.tomorrow, False, "市庆"), by="staff:a", now=watch()) == 3
        assert enter(session, SpecialDay(watch.tomorrow, False, "市庆日"), by="staff:a", now=watch()) == 0
        rows = session.scalars(select(AppointmentRow)).all()
        assert {row.status for row in rows} == {Status.DISPLACED}
        assert {displaced_why(session, row.id) for row in rows} == {"市庆放假"}
        assert session.scalar(select(func.count()).where(OutboxRow.kind == "displaced")) == 3
        assert set(session.scalars(select(SlotRow.taken))) == {0}


def test_a_holiday_on_which_a_hall_set_its_own_hours_leaves_its_appointments(
    writing: sessionmaker[Session], watch: Watch, booked: list[str]
) -> None:
    close(writing, watch, ("09:00", "12:00"))
    with writing.begin() as session:
        assert enter(session, SpecialDay(watch.tomorrow, False, "市庆"), by="staff:a", now=watch()) == 1


def test_a_year_entered_whole_displaces_what_falls_on_its_new_holidays_alone(
    writing: sessionmaker[Session], desk: FrontDesk, offer: Offer, watch: Watch, booked: list[str]
) -> None:
    monday = at(watch.today + timedelta(days=4), 9)
    desk.book(offer.published.id, offer.windows[0].id, monday, OTHER, owner="web:d", key="k")
    with writing.begin() as session:
        year = [SpecialDay(watch.tomorrow, False, "市庆"), SpecialDay(watch.today, True)]
        assert announce(session, 2026, year, by="staff:a", now=watch()) == 3
    assert [one.status for one in desk.mine("web:d")] == [Status.BOOKED]


def test_a_made_up_saturday_that_is_taken_back_displaces_who_booked_it(
    writing: sessionmaker[Session], desk: FrontDesk, offer: Offer, watch: Watch
) -> None:
    saturday = watch.today + timedelta(days=2)
    with writing.begin() as session:
        enter(session, SpecialDay(saturday, True), by="staff:a", now=watch())
    desk.book(offer.published.id, offer.windows[0].id, at(saturday, 9), ZHANG, owner="web:a", key="k")
    with writing.begin() as session:
        assert announce(session, 2026, [], by="staff:a", now=watch()) == 1


def test_what_the_calendar_displaces_is_neither_begun_nor_gone_by(
    writing: sessionmaker[Session], watch: Watch, booked: list[str]
) -> None:
    watch.time = at(watch.tomorrow, 9, 10)
    with writing.begin() as session:
        assert enter(session, SpecialDay(watch.today, False, "市庆"), by="staff:a", now=watch()) == 1


def test_stretches_may_touch_and_come_in_any_order(writing: sessionmaker[Session], watch: Watch) -> None:
    assert close(writing, watch, ("12:00", "24:00"), ("00:00", "12:00")) == 0


@pytest.mark.parametrize(
    ("stretches", "told"),
    [
        ([("09:00", "12:00"), ("11:59", "14:00")], "不能重叠"),
        ([("09:00", "17:00"), ("10:00", "11:00")], "不能重叠"),
        ([("12:00", "09:00")], "晚于"),
        ([("09:00", "09:00")], "晚于"),
        ([("9:00", "12:00")], "09:00"),
        ([("09:00", "25:00")], "09:00"),
        ([("24:00", "24:00")], "09:00"),
        ([("上午", "下午")], "09:00"),
    ],
)
def test_hours_that_make_no_sense_are_refused_and_change_nothing(
    writing: sessionmaker[Session], watch: Watch, stretches: list[Stretch], told: str
) -> None:
    with pytest.raises(Invalid, match=told):
        close(writing, watch, *stretches)
    with writing() as session:
        assert session.scalar(select(func.count()).select_from(ExceptionRow)) == 0


def test_a_day_gone_by_keeps_its_hours_and_today_may_still_change(writing: sessionmaker[Session], watch: Watch) -> None:
    with writing.begin() as session:
        set_hours(session, REGION, EAST, watch.today, [], note="停电", by="staff:a", now=watch())
        yesterday = watch.today - timedelta(days=1)
        with pytest.raises(Invalid, match="已经过去"):
            set_hours(session, REGION, EAST, yesterday, [], note="", by="staff:a", now=watch())


def test_the_day_is_chinas(writing: sessionmaker[Session], watch: Watch) -> None:
    before = watch.today
    watch.time = at(watch.tomorrow, 0)  # still the day before in UTC
    with writing.begin() as session, pytest.raises(Invalid, match="已经过去"):
        set_hours(session, REGION, EAST, before, [], note="", by="staff:a", now=watch())


def test_a_note_has_its_limit(writing: sessionmaker[Session], watch: Watch) -> None:
    close(writing, watch, note="长" * 200)
    with pytest.raises(Invalid, match="200 个字"):
        close(writing, watch, note="长" * 201)


def test_what_already_began_today_is_not_displaced(
    writing: sessionmaker[Session], vault: Vault, watch: Watch, booked: list[str]
) -> None:
    watch.time = at(watch.tomorrow, 9, 10)
    with writing.begin() as session:
        assert set_hours(session, REGION, EAST, watch.today, [], note="", by="staff:a", now=watch()) == 1
        found = [appointments.find(session, number) for number in booked[:2]]
    assert [one and one.status for one in found] == [Status.BOOKED, Status.DISPLACED]
