"""What can become of an appointment."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What became of an appointment. The value is stored; people read `spoken`."""

    BOOKED = "booked"
    CANCELLED = "cancelled"
    DISPLACED = "displaced"
    GIVEN_UP = "given_up"
    ATTENDED = "attended"
    MISSED = "missed"
    LAPSED = "lapsed"

    @property
    def spoken(self) -> str:
        """The word people read."""
        return _SPOKEN[self]


_SPOKEN = {
    Status.BOOKED: "已预约",
    Status.CANCELLED: "已取消",
    Status.DISPLACED: "大厅临时有变，请改时间",
    Status.GIVEN_UP: "大厅临时有变，没有再约",
    Status.ATTENDED: "已到场",
    Status.MISSED: "没有到场",
    Status.LAPSED: "已过期",
}
OPEN = (Status.BOOKED, Status.DISPLACED)
HOLDING = (Status.BOOKED, Status.ATTENDED, Status.MISSED, Status.LAPSED)  # those that keep their place in the slot
