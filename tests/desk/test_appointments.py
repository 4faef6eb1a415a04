"""What booking, changing, cancelling and ending an appointment promise."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import Engine, inspect, select, text, update
from sqlalchemy.orm import Session, sessionmaker
from stdnum import luhn

from core.clock import CHINA
from core.errors import Invalid
from core.vault import Unreadable, Vault, new_key
from desk import appointments, days, places
from desk.appointments import Appointment, Ended, NoAppointment, NotBookable
from desk.front import FrontDesk, Offer
from desk.halls import shut_hall
from desk.models import AppointmentEvent, AppointmentRow, OutboxRow, SlotRow
from desk.people import Person
from desk.places import Place, SlotTaken
from desk.rules import NotForThem, Refused
from desk.status import Status
from tests.desk.conftest import EAST, LI, REGION, WEST, ZHANG, Watch, at, rules

Book = Callable[..., Appointment]
IDENTITY = "11010119900307109X"  # made up; its last sign checks the others
OTHER_IDENTITY = "11010519491231002X"


@pytest.fixture
def book(desk: FrontDesk, offer: Offer, watch: Watch) -> Book:
    """Books at the east hall, tomorrow at nine, for 张伟, each time under another key, unless told otherwise."""
    keys = iter(range(10**6))

    def made(
        starts: datetime | None = None, person: Person = ZHANG, *, owner: str = "web:a", key: str = "", window: int = 0
    ) -> Appointment:
        when = starts or at(watch.tomorrow, 9)
        own = key or f"key {next(keys)}"
        return desk.book(offer.published.id, offer.windows[window].id, when, person, owner=owner, key=own)

    return made


@pytest.fixture
def taken(writing: sessionmaker[Session], offer: Offer) -> Callable[..., int]:
    """How many places a slot counts."""

    def counted(starts: datetime, window: int = 0) -> int:
        with writing() as session:
            row = session.get(SlotRow, Place(offer.windows[window].id, starts, starts).key)
            return row.taken if row else 0

    return counted


@pytest.fixture
def close(writing: sessionmaker[Session], watch: Watch) -> Callable[..., int]:
    """Gives the east hall's day other hours: none means closed."""

    def closed(day: date, *stretches: tuple[str, str]) -> int:
        with writing.begin() as session:
            return days.set_hours(session, REGION, EAST, day, stretches, note="停电", by="staff", now=watch())

    return closed


@pytest.fixture
def end(writing: sessionmaker[Session], watch: Watch) -> Callable[[Appointment, Status], Appointment]:
    """What staff record."""

    def ended(made: Appointment, status: Status) -> Appointment:
        with writing.begin() as session:
            return appointments.end(session, made.number, status, by="staff", now=watch())

    return ended


# -- booking --


def test_a_booking_takes_a_place_and_writes_down_who_did_it(book: Book, taken, writing, watch: Watch) -> None:
    made = book()
    assert (made.status, made.hall, made.starts, made.ends) == (
        Status.BOOKED, EAST, at(watch.tomorrow, 9), at(watch.tomorrow, 9, 30),
    )  # fmt: skip
    assert taken(made.starts) == 1
    with writing() as session:
        (event,) = session.scalars(select(AppointmentEvent))
    assert (event.appointment, event.act, event.by, event.at) == (made.id, "book", "web:a", watch())


def test_the_same_key_of_the_same_owner_books_once(book: Book, taken, watch: Watch) -> None:
    made = book(key="k")
    assert book(key="k") == made
    assert book(at(watch.tomorrow, 10), LI, key="k") == made
    assert (taken(made.starts), taken(at(watch.tomorrow, 10))) == (1, 0)


def test_the_same_key_of_another_owner_is_another_appointment(book: Book, taken) -> None:
    one, other = book(key="k"), book(person=LI, owner="web:b", key="k")
    assert one.number != other.number
    assert taken(one.starts) == 2


