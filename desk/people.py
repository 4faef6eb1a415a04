"""Who an appointment is for: checked when given, masked when shown."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import phonenumbers
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from core.errors import Invalid

_HAN = re.compile(r"[\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002fa1f〇]{2,20}(?:·[\u4e00-\u9fff\u3400-\u4dbf]{1,20})*")
_LATIN = re.compile(r"[A-Za-zÀ-ÿ][A-Za-zÀ-ÿ .'’\-]{1,58}[A-Za-zÀ-ÿ.]")
_BETWEEN = re.compile(r"[\s\-—_.·,，()（）]")
_DOTS = str.maketrans("•‧・．", "····")


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
    name = unicodedata.normalize("NFKC", text).translate(_DOTS).strip()
    han = re.sub(r"\s", "", name)
    if _HAN.fullmatch(han):
        return han
    if _LATIN.fullmatch(name):
        return re.sub(r"\s+", " ", name)
    raise BadName()


def check_phone(text: str) -> str:
    """A mobile number of the Chinese mainland, 11 digits. Raises BadPhone."""
    digits = _BETWEEN.sub("", unicodedata.normalize("NFKC", text))
    try:
        number = phonenumbers.parse(digits, "CN")
    except phonenumbers.NumberParseException as error:
        raise BadPhone() from error
    plain = str(number.national_number)
    mobile = phonenumbers.number_type(number) is phonenumbers.PhoneNumberType.MOBILE
    if number.country_code != 86 or not re.fullmatch(r"1[3-9]\d{9}", plain) or not (mobile or _plausible(plain)):
        raise BadPhone()
    return plain


def check_identity(text: str) -> str:
    """An 18-digit resident identity number with its check digit. Raises BadIdentity."""
    try:
        return str(ric.validate(_BETWEEN.sub("", unicodedata.normalize("NFKC", text)).upper()))
    except ValidationError as error:
        raise BadIdentity() from error


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
