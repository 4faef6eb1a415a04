"""Who may do what: roles, acts, and where each role holds. One table; every page and call asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

Within = Callable[[str, str], bool]  # whether the first region is the second or lies inside it


class Role(StrEnum):
    EDITOR = "editor"
    REVIEWER = "reviewer"
    ADMINISTRATOR = "administrator"

    @property
    def spoken(self) -> str:
        """What people call it."""
        return _SPOKEN[self]


_SPOKEN = {Role.EDITOR: "编辑", Role.REVIEWER: "审核", Role.ADMINISTRATOR: "管理员"}


class Act(StrEnum):
    """What can be done in the console."""

    READ_GUIDES = "read guides"
    EDIT_GUIDES = "edit guides"
    APPROVE_GUIDES = "approve guides"
    WITHDRAW_GUIDES = "withdraw guides"
    TEACH = "teach"  # add an everyday question to a guide, by which it is found
    READ_FAQ = "read faq"
    EDIT_FAQ = "edit faq"  # write one that is switched off
    PUBLISH_FAQ = "publish faq"  # switch on and off, and change one that is on
    PROPOSE_IMPORT = "propose import"
    APPROVE_IMPORT = "approve import"
    EXPORT = "export"
    READ_QUESTIONS = "read questions"
    SETTLE_QUESTIONS = "settle questions"
    READ_CONVERSATIONS = "read conversations"
    READ_OVERVIEW = "read overview"
    READ_DESK = "read desk"  # halls and day lists; people are masked
    SERVE_DESK = "serve desk"  # register who came, look up whom to call
    MANAGE_DESK = "manage desk"  # rules, hours of a day, the calendar
    MANAGE_ACCOUNTS = "manage accounts"
    READ_AUDIT = "read audit"


_EDITOR = frozenset(
    {
        Act.READ_GUIDES, Act.EDIT_GUIDES, Act.WITHDRAW_GUIDES, Act.TEACH, Act.READ_FAQ, Act.EDIT_FAQ, Act.PROPOSE_IMPORT,
        Act.EXPORT, Act.READ_QUESTIONS, Act.SETTLE_QUESTIONS, Act.READ_OVERVIEW, Act.READ_DESK, Act.SERVE_DESK,
    }
)  # fmt: skip
MAY: dict[Role, frozenset[Act]] = {
    Role.EDITOR: _EDITOR,
    Role.REVIEWER: _EDITOR
    | {Act.APPROVE_GUIDES, Act.PUBLISH_FAQ, Act.APPROVE_IMPORT, Act.READ_CONVERSATIONS, Act.MANAGE_DESK},
    Role.ADMINISTRATOR: frozenset(
        {
            Act.READ_GUIDES,
            Act.READ_FAQ,
            Act.EXPORT,
            Act.READ_OVERVIEW,
            Act.READ_DESK,
            Act.MANAGE_ACCOUNTS,
            Act.READ_AUDIT,
        }
    ),
}
# What belongs to no department, and yet is told or done to everybody: a role in one department is not enough.
WHOLE = frozenset(
    {Act.PUBLISH_FAQ, Act.READ_CONVERSATIONS, Act.SERVE_DESK, Act.MANAGE_DESK, Act.MANAGE_ACCOUNTS, Act.READ_AUDIT}
)


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in a region and all inside it. An empty department means all of them."""

    role: Role
    region: str
    department: str = ""

    def covers(self, act: Act, region: str, department: str | None, within: Within) -> bool:
        """Whether it allows `act` on something of `region`; `department` is None where it belongs to none."""
        if act not in MAY[self.role] or not within(region, self.region):
            return False
        if department is None:
            return not self.department or act not in WHOLE
        return self.department in ("", department)


def allowed(grants: Iterable[Grant], act: Act, region: str, department: str | None, within: Within) -> bool:
    """Whether any of the grants allows `act` there."""
    return any(grant.covers(act, region, department, within) for grant in grants)


def scopes(grants: Iterable[Grant], act: Act) -> tuple[tuple[str, str], ...]:
    """The regions, each with a department or none, in which `act` is allowed: what a list may show."""
    held = (one for one in grants if act in MAY[one.role] and not (one.department and act in WHOLE))
    return tuple(dict.fromkeys((one.region, one.department) for one in held))