def test_a_repeated_key_shows_what_became_of_the_appointment(book: Book, desk: FrontDesk, taken) -> None:
    made = book(key="k")
    desk.cancel(made.id, by="web:a")
    assert book(key="k").status is Status.CANCELLED
    assert taken(made.starts) == 0


def test_a_full_slot_is_refused(book: Book, taken, writing) -> None:
    rules(writing, capacity=1)
    made = book()
    with pytest.raises(SlotTaken):
        book(person=LI, owner="web:b")
    assert taken(made.starts) == 1


def test_a_place_that_was_given_back_can_be_booked(book: Book, desk: FrontDesk, taken, writing) -> None:
    rules(writing, capacity=1)
    made = book()
    desk.cancel(made.id, by="web:a")
    assert book(person=LI, owner="web:b").status is Status.BOOKED
    assert taken(made.starts) == 1


def test_lowering_the_places_keeps_those_who_have_one_and_gives_no_more(book: Book, taken, writing) -> None:
    made, other = book(), book(person=LI, owner="web:b")
    rules(writing, capacity=1)
    assert taken(made.starts) == 2
    with pytest.raises(SlotTaken):
        book(person=Person("张伟", "13700137000"), owner="web:c")
    assert other.status is Status.BOOKED


def test_without_places_nothing_can_be_booked(book: Book, writing) -> None:
    rules(writing, capacity=0)
    with pytest.raises(NotBookable, match="暂时不接受预约"):
        book()


def test_only_times_on_the_grid_can_be_booked(book: Book, watch: Watch) -> None:
    for starts in (at(watch.tomorrow, 9, 10), at(watch.tomorrow, 12), at(watch.tomorrow, 3)):
        with pytest.raises(NotBookable):
            book(starts)


def test_it_is_too_late_within_the_lead_time(book: Book, watch: Watch) -> None:
    assert book(at(watch.today, 9, 30)).status is Status.BOOKED  # an hour from half past eight
    with pytest.raises(NotBookable):
        book(at(watch.today, 9), LI)
    watch.pass_(seconds=1)
    with pytest.raises(NotBookable):
        book(at(watch.today, 9, 30), LI)


def test_days_beyond_the_horizon_are_not_open_yet(book: Book, watch: Watch, writing) -> None:
    rules(writing, horizon=1)
    with pytest.raises(NotBookable, match="还没放号，现在可以约到 10月16日"):
        book(at(watch.today + timedelta(days=4), 9))
    assert book(at(watch.tomorrow, 9)).status is Status.BOOKED


def test_weekends_and_holidays_say_why_they_are_closed(book: Book, watch: Watch) -> None:
    with pytest.raises(NotBookable, match="周末不办公"):
        book(at(watch.today + timedelta(days=2), 9))
    watch.time = at(date(2026, 9, 25), 8)
    with pytest.raises(NotBookable, match="国庆节放假"):
        book(at(date(2026, 10, 1), 9))


def test_a_guide_that_is_no_longer_there_cannot_be_booked(desk: FrontDesk, offer: Offer, watch: Watch) -> None:
    for guide, window in ((offer.published.id + 1, offer.windows[0].id), (offer.published.id, "gone"), (2**40, "")):
        with pytest.raises(NotBookable):
            desk.book(guide, window, at(watch.tomorrow, 9), ZHANG, owner="web:a", key="k")


# -- limits --


def test_a_person_has_so_many_open_however_the_account_is_called(book: Book, writing, watch: Watch) -> None:
    rules(writing, open_limit=2, daily_limit=10)
    book(at(watch.tomorrow, 9), owner="web:a")
    book(at(watch.tomorrow, 10), owner="web:b")
    for owner in ("web:a", "web:c"):
        with pytest.raises(NotForThem):
            book(at(watch.tomorrow, 11), owner=owner)
    assert book(at(watch.tomorrow, 11), LI, owner="web:c").status is Status.BOOKED


