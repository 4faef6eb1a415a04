"""The platform's envelope: signatures, encryption and XML on the one side, letters on the other.

wechatpy parses and encrypts. What it leaves open is closed here: signatures are compared in constant time, old
callbacks are refused, whatever its parsers raise is one error, and CDATA cannot be left from inside.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.replies import TextReply, TransferCustomerServiceReply

from channels.wechat.letters import Incoming, Kind, Outgoing
from core.settings import WeChatAccount

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
# Nothing is parsed before it is known to be the platform's: whoever is not would keep us busy.
_ENCRYPTED = re.compile(rb"<Encrypt>\s*(?:<!\[CDATA\[)?([A-Za-z0-9+/=]+)(?:\]\]>)?\s*</Encrypt>")
_OPENID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MESSAGES = {"text": Kind.TEXT, "voice": Kind.VOICE, "location": Kind.LOCATION}
_EVENTS = {
    "subscribe": Kind.JOINED,
    "subscribe_scan": Kind.JOINED,
    "subscribe_scan_product": Kind.JOINED,
    "scan": Kind.SCANNED,
    "click": Kind.CLICKED,
    "unsubscribe": Kind.LEFT,
    "kf_create_session": Kind.STAFF_CAME,
    "kf_switch_session": Kind.STAFF_CAME,
    "kf_close_session": Kind.STAFF_WENT,
}
ANYBODY = "any"  # of customer service


def signature(*parts: str) -> str:
    """What the platform signs with: of the token and all that it covers, in whatever order."""
    return hashlib.sha1("".join(sorted(parts)).encode("utf-8", "replace")).hexdigest()


class Refused(Exception):
    """Not from the platform, or not from now."""


class Envelope:
    """Opens and seals for one account, in safe mode only."""

    def __init__(self, account: WeChatAccount, *, window: int, now: Callable[[], datetime]) -> None:
        """`window` is by how many seconds a callback's time may differ from `now`."""
        self._account, self._window, self._now = account, window, now
        self._crypto = WeChatCrypto(account.token, account.aes_key, account.appid)

    def echo(self, query: Mapping[str, str]) -> str:
        """What proves to the platform that this is our address. Raises Refused."""
        self._check(query, query.get("signature", ""))
        return query.get("echostr", "")

    def open(self, body: bytes, query: Mapping[str, str]) -> Incoming | None:
        """The letter in a callback; None where the platform sent what nobody can read. Raises Refused."""
        found = _ENCRYPTED.search(body)
        if found is None:
            raise Refused()
        encrypted = found[1].decode()
        given = query.get("msg_signature", "")
        self._check(query, given, encrypted)
        try:
            xml = self._crypto.decrypt_message(
                {"Encrypt": encrypted}, given, query["timestamp"], query.get("nonce", "")
            )
        except Exception as error:  # another appid, a broken ciphertext: wechatpy has an exception for each
            raise Refused() from error
        try:
            return self._letter(parse_message(_UNPRINTABLE.sub("", xml)))
        except Exception:  # signed and encrypted by the platform, and of no known shape
            return None

    def seal(self, outgoing: Outgoing, incoming: Incoming) -> str:
        """The passive reply as XML, signed and encrypted. `success`, which says nothing, where there is none."""
        moment = int(self._now().timestamp())
        ends = {"source": incoming.to, "target": incoming.openid, "time": moment}
        if outgoing.staff:
            xml = TransferCustomerServiceReply(**ends).render()
            if outgoing.staff != ANYBODY:
                account = f"<TransInfo><KfAccount><![CDATA[{_within(outgoing.staff)}]]></KfAccount></TransInfo>"
                xml = xml.replace("</xml>", f"{account}</xml>")
        elif outgoing.parts:
            xml = TextReply(content=_within(outgoing.parts[0]), **ends).render()
        else:
            return "success"
        sealed: str = self._crypto.encrypt_message(xml, secrets.token_hex(8), str(moment))
        return sealed

    def _check(self, query: Mapping[str, str], given: str, *more: str) -> None:
        timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        made = signature(self._account.token, timestamp, nonce, *more)
        if not hmac.compare_digest(made.encode(), given.encode("utf-8", "replace")):
            raise Refused()
        if not re.fullmatch(r"[0-9]{1,12}", timestamp):
            raise Refused()
        if abs(self._now().timestamp() - int(timestamp)) > self._window:
            raise Refused()

    def _letter(self, message: Any) -> Incoming | None:
        told = message._data  # wechatpy's fields raise on what they do not expect
        openid = _text(told.get("FromUserName"))
        if not _OPENID.fullmatch(openid):
            return None
        event = _text(told.get("Event")).lower()
        is_event = _text(told.get("MsgType")).lower() == "event"
        kind = _EVENTS.get(event, Kind.SILENT) if is_event else _MESSAGES.get(message.type, Kind.UNREADABLE)
        choice = _text(told.get("EventKey")) if is_event else _text(told.get("bizmsgmenuid"))
        words = {Kind.TEXT: "Content", Kind.VOICE: "Recognition", Kind.LOCATION: "Label"}.get(kind, "")
        return Incoming(
            key=self._key(told, openid),
            appid=self._account.appid,
            openid=openid,
            to=_text(told.get("ToUserName")),
            kind=kind,
            text=_text(told.get(words)),
            choice=choice,
            media=_text(told.get("MediaId")) if kind is Kind.VOICE else "",
            position=_position(told) if kind is Kind.LOCATION else None,
        )

    def _key(self, told: Mapping[str, Any], openid: str) -> str:
        number = _text(told.get("MsgId"))
        event = (_text(told.get(name)) for name in ("CreateTime", "Event", "EventKey"))
        # A delivery report has both: the id there is of the message delivered.
        named = (number,) if number and "Event" not in told else event
        # The sender too, though ids are unique: whatever happens, nobody is told what another asked.
        return hashlib.sha256("\n".join((self._account.appid, openid, *named)).encode()).hexdigest()[:40]


def _text(value: Any) -> str:
    return _UNPRINTABLE.sub("", value).strip() if isinstance(value, str) else ""


def _position(told: Mapping[str, Any]) -> tuple[float, float] | None:
    try:
        latitude, longitude = float(told["Location_X"]), float(told["Location_Y"])
    except (KeyError, TypeError, ValueError):
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _within(text: str) -> str:
    """`text` for a CDATA section, which wechatpy puts it into as it is."""
    return _UNPRINTABLE.sub("", text).replace("]]>", "]]]]><![CDATA[>")
