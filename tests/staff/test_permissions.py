"""Who may do what: the whole table, written out, and where it holds."""

from __future__ import annotations

import pytest

from knowledge.regions import Region, Regions
from staff.permissions import MAY, WHOLE, Act, Grant, Role, allowed, scopes

#                       editor  reviewer  administrator   department
TABLE = """
read guides             yes     yes       yes             enough
edit guides             yes     yes       -               enough
approve guides          -       yes       -               enough
withdraw guides         yes     yes       -               enough
teach                   yes     yes       -               enough
read faq                yes     yes       yes             enough
edit faq                yes     yes       -               enough
publish faq             -       yes       -               whole
propose import          yes     yes       -               enough
approve import          -       yes       -               enough
export                  yes     yes       yes             enough
read questions          yes     yes       -               enough
settle questions        yes     yes       -               enough
read conversations      -       yes       -               whole
read overview           yes     yes       yes             enough
read desk               yes     yes       yes             enough
serve desk              yes     yes       -               whole
manage desk             -       yes       -               whole
manage accounts         -       -         yes             whole
read audit              -       -         yes             whole
"""
CITY, COUNTY, OTHER, PROVINCE, NATION = "980100", "980102", "980200", "980000", "000000"
POLICE, TAXES = "市公安局", "市税务局"
WITHIN = Regions(
    [
        Region(NATION, "全国", "全国", "国家级", None), Region(PROVINCE, "云省", "云", "省级", NATION),
        Region(CITY, "云桥市", "云桥", "市级", PROVINCE), Region(COUNTY, "东区", "东", "县级", CITY),
        Region(OTHER, "云山市", "云山", "市级", PROVINCE),
    ]
).within  # fmt: skip


def test_the_table_of_roles_and_acts_is_this_one() -> None:
    written = []
    for act in Act:
        cells = ["yes" if act in MAY[role] else "-" for role in (Role.EDITOR, Role.REVIEWER, Role.ADMINISTRATOR)]
        written.append([act.value, *cells, "whole" if act in WHOLE else "enough"])
    asked = [[line[:24].strip(), *line[24:].split()] for line in TABLE.strip().splitlines()]
    assert written == asked


@pytest.mark.parametrize("act", list(Act))
@pytest.mark.parametrize("role", list(Role))
def test_a_role_holds_in_its_region_and_inside_it_and_nowhere_else(role: Role, act: Act) -> None:
    may = act in MAY[role]
    grants = [Grant(role, CITY)]
    for department in (None, "", POLICE):
        assert allowed(grants, act, CITY, department, WITHIN) is may
        assert allowed(grants, act, COUNTY, department, WITHIN) is may
        for outside in (OTHER, PROVINCE, NATION):
            assert allowed(grants, act, outside, department, WITHIN) is False


@pytest.mark.parametrize("act", list(Act))
@pytest.mark.parametrize("role", list(Role))
def test_a_role_in_a_department_holds_for_what_is_its_own_and_for_nothing_that_concerns_all(
    role: Role, act: Act
) -> None:
    may = act in MAY[role]
    grants = [Grant(role, CITY, POLICE)]
    assert allowed(grants, act, COUNTY, POLICE, WITHIN) is may
    for other in (TAXES, ""):
        assert allowed(grants, act, COUNTY, other, WITHIN) is False
    assert allowed(grants, act, COUNTY, None, WITHIN) is (may and act not in WHOLE)
    assert allowed(grants, act, OTHER, POLICE, WITHIN) is False


def test_several_roles_add_up_each_in_its_own_place() -> None:
    grants = [Grant(Role.EDITOR, CITY), Grant(Role.REVIEWER, COUNTY, POLICE)]
    assert allowed(grants, Act.APPROVE_GUIDES, COUNTY, POLICE, WITHIN)
    assert not allowed(grants, Act.APPROVE_GUIDES, COUNTY, TAXES, WITHIN)
    assert not allowed(grants, Act.APPROVE_GUIDES, CITY, POLICE, WITHIN)
    assert allowed(grants, Act.EDIT_GUIDES, COUNTY, TAXES, WITHIN)
    assert not allowed([], Act.READ_GUIDES, CITY, None, WITHIN)


def test_lists_show_what_is_allowed_each_place_once() -> None:
    grants = [Grant(Role.EDITOR, CITY), Grant(Role.REVIEWER, CITY), Grant(Role.REVIEWER, OTHER, POLICE)]
    assert scopes(grants, Act.EDIT_GUIDES) == ((CITY, ""), (OTHER, POLICE))
    assert scopes(grants, Act.APPROVE_GUIDES) == ((CITY, ""), (OTHER, POLICE))
    assert scopes(grants, Act.MANAGE_ACCOUNTS) == ()


def test_what_needs_the_whole_region_is_nowhere_for_a_role_in_a_department() -> None:
    grants = [Grant(Role.REVIEWER, OTHER, POLICE)]
    assert {act for act in WHOLE if scopes(grants, act)} == set()
    assert scopes([*grants, Grant(Role.REVIEWER, CITY)], Act.READ_CONVERSATIONS) == ((CITY, ""),)


def test_everybody_has_a_name_for_a_role() -> None:
    assert [role.spoken for role in Role] == ["编辑", "审核", "管理员"]