def test_a_person_is_known_by_the_identity_number_under_another_phone(book: Book, writing, watch: Watch) -> None:
    rules(writing, open_limit=1, daily_limit=10)
    book(person=Person("张伟", "13800138000", IDENTITY))
    with pytest.raises(NotForThem):
        book(at(watch.tomorrow, 10), Person("张伟", "13700137000", IDENTITY), owner="web:b")
    with pytest.raises(Refused, match="已经有 1 个没办的预约"):
        book(at(watch.tomorrow, 10), Person("张伟", "13700137000", IDENTITY))


def test_one_phone_books_for_both_parents_where_their_identity_numbers_are_given(book: Book, watch: Watch) -> None:
    father, mother = (
        Person(name, "13800138000", given) for name, given in (("张伟", IDENTITY), ("李娜", OTHER_IDENTITY))
    )
    book(person=father)
    assert book(at(watch.tomorrow, 10), mother).status is Status.BOOKED
    with pytest.raises(Refused, match="这一天已经约过"):
        book(at(watch.tomorrow, 11), father)
    with pytest.raises(Refused, match="这一天已经约过"):  # without a number, the phone is all that tells
        book(at(watch.tomorrow, 11), Person("张伟", "13800138000"))


def test_an_identity_number_does_not_hide_what_its_phone_booked_without_one(book: Book, watch: Watch) -> None:
    book()
    with pytest.raises(Refused, match="这一天已经约过"):
        book(at(watch.tomorrow, 10), Person("张伟", ZHANG.phone, IDENTITY))


def test_nobody_learns_from_a_phone_what_others_booked_for_it(book: Book, end, writing, watch: Watch) -> None:
    rules(writing, open_limit=2, no_shows={"most": 1, "days": 30, "pause": 10})
    book()
    with pytest.raises(Refused) as that_day:
        book(at(watch.tomorrow, 10), owner="web:nosy")
    book(at(watch.today, 10))
    with pytest.raises(Refused) as too_many:
        book(at(date(2026, 10, 19), 10), owner="web:nosy")
    missed = book(at(watch.today, 11), LI)
    watch.time = at(watch.today, 12)
    end(missed, Status.MISSED)
    with pytest.raises(Refused) as blocked:
        book(at(watch.tomorrow, 10), LI, owner="web:nosy")
    said = {(str(one.value), one.value.code) for one in (that_day, too_many, blocked)}
    assert said == {(str(NotForThem()), "refused")}


def test_cancelling_for_somebody_blocks_the_account_and_not_the_person(book: Book, desk, writing) -> None:
    rules(writing, cancellations={"most": 2, "days": 30, "pause": 5})
    for _ in range(2):
        desk.cancel(book(owner="web:nosy").id, by="web:nosy")
    assert book().status is Status.BOOKED
    with pytest.raises(Refused, match="取消的次数多了"):
        book(person=LI, owner="web:nosy")


def test_an_account_books_for_the_family_up_to_a_limit(book: Book, writing) -> None:
    rules(writing, account_limit=2, capacity=9)
    for phone in ("13700137000", "13700137001"):
        book(person=Person("张伟", phone))
    with pytest.raises(Refused, match="没办的预约"):
        book(person=Person("张伟", "13700137002"))
    assert book(person=Person("张伟", "13700137002"), owner="web:b").status is Status.BOOKED


def test_the_same_item_is_booked_once_a_day(book: Book, watch: Watch) -> None:
    book()
    with pytest.raises(Refused, match="这一天已经约过"):
        book(at(watch.tomorrow, 10))
    assert book(at(watch.today, 10)).status is Status.BOOKED


def test_what_was_cancelled_counts_no_longer(book: Book, desk: FrontDesk, writing) -> None:
    rules(writing, open_limit=1)
    desk.cancel(book().id, by="web:a")
    assert book().status is Status.BOOKED


