"""The roles of accounts as they are kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.errors import Invalid
from staff.models import GrantRow
from staff.permissions import Grant, Role

LONGEST_DEPARTMENT = 200
_REGION = re.compile(r"\d{6}(\d{3}){0,2}")


def read(session: Session, accounts: Sequence[int]) -> dict[int, tuple[Grant, ...]]:
    """The roles of each of these accounts that has any."""
    made: dict[int, tuple[Grant, ...]] = {}
    for row in session.scalars(select(GrantRow).where(GrantRow.account.in_(accounts)).order_by(GrantRow.id)):
        made[row.account] = (*made.get(row.account, ()), Grant(Role(row.role), row.region, row.department))
    return made


def write(session: Session, account: int, grants: Iterable[Grant]) -> None:
    """These roles in place of those it has."""
    session.execute(delete(GrantRow).where(GrantRow.account == account))
    for one in grants:
        session.add(GrantRow(account=account, role=one.role.value, region=one.region, department=one.department))
    session.flush()


def checked(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """Each once. Raises Invalid where a region is no code; whether it is a known one is for the caller to say."""
    made = tuple(dict.fromkeys(grants))
    if any(not _REGION.fullmatch(one.region) or len(one.department) > LONGEST_DEPARTMENT for one in made):
        raise Invalid("权限的地区或部门不对，请检查后再试。")
    return made


def manages(grants: Iterable[Grant]) -> bool:
    """Whether accounts are managed with them."""
    return any(one.role is Role.ADMINISTRATOR and not one.department for one in grants)
