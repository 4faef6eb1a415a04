"""What is personal or secret about an appointment: locked in one column, and found again by marks."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, or_

from core.errors import NotFound
from core.vault import Vault
from desk.models import AppointmentRow
from desk.people import Person


class NoAppointment(NotFound):
    """没有找到这个预约。请核对预约号和验证码。"""

    code = "no_appointment"


@dataclass(frozen=True, slots=True)
class Details:
    """What is personal or secret about an appointment."""

    name: str
    phone: str
    identity: str
    code: str
    address: str

    @property
    def person(self) -> Person:
        """Whom it is for."""
        return Person(self.name, self.phone, self.identity)


@dataclass(frozen=True, slots=True)
class Marks:
    """A person's marks under each key: while keys are changed, rows may carry any of them.

    A family shares a telephone, so where an identity number is known, the phone tells only among those without one.
    """

    phone: tuple[str, ...]
    identity: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Whatever may be theirs."""
        return self.phone + self.identity

    @property
    def theirs(self) -> ColumnElement[bool]:
        """Which appointments are the person's."""
        by_phone = AppointmentRow.phone_mark.in_(self.phone)
        if not self.identity:
            return by_phone
        by_identity = AppointmentRow.identity_mark.in_(self.identity)
        return or_(by_identity, AppointmentRow.identity_mark.is_(None) & by_phone)

    def fit(self, row: AppointmentRow) -> bool:
        """The same of one that was read."""
        if self.identity and row.identity_mark:
            return row.identity_mark in self.identity
        return row.phone_mark in self.phone


def marks_of(vault: Vault, person: Person) -> Marks:
    """The marks of a person."""
    return Marks(vault.marks(person.phone), vault.marks(person.identity) if person.identity else ())


def lock(vault: Vault, number: str, details: Details) -> str:
    """The details of the appointment of that number, unreadable without a key."""
    # The number inside ties the details to their row: another row's cannot be put in their place.
    return vault.lock(json.dumps({"number": number, **asdict(details)}, ensure_ascii=False))


def unlock(vault: Vault, number: str, locked: str) -> Details:
    """What was locked. Raises NoAppointment where it is another appointment's, core.vault.Unreadable."""
    read = json.loads(vault.unlock(locked))
    if read.pop("number") != number:
        raise NoAppointment()
    return Details(**read)