def test_who_stays_away_too_often_waits_until_the_block_ends(book: Book, end, writing, watch: Watch) -> None:
    rules(writing, no_shows={"most": 2, "days": 30, "pause": 10}, horizon=20)
    for _ in range(2):
        made = book(at(watch.today, 10))
        watch.time = at(watch.today, 18)
        end(made, Status.MISSED)
        watch.time = at(watch.tomorrow, 8)
    last = watch.today - timedelta(days=1)
    again = last + timedelta(days=10)
    with pytest.raises(Refused, match=f"没有来的次数多了，到 {again.month}月{again.day}日"):
        book(at(date(2026, 10, 28), 9))
    assert book(at(date(2026, 10, 28), 9), LI).status is Status.BOOKED  # the same account, somebody else
    watch.time = at(again, 0) - timedelta(seconds=1)
    with pytest.raises(Refused):
        book(at(date(2026, 10, 28), 9))
    watch.pass_(seconds=1)
    assert book(at(date(2026, 10, 28), 9)).status is Status.BOOKED


def test_who_cancels_too_often_waits_until_the_block_ends(book: Book, desk: FrontDesk, writing, watch: Watch) -> None:
    rules(writing, cancellations={"most": 3, "days": 30, "pause": 5})
    for _ in range(3):
        desk.cancel(book().id, by="web:a")
    again = watch.today + timedelta(days=5)
    with pytest.raises(Refused, match=f"取消的次数多了，到 {again.month}月{again.day}日"):
        book()
    watch.time = at(again, 8)
    assert book(at(watch.today, 10)).status is Status.BOOKED


# -- changing --


def test_moving_takes_the_new_place_and_gives_the_old_one_back(book: Book, desk, offer, taken, watch: Watch) -> None:
    made = book()
    moved = desk.change(made.id, offer.windows[1].id, at(watch.tomorrow, 10), by="web:a")
    assert (moved.id, moved.number, moved.hall, moved.starts) == (made.id, made.number, WEST, at(watch.tomorrow, 10))
    assert (taken(made.starts), taken(moved.starts, 1)) == (0, 1)


def test_moving_to_a_full_slot_keeps_the_old_place(book: Book, desk, offer, taken, writing, watch: Watch) -> None:
    rules(writing, capacity=1)
    made = book()
    for starts in (at(watch.tomorrow, 10), at(watch.today, 10)):  # one later, one earlier: places are taken in order
        book(starts, LI, owner="web:b")
        with pytest.raises(SlotTaken):
            desk.change(made.id, offer.windows[0].id, starts, by="web:a")
        assert taken(starts) == 1
    assert desk.mine("web:a") == (made,)
    assert taken(made.starts) == 1


def test_moving_to_where_it_is_does_nothing(book: Book, desk, offer, taken, writing) -> None:
    made = book()
    assert desk.change(made.id, made.window, made.starts, by="web:a") == made
    assert taken(made.starts) == 1
    with writing() as session:
        assert [event.act for event in session.scalars(select(AppointmentEvent))] == ["book"]


def test_moving_counts_as_no_cancellation(book: Book, desk, offer, writing, watch: Watch) -> None:
    rules(writing, cancellations={"most": 1, "days": 30, "pause": 5})
    made = book()
    for hour in (10, 11, 9):
        desk.change(made.id, made.window, at(watch.tomorrow, hour), by="web:a")
    assert book(at(watch.today, 10)).status is Status.BOOKED


def test_moving_to_a_day_with_the_same_item_is_refused(book: Book, desk, taken, watch: Watch) -> None:
    made, other = book(), book(at(watch.today, 10))
    with pytest.raises(Refused, match="这一天已经约过"):
        desk.change(other.id, other.window, at(watch.tomorrow, 10), by="web:a")
    assert (taken(made.starts), taken(other.starts)) == (1, 1)


def test_a_window_that_asks_for_an_identity_number_is_moved_to_with_one_only(
    book: Book, desk, offer, writing, taken, watch: Watch
) -> None:
    made, other = book(), book(person=Person("李娜", LI.phone, IDENTITY), owner="web:b")
    rules(writing, WEST, identity=True)
    with pytest.raises(Refused, match="核对身份证号"):
        desk.change(made.id, offer.windows[1].id, at(watch.tomorrow, 10), by="web:a")
    assert (taken(made.starts), taken(at(watch.tomorrow, 10), 1)) == (2, 0)
    assert desk.change(other.id, offer.windows[1].id, at(watch.tomorrow, 10), by="web:b").hall == WEST
    rules(writing, EAST, identity=True)  # what was made before stands, and may move where it is
    assert desk.change(made.id, made.window, at(watch.tomorrow, 10), by="web:a").starts == at(watch.tomorrow, 10)


