"""Who an appointment is for: checked when given, masked when shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

import phonenumbers
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from core import clock
from core.errors import Invalid
from core.text import composed

LONGEST_NAME = 60
EARLIEST_BIRTH = date(1900, 1, 1)
_SIGN = r"[\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U000323af〇]"
_HAN = re.compile(rf"{_SIGN}{{2,20}}|{_SIGN}{{1,20}}(?:·{_SIGN}{{1,20}})+")
_LETTER = "A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ"
_LATIN = re.compile(rf"[{_LETTER}][{_LETTER} .'’\-]*[{_LETTER}.]")
_BETWEEN = re.compile(r"[\s\-‐‑–—_.·,，()（）]")
_DOTS = str.maketrans("•‧・⋅", "····")
_PHONE = re.compile(r"\+?[0-9]{11,15}")
_IDENTITY = re.compile(r"[0-9]{17}[0-9X]")
_PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83".split()
)


class BadName(Invalid):
    """姓名请写证件上的全名，比如两到四个汉字。"""

    code = "bad_name"


class BadPhone(Invalid):
    """手机号好像不对，请再核对一下：11 位数字，以 1 开头。"""

    code = "bad_phone"


class BadIdentity(Invalid):
    """身份证号好像不对，请再核对一下：18 位，最后一位可能是 X。"""

    code = "bad_identity"


@dataclass(frozen=True, slots=True)
class Person:
    """Name and phone as checked; `identity` only where the item needs it."""

    name: str
    phone: str
    identity: str = ""


def check_name(text: str) -> str:
    """A name as on an identity document. Raises BadName."""
    name = re.sub(r"\s+", " ", composed(text, "NFKC").translate(_DOTS)).strip()
    if len(name) > LONGEST_NAME:
        raise BadName()
    han = name.replace(" ", "").replace(".", "·")  # few keyboards have the dot between the parts of a name
    if _HAN.fullmatch(han):
        return han
    if _LATIN.fullmatch(name):
        return name
    raise BadName()


def check_phone(text: str) -> str:
    """A mobile number of the Chinese mainland, 11 digits. Raises BadPhone."""
    digits = _BETWEEN.sub("", composed(text, "NFKC"))
    if not _PHONE.fullmatch(digits):  # the library would read letters as digits, as on an old telephone's keys
        raise BadPhone()
    try:
        number = phonenumbers.parse(digits, "CN")
    except phonenumbers.NumberParseException as error:
        raise BadPhone() from error
    plain = str(number.national_number)
    mobile = phonenumbers.number_type(number) is phonenumbers.PhoneNumberType.MOBILE
    if number.country_code != 86 or not re.fullmatch(r"1[3-9]\d{9}", plain) or not (mobile or _plausible(plain)):
        raise BadPhone()
    return plain


def check_identity(text: str, *, today: date | None = None) -> str:
    """An 18-digit identity number with its check digit: residents', those of the residence permits for people from
    Hong Kong, Macao and Taiwan (81, 82, 83), and foreigners' (9 before the province). Raises BadIdentity.

    Counties are not looked up: new ones are founded before any table knows them.
    """
    number = _BETWEEN.sub("", composed(text, "NFKC")).upper()
    if not _IDENTITY.fullmatch(number) or number[-1] != ric.calc_check_digit(number):
        raise BadIdentity()
    try:
        born = ric.get_birth_date(number)
    except ValidationError as error:
        raise BadIdentity() from error
    province = number[1:3] if number[0] == "9" else number[:2]
    if province not in _PROVINCES or not EARLIEST_BIRTH <= born <= (today or clock.today()):
        raise BadIdentity()
    return number


def check(name: str, phone: str, identity: str = "", *, needs_identity: bool) -> Person:
    """A person from a form. Raises BadName, BadPhone or BadIdentity; an identity number nobody asked for is dropped."""
    return Person(check_name(name), check_phone(phone), check_identity(identity) if needs_identity else "")


def masked_name(name: str) -> str:
    """张* for 张伟, 欧*** for longer ones: the first sign only."""
    return name[0] + "*" * (len(name) - 1) if len(name) <= 6 else f"{name[0]}*****"


def masked_phone(phone: str) -> str:
    """138****5678."""
    return f"{phone[:3]}****{phone[-4:]}"


def masked_identity(identity: str) -> str:
    """1**************X: the first and the last sign."""
    return f"{identity[0]}{'*' * 16}{identity[-1]}" if identity else ""


def _plausible(phone: str) -> bool:
    """A prefix newly given out that the library does not know yet must not keep anybody from booking."""
    return len(set(phone)) > 2
