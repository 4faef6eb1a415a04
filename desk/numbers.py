"""The numbers of appointments: ten digits that nobody can guess from another's, the last of which checks the others."""

from __future__ import annotations

import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session
from stdnum import luhn

from core.errors import Invalid
from core.text import composed
from desk.models import AppointmentRow


def plain_number(number: str) -> str:
    """An appointment's number without what people write between its digits. Raises Invalid where a digit is wrong."""
    digits = digits_of(number)
    if len(digits) != 10 or not luhn.is_valid(digits):
        raise Invalid("预约号不对，请核对：10 位数字。")
    return digits


def digits_of(text: str) -> str:
    """The digits that people typed, also in full width."""
    return "".join(one for one in composed(text, "NFKC") if one in "0123456789")


def fresh(session: Session) -> str:
    """A number no appointment has."""
    while True:
        body = f"{secrets.choice('23456789')}{secrets.randbelow(10**8):08}"
        number = body + luhn.calc_check_digit(body)
        if session.scalars(select(AppointmentRow.id).where(AppointmentRow.number == number)).first() is None:
            return str(number)