def test_it_is_too_late_to_move_or_cancel_shortly_before(book: Book, desk, watch: Watch) -> None:
    made = book()
    watch.time = made.starts - timedelta(minutes=59)
    for late in (
        lambda: desk.change(made.id, made.window, at(watch.today, 14), by="web:a"),
        lambda: desk.cancel(made.id, by="web:a"),
    ):
        with pytest.raises(Refused, match="1 小时取消或改期"):
            late()
    watch.time = made.starts
    with pytest.raises(Refused, match="时间已经到了"):
        desk.cancel(made.id, by="web:a")


def test_it_can_be_cancelled_until_the_last_allowed_minute(book: Book, desk, watch: Watch) -> None:
    made = book()
    watch.time = made.starts - timedelta(minutes=60)
    assert desk.cancel(made.id, by="web:a").status is Status.CANCELLED


def test_the_deadline_of_the_hall_one_leaves_counts(book: Book, desk, offer, writing, watch: Watch) -> None:
    rules(writing, EAST, cancel_until=1440)
    made = book()
    watch.time = made.starts - timedelta(hours=23)
    with pytest.raises(Refused, match="1 天取消或改期"):
        desk.change(made.id, offer.windows[1].id, at(watch.tomorrow, 15), by="web:a")


def test_an_appointment_that_ended_is_not_moved(book: Book, desk, watch: Watch) -> None:
    made = book()
    desk.cancel(made.id, by="web:a")
    with pytest.raises(Ended):
        desk.change(made.id, made.window, at(watch.tomorrow, 10), by="web:a")


def test_limits_hold_while_keys_are_changed(reading, writing, offer, watch: Watch) -> None:
    old, new = new_key(), new_key()
    before, after = (FrontDesk(reading, writing, Vault(keys), now=watch) for keys in ([old], [new, old]))
    window = offer.windows[0].id
    one = before.book(offer.published.id, window, at(watch.today, 10), ZHANG, owner="web:a", key="1")
    after.book(offer.published.id, window, at(watch.tomorrow, 9), ZHANG, owner="web:b", key="2")
    with pytest.raises(NotForThem):
        after.book(offer.published.id, window, at(watch.today, 11), ZHANG, owner="web:c", key="3")
    with pytest.raises(NotForThem):
        after.change(one.id, window, at(watch.tomorrow, 10), by="web:a")


# -- cancelling --


def test_cancelling_twice_gives_one_place_back(book: Book, desk, taken) -> None:
    made, other = book(), book(person=LI, owner="web:b")
    for _ in range(2):
        assert desk.cancel(made.id, by="web:a").status is Status.CANCELLED
    assert taken(other.starts) == 1


def test_what_was_made_can_be_cancelled_after_its_hall_stopped_taking_appointments(
    book: Book, desk, taken, writing
) -> None:
    made = book()
    with writing.begin() as session:
        shut_hall(session, REGION, EAST)
    assert desk.cancel(made.id, by="web:a").status is Status.CANCELLED
    assert taken(made.starts) == 0


def test_nobody_cancels_what_is_not_there(desk: FrontDesk) -> None:
    with pytest.raises(NoAppointment):
        desk.cancel(1, by="web:a")


# -- showing --


def test_mine_are_the_open_ones_soonest_first(book: Book, desk, watch: Watch) -> None:
    later, sooner = book(), book(at(watch.today, 10))
    desk.cancel(book(person=LI).id, by="web:a")
    assert desk.mine("web:a") == (sooner, later)
    watch.time = at(watch.today, 10, 30)
    assert desk.mine("web:a") == (later,)


