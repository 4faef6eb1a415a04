"""The roles of an account as a form has them: lines of a role, a region and a department."""

from __future__ import annotations

from collections.abc import Sequence

from channels.console.clerks import Clerk
from channels.console.forms import Sent
from channels.house import House
from core.errors import Invalid
from staff.permissions import Act, Grant, Role

MANAGE = Act.MANAGE_ACCOUNTS
SPARE = 2  # empty lines on a form
MOST = 30  # lines of one form

Row = tuple[str, str, str]  # role, region, department


def rows(grants: Sequence[Grant]) -> list[Row]:
    """The lines of these roles."""
    return [(grant.role.value, grant.region, grant.department) for grant in grants]


def sent_rows(sent: Sent) -> list[Row]:
    """The lines as they were sent. Raises Invalid."""
    columns = (sent.all("role"), sent.all("region"), sent.all("department"))
    if len({len(column) for column in columns}) != 1 or len(columns[0]) > MOST:
        raise Invalid()
    return list(zip(*columns, strict=True))


def granted(house: House, clerk: Clerk, sent: Sent) -> tuple[Grant, ...]:
    """The roles of a form. Raises Invalid, which says what is wrong with them."""
    made = []
    for chosen, region, department in sent_rows(sent):
        if not chosen:
            continue
        if chosen not in list(Role):
            raise Invalid()
        grant = Grant(Role(chosen), house.regions.canonical(region), department)
        if region not in house.regions:
            raise Invalid("请给每个角色选一个地区。")
        if not clerk.may(MANAGE, grant.region):
            raise Invalid(f"您管不到{house.regions.full_name(grant.region)}，不能给那里的角色。")
        if grant.role is Role.ADMINISTRATOR and department:
            raise Invalid("管理员不分部门，请把部门空着。")
        made.append(grant)
    if not made:
        raise Invalid("请至少选一个角色。不让这个人再登录，请停用账号。")
    return tuple(dict.fromkeys(made))


def places(house: House, clerk: Clerk, used: Sequence[str]) -> list[tuple[str, str]]:
    """The regions to choose from: one's own, those in them and in those, and what is chosen already."""
    found: dict[str, None] = {}
    for own in clerk.regions(MANAGE):
        for place in (own, *house.regions.children(own)):
            found[place] = None
            found |= dict.fromkeys(house.regions.children(place))
    found |= dict.fromkeys(one for one in used if one in house.regions)
    return [(code, house.regions.full_name(code)) for code in sorted(found)]


def recorded(grants: Sequence[Grant]) -> list[str]:
    """As it stays on record: codes, since names of regions change."""
    return [" ".join(filter(None, (grant.role.value, grant.region, grant.department))) for grant in grants]
