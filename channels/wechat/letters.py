"""What comes from a citizen and what goes back, in words of our own: nothing else here knows the platform's XML."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import TypeAdapter

from bot.conversation import sender_of


class Kind(StrEnum):
    """What a callback tells."""

    TEXT = "text"  # typed, or a tapped choice
    VOICE = "voice"
    LOCATION = "location"  # sent by hand
    UNREADABLE = "unreadable"  # a picture, a video, a link, and whatever comes to be
    JOINED = "joined"  # follows the account, perhaps by a QR code
    SCANNED = "scanned"  # a follower scanned a QR code
    CLICKED = "clicked"  # a menu button
    LEFT = "left"  # follows no more
    STAFF_CAME = "staff_came"  # a person of customer service took the citizen on
    STAFF_WENT = "staff_went"
    SILENT = "silent"  # nothing to say to: VIEW, the position reported by itself, delivery reports


@dataclass(frozen=True, slots=True)
class Incoming:
    """One callback. `key` is the same at each try of the platform.

    `text` is what was typed or recognised, or a place's address; `choice` is a tapped choice's id, a menu button's
    key or a QR code's scene; `media` is a recording's id; `position` is latitude and longitude (GCJ-02).
    """

    key: str
    appid: str
    openid: str
    to: str
    kind: Kind
    text: str = ""
    choice: str = ""
    media: str = ""
    position: tuple[float, float] | None = None

    @property
    def session(self) -> str:
        """The conversation's name. No web client can name it: theirs hold no colon."""
        return f"wechat:{self.appid}:{self.openid}"

    @property
    def sender(self) -> str:
        """The citizen in logs, caches and tables."""
        return sender_of(self.session)

    @property
    def owner(self) -> str:
        """The citizen as the desk knows them."""
        return f"wechat:{self.sender}"

    @property
    def address(self) -> str:
        """Where the citizen is reached later: locked wherever it is kept."""
        return f"{self.appid} {self.openid}"

    def dump(self) -> str:
        """As JSON."""
        return _INCOMING.dump_json(self).decode()

    @classmethod
    def load(cls, text: str) -> Incoming:
        """From JSON made by `dump`."""
        return _INCOMING.validate_json(text)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A reply: texts that each fit into one message, in order; or, where `staff` is set, over to customer service.

    `staff` is `any` or an account of it. Neither: nothing is said.
    """

    parts: tuple[str, ...] = ()
    staff: str = ""

    def dump(self) -> str:
        """As JSON."""
        return _OUTGOING.dump_json(self).decode()

    @classmethod
    def load(cls, text: str) -> Outgoing:
        """From JSON made by `dump`."""
        return _OUTGOING.validate_json(text)


_INCOMING = TypeAdapter(Incoming)
_OUTGOING = TypeAdapter(Outgoing)