def test_a_number_is_found_with_whatever_is_written_between_its_digits(book: Book, writing) -> None:
    made = book()
    with writing() as session:
        assert appointments.find(session, f" {made.number[:3]}-{made.number[3:6]} {made.number[6:]}") == made
        wide = made.number.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
        assert appointments.find(session, wide) == made


def test_a_number_checks_its_digits(book: Book, writing) -> None:
    number = book().number
    assert len(number) == 10
    assert luhn.is_valid(number)
    for place in range(10):
        wrong = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
        with writing() as session, pytest.raises(Invalid):
            appointments.find(session, wrong)


def test_a_wrong_number_and_a_wrong_code_look_alike(book: Book, desk, writing) -> None:
    made = book()
    details = desk.held(made.id).details
    other = next(one for one in ("2000000006", "2000000014") if one != made.number)
    said = set()
    for number, code in ((made.number, "x"), (made.number, ""), (other, details.code)):
        with pytest.raises(NoAppointment) as error:
            desk.prove(number, code)
        said.add(str(error.value))
    assert len(said) == 1
    assert desk.prove(made.number, f" {details.code[:3]} {details.code[3:]}") == made


def test_nothing_personal_can_be_read_in_the_database(desk, offer, writing, watch: Watch, database: Engine) -> None:
    person = Person("欧阳娜娜", "13912345678", IDENTITY)
    made = desk.book(
        offer.published.id, offer.windows[0].id, at(watch.tomorrow, 9), person,
        owner="web:a", key="k", address="openid-of-somebody", remind=True,
    )  # fmt: skip
    desk.change(made.id, made.window, at(watch.tomorrow, 10), by="web:a")
    code = desk.held(made.id).details.code
    with database.connect() as connection:
        tables = inspect(connection).get_table_names()
        rows = [
            "\x1f".join(map(str, row)) for name in tables for row in connection.execute(text(f'SELECT * FROM "{name}"'))
        ]
    whole = "\n".join(rows)
    assert made.number in whole  # it is the whole database that is searched
    for secret in (person.name, person.phone, person.identity, "openid-of-somebody", f"\x1f{code}\x1f"):
        assert secret not in whole
    if database.dialect.name == "sqlite":
        with database.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        # Read by another process: one that opens and closes the file itself gives up the locks SQLite holds on it.
        raw = subprocess.run(["cat", database.url.database], capture_output=True, check=True).stdout
        assert made.number.encode() in raw
        assert not [one for one in (person.name, person.phone, person.identity) if one.encode() in raw]


def test_details_put_into_another_row_are_refused(book: Book, desk, writing) -> None:
    one, other = book(), book(person=LI, owner="web:b")
    with writing.begin() as session:
        locked = session.scalar(select(AppointmentRow.details).where(AppointmentRow.id == one.id))
        session.execute(update(AppointmentRow).where(AppointmentRow.id == other.id).values(details=locked))
    with pytest.raises(NoAppointment):
        desk.held(other.id)


def test_details_are_closed_to_another_key(book: Book, writing) -> None:
    made = book()
    with writing() as session, pytest.raises(Unreadable):
        appointments.read_details(session, Vault([new_key()]), made.id)


# -- what staff and closings do --


def test_staff_record_who_came_and_set_it_right(book: Book, end, taken, watch: Watch) -> None:
    made = book()
    watch.time = at(made.day, 9, 5)
    for status in (Status.ATTENDED, Status.ATTENDED, Status.MISSED, Status.ATTENDED):
        assert end(made, status).status is status
    assert taken(made.starts) == 1


def test_nobody_missed_what_is_still_to_come(book: Book, end, watch: Watch) -> None:
    made = book()
    for moment in (watch(), at(watch.today, 23)):
        watch.time = moment
        for status in (Status.ATTENDED, Status.MISSED):
            with pytest.raises(Refused, match="2026年10月16日 09:00"):
                end(made, status)
    watch.time = at(made.day, 8, 55)
    with pytest.raises(Refused):
        end(made, Status.MISSED)
    assert end(made, Status.ATTENDED).status is Status.ATTENDED


