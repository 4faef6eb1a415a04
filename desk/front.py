"""The desk as channels and the assistant use it: each call is one transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session, sessionmaker

from core.clock import CHINA
from core.vault import Unreadable, Vault
from desk import appointments, halls, outbox, slots
from desk.appointments import Appointment, Details, NoAppointment, NotBookable, Request
from desk.halls import Window
from desk.outbox import Notice
from desk.people import Person
from desk.slots import DaySlots
from knowledge.publishing import Published, read


@dataclass(frozen=True, slots=True)
class Offer:
    """A guide with the windows at which it can be booked here; there may be none."""

    published: Published
    windows: tuple[Window, ...]

    def window(self, window: str) -> Window | None:
        """The window of that id."""
        return next((one for one in self.windows if one.id == window), None)


@dataclass(frozen=True, slots=True)
class Held:
    """An appointment with what its owner may see, and the guide as it is now, if it is still published."""

    appointment: Appointment
    details: Details | None
    offer: Offer | None


class FrontDesk:
    """Thread-safe: opens a session for each call. `now` is asked for the time."""

    def __init__(
        self,
        reading: sessionmaker[Session],
        writing: sessionmaker[Session],
        vault: Vault,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._reading, self._writing, self._vault, self._now = reading, writing, vault, now

    @property
    def vault(self) -> Vault:
        """What locks the details that citizens leave."""
        return self._vault

    def now(self) -> datetime:
        """The current moment in China."""
        return self._now().astimezone(CHINA)

    def today(self) -> date:
        """The current day in China."""
        return self.now().date()

    def offer(self, guide: int) -> Offer | None:
        """Where a guide can be booked; None where there is no such guide in force today."""
        with self._reading() as session:
            return self._offer(session, guide)

    def days(self, windows: Sequence[Window], first: date, last: date) -> dict[str, tuple[DaySlots, ...]]:
        """The days from `first` to `last` (both included) at each window, by its id."""
        with self._reading() as session:
            return slots.available(session, windows, first, last, now=self._now())

    def book(
        self,
        guide: int,
        window: str,
        starts: datetime,
        person: Person,
        *,
        owner: str,
        key: str,
        address: str = "",
        remind: bool = False,
    ) -> Appointment:
        """Take a place; see `desk.appointments.book`. Raises NotBookable where guide or window are gone, too."""
        with self._writing.begin() as session:
            offer, at = self._window(session, guide, window)
            request = Request(
                guide, offer.published.guide.name, at, starts, person, owner, key, address=address, remind=remind
            )
            return appointments.book(session, self._vault, request, now=self._now())

    def change(self, appointment: int, window: str, starts: datetime, *, by: str) -> Appointment:
        """Move an appointment; see `desk.appointments.change`."""
        with self._writing.begin() as session:
            _, at = self._window(session, appointments.read(session, appointment).guide, window)
            return appointments.change(session, self._vault, appointment, at, starts, by=by, now=self._now())

    def cancel(self, appointment: int, *, by: str) -> Appointment:
        """Give a place back; see `desk.appointments.cancel`."""
        with self._writing.begin() as session:
            return appointments.cancel(session, appointment, by=by, now=self._now())

    def mine(self, owner: str) -> tuple[Appointment, ...]:
        """The open appointments of a channel's citizen, soonest first."""
        with self._reading() as session:
            return appointments.mine(session, owner, now=self._now())

    def prove(self, number: str, code: str) -> Appointment:
        """The appointment of that number and code. Raises NoAppointment or Invalid; the caller bounds the tries."""
        with self._reading() as session:
            return appointments.proved(session, self._vault, number, code)

    def held(self, appointment: int) -> Held:
        """An appointment with its details, for somebody who has shown whose it is. Raises NoAppointment."""
        with self._reading() as session:
            found = appointments.read(session, appointment)
            details = appointments.read_details(session, self._vault, appointment)
            return Held(found, details, self._offer(session, found.guide))

    def last_person(self, owner: str) -> Person | None:
        """Whom this channel's citizen booked for last."""
        with self._reading() as session:
            return appointments.last_person(session, self._vault, owner)

    def slip(self, appointment: Appointment) -> str:
        """A token for links to the appointment's slip: whoever holds it, holds the appointment."""
        return self._vault.lock(f"slip {appointment.id}")

    def by_slip(self, token: str) -> Appointment:
        """The appointment of a slip. Raises NoAppointment."""
        try:
            kind, _, number = self._vault.unlock(token).partition(" ")
        except (Unreadable, UnicodeEncodeError) as error:
            raise NoAppointment() from error
        if kind != "slip":
            raise NoAppointment()
        with self._reading() as session:
            return appointments.read(session, int(number))

    def inbox(self, owner: str, seen: Collection[str] = ()) -> tuple[Notice, ...]:
        """Notices for a citizen whose channel cannot push, each handed out until its key is among the `seen`."""
        with self._reading() as session:  # open pages ask each minute, and mostly there is nothing to write
            if not outbox.has_mail(session, owner):
                return ()
        with self._writing.begin() as session:
            return outbox.inbox(session, owner, seen, now=self._now())

    def _offer(self, session: Session, guide: int) -> Offer | None:
        published = read(session, guide) if 0 < guide < 2**31 else None
        if published is None or not published.visible_on(self.today()):
            return None
        return Offer(published, halls.windows(session, published))

    def _window(self, session: Session, guide: int, window: str) -> tuple[Offer, Window]:
        offer = self._offer(session, guide)
        at = offer.window(window) if offer else None
        if offer is None or at is None:
            raise NotBookable("这件事现在不能在这里预约了，请重新选择。")
        return offer, at