def test_nobody_arrives_for_a_day_gone_by_but_may_still_have_been_missed(book: Book, end, watch: Watch) -> None:
    made, other = book(), book(person=LI, owner="web:b")
    watch.time = at(made.day, 9)
    end(other, Status.ATTENDED)
    watch.pass_(days=1)
    for one in (made, other):
        with pytest.raises(Refused, match="2026年10月16日 09:00，不是今天"):
            end(one, Status.ATTENDED)
    assert end(made, Status.MISSED).status is Status.MISSED


def test_what_was_cancelled_cannot_be_missed(book: Book, desk, end, watch: Watch) -> None:
    made = book()
    desk.cancel(made.id, by="web:a")
    watch.time = at(made.day, 18)
    with pytest.raises(Ended):
        end(made, Status.MISSED)


def test_staff_record_nothing_else(book: Book, end) -> None:
    with pytest.raises(Invalid):
        end(book(), Status.CANCELLED)


def test_closing_a_day_frees_its_places_and_tells_those_concerned(book: Book, desk, taken, close, writing) -> None:
    made = book()
    assert close(made.day) == 1
    assert taken(made.starts) == 0
    assert [one.status for one in desk.mine("web:a")] == [Status.DISPLACED]
    with writing() as session:
        (notice,) = session.scalars(select(OutboxRow))
    assert (notice.kind, notice.appointment, notice.state) == ("displaced", made.id, "waiting")
    with pytest.raises(NotBookable, match="停电"):
        book(person=LI)


def test_closing_part_of_a_day_displaces_only_those_outside(book: Book, desk, close, watch: Watch) -> None:
    staying = book(at(watch.tomorrow, 11, 30), LI, owner="web:b")
    cut = book(at(watch.tomorrow, 9), owner="web:a")
    elsewhere = book(at(watch.tomorrow, 9), Person("张伟", "13700137000"), owner="web:c", window=1)
    assert close(watch.tomorrow, ("09:15", "12:00")) == 1
    assert [desk.held(one.id).appointment.status for one in (staying, cut, elsewhere)] == [
        Status.BOOKED, Status.DISPLACED, Status.BOOKED,
    ]  # fmt: skip


def test_new_hours_sell_no_place_that_somebody_has_across_two_of_the_new_slots(
    book: Book, desk, offer, close, writing, watch: Watch
) -> None:
    rules(writing, capacity=1)
    book(at(watch.tomorrow, 9, 30))
    assert close(watch.tomorrow, ("09:15", "12:00")) == 0  # half past nine stays, but the slots begin at a quarter
    east = desk.offer(offer.published.id).windows[0]  # with its rules as they are now
    (day,) = desk.days([east], watch.tomorrow, watch.tomorrow)[east.id]
    assert [(slot.starts.time(), slot.free) for slot in day.slots][:3] == [
        (time(9, 15), 0), (time(9, 45), 0), (time(10, 15), 1),
    ]  # fmt: skip
    for minute in (15, 45):
        with pytest.raises(SlotTaken):
            book(at(watch.tomorrow, 9, minute), LI, owner="web:b")
    assert book(at(watch.tomorrow, 10, 15), LI, owner="web:b").status is Status.BOOKED


def test_slots_made_shorter_sell_no_place_that_somebody_has_for_longer(
    book: Book, desk, offer, taken, writing, watch: Watch
) -> None:
    rules(writing, slot=60)
    early, late = book(), book(person=LI, owner="web:b")
    rules(writing, slot=30)
    third = Person("张伟", "13700137000")
    for starts in (at(watch.tomorrow, 9), at(watch.tomorrow, 9, 30)):
        with pytest.raises(SlotTaken):
            book(starts, third, owner="web:c")
    assert book(at(watch.tomorrow, 10), third, owner="web:c").status is Status.BOOKED
    desk.cancel(early.id, by="web:a")
    assert book(at(watch.tomorrow, 9, 30)).ends == at(watch.tomorrow, 10)
    desk.cancel(late.id, by="web:b")
    assert book(person=LI, owner="web:b").ends == at(watch.tomorrow, 9, 30)
    assert book(at(watch.tomorrow, 9, 30), Person("李娜", "13600136000"), owner="web:d").status is Status.BOOKED
    assert (taken(at(watch.tomorrow, 9)), taken(at(watch.tomorrow, 9, 30))) == (1, 2)


def test_slots_made_longer_count_all_that_was_taken_within_them(book: Book, writing, watch: Watch) -> None:
    book()
    book(at(watch.tomorrow, 9, 30), LI, owner="web:b")
    rules(writing, slot=60)
    with pytest.raises(SlotTaken):
        book(person=Person("张伟", "13700137000"), owner="web:c")


def test_a_place_is_counted_where_it_is_taken_whatever_was_seen_before(writing, watch: Watch) -> None:
    def place(minute: int, minutes: int) -> Place:
        starts = at(watch.tomorrow, 9) + timedelta(minutes=minute)
        return Place("w", starts, starts + timedelta(minutes=minutes))

    with writing.begin() as session:
        places.take(session, place(0, 60), 1)
        for across in (place(30, 30), place(15, 15), place(0, 30)):
            with pytest.raises(SlotTaken):
                places.take(session, across, 1)
        places.take(session, place(60, 30), 1)
        places.take(session, place(30, 30), 2)


def test_who_was_displaced_chooses_another_time_also_shortly_before(
    book: Book, desk, taken, close, watch: Watch
) -> None:
    made = book()
    watch.time = made.starts - timedelta(minutes=10)
    close(made.day, ("13:30", "17:00"))
    moved = desk.change(made.id, made.window, at(made.day, 14), by="web:a")
    assert (moved.status, moved.number) == (Status.BOOKED, made.number)
    assert (taken(made.starts), taken(moved.starts)) == (0, 1)


def test_who_was_displaced_gives_up_without_blame(book: Book, desk, close, end, writing, watch: Watch) -> None:
    rules(writing, cancellations={"most": 1, "days": 30, "pause": 5}, no_shows={"most": 1, "days": 30, "pause": 5})
    made = book()
    close(made.day)
    for _ in range(2):  # also when tapped twice
        assert desk.cancel(made.id, by="web:a").status is Status.GIVEN_UP
    watch.time = at(made.day, 18)
    with pytest.raises(Ended):
        end(made, Status.MISSED)
    assert book(at(date(2026, 10, 19), 9)).status is Status.BOOKED


def test_a_day_that_opens_again_takes_the_displaced_back_to_their_time(
    book: Book, desk, taken, close, writing, watch: Watch
) -> None:
    made = book()
    close(made.day)
    with writing.begin() as session:
        days.reset_hours(session, REGION, EAST, made.day, by="staff", now=watch())
    assert desk.held(made.id).appointment.status is Status.DISPLACED
    assert desk.change(made.id, made.window, made.starts, by="web:a") == made
    assert taken(made.starts) == 1


def test_who_is_displaced_twice_is_told_twice(book: Book, desk, close, writing, watch: Watch) -> None:
    made = book()
    for _ in range(2):
        close(made.day)
        with writing.begin() as session:
            session.execute(update(OutboxRow).where(OutboxRow.state == "waiting").values(state="delivered"))
            days.reset_hours(session, REGION, EAST, made.day, by="staff", now=watch())
        desk.change(made.id, made.window, made.starts, by="web:a")
    with writing() as session:
        assert list(session.scalars(select(OutboxRow.kind))) == ["displaced", "displaced"]


def test_who_is_being_served_is_not_displaced(book: Book, desk, close, end, watch: Watch) -> None:
    made, begun = book(), book(person=LI, owner="web:b")
    watch.time = at(made.day, 9, 5)
    end(made, Status.ATTENDED)
    assert close(made.day) == 0
    assert [desk.held(one.id).appointment.status for one in (made, begun)] == [Status.ATTENDED, Status.BOOKED]


def test_times_are_told_in_china(book: Book) -> None:
    assert book().starts.tzinfo is CHINA
