"""Accounts: made, changed and closed by administrators, each within their own regions."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from playwright.sync_api import expect
from sqlalchemy import update
from sqlalchemy.orm import Session

from staff import accounts, signing
from staff.audit import Entry
from staff.models import AccountRow
from staff.permissions import Grant, Role
from tests.console.conftest import CITY, DISTRICT, PASSWORD, POLICE, Office, Visit, axe

EDITOR, ADMINISTRATOR = Grant(Role.EDITOR, CITY), Grant(Role.ADMINISTRATOR, CITY)
GIVEN = re.compile(r'<code id="password">([a-z-]+)</code>')
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def nothing_tried(office: Office) -> Iterator[None]:
    time = office.watch.time
    office.forget()
    yield
    office.watch.time = time


@pytest.fixture(scope="module", autouse=True)
def district(office: Office) -> None:
    """An administrator of one district."""
    office.hire("song", "宋文", Grant(Role.ADMINISTRATOR, DISTRICT))


def somebody(office: Office, *grants: Grant) -> accounts.Account:
    return office.hire(f"somebody{next(_numbers)}", "某人", *(grants or (EDITOR,)))


def roles(*rows: tuple[str, str, str]) -> dict[str, list[str]]:
    """The fields of a form's roles; one line is left empty, as on the page."""
    role, region, department = map(list, zip(*rows, ("", CITY, ""), strict=True))
    return {"role": role, "region": region, "department": department}


def told(answer: httpx.Response) -> str:
    found = re.search(r'role="alert"[^>]*>([^<]*)<', answer.text)
    return found[1] if found else ""


def on_record(office: Office, name: str, act: str) -> Entry:
    with office.house.reading() as session:
        return office.house.audit.entries(session, act=act, subject=f"account:{name}")[0]


# -- in a browser --


def test_an_account_is_made_and_its_password_shown_once(office: Office, visit: Visit) -> None:
    page = visit("gao", "/console/accounts")
    expect(page.get_by_role("row", name=re.compile("周明"))).to_contain_text("审核，云桥市，全部部门")
    axe(page, night=False)
    page.get_by_role("link", name="添加账号").click()
    page.get_by_label("姓名").fill("王芳")
    page.get_by_label("登录名").fill("WangFang")
    first = page.get_by_role("group", name="第 1 个角色")
    first.get_by_label("角色").select_option("编辑")
    first.get_by_label("地区").select_option("云桥市松风区")
    first.get_by_label("部门").fill(POLICE)
    page.get_by_role("button", name="添加账号").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("账号已添加")
    given = page.locator("#password").inner_text()
    axe(page)
    made = office.account("wangfang")
    assert made.grants == (Grant(Role.EDITOR, DISTRICT, POLICE),)
    page.get_by_role("link", name="看这个账号").click()
    expect(page.get_by_role("main")).to_contain_text("等本人改密码")
    assert given not in page.content()
    assert given not in str(page.context.cookies())
    assert given not in repr(on_record(office, "wangfang", "account.make"))
    assert office.sign_in("wangfang", given).get("/console/me").headers["location"] == "/console/password"


def test_what_is_wrong_with_an_account_is_told_and_what_was_typed_stays(office: Office, visit: Visit) -> None:
    page = visit("gao", "/console/accounts/new")
    page.get_by_label("姓名").fill("林静")
    page.get_by_label("登录名").fill("lin")
    page.get_by_role("group", name="第 1 个角色").get_by_label("角色").select_option("审核")
    page.get_by_role("button", name="添加账号").click()
    expect(page.get_by_role("alert")).to_contain_text("已经有人用了")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("登录名")).to_have_value("lin")
    expect(page.get_by_role("group", name="第 1 个角色").get_by_label("角色")).to_have_value("reviewer")
    axe(page, night=False)


# -- changes --


def test_roles_are_changed_and_hold_at_once(office: Office) -> None:
    account = somebody(office)
    gao = office.signed("gao")
    answer = office.post(
        gao, f"/console/accounts/{account.id}",
        {"called": "某某", **roles(("reviewer", CITY, ""), ("editor", DISTRICT, POLICE))},
    )  # fmt: skip
    assert answer.status_code == 303, told(answer)
    changed = office.account(account.name)
    assert changed.called == "某某"
    assert changed.grants == (Grant(Role.REVIEWER, CITY), Grant(Role.EDITOR, DISTRICT, POLICE))
    entry = on_record(office, account.name, "account.grants")
    assert (entry.who, entry.region) == ("gao", CITY)
    assert entry.detail == {"before": ["editor 980100"], "after": ["reviewer 980100", f"editor {DISTRICT} {POLICE}"]}


def test_a_disabled_account_is_out_and_comes_back(office: Office) -> None:
    account = somebody(office)
    client = office.sign_in(account.name, PASSWORD)
    path = f"/console/accounts/{account.id}/enable"
    office.post(office.signed("gao"), path, enabled="no", why="调离")
    assert client.get("/console/me").status_code == 303
    assert on_record(office, account.name, "account.enable").why == "调离"
    office.post(office.signed("gao"), path, enabled="yes")
    assert office.sign_in(account.name, PASSWORD).get("/console/me").status_code == 200


def test_a_password_is_reset_and_the_old_one_and_all_sessions_end(office: Office) -> None:
    account = somebody(office)
    client = office.sign_in(account.name, PASSWORD)
    answer = office.post(office.signed("gao"), f"/console/accounts/{account.id}/reset")
    given = GIVEN.search(answer.text)
    assert given
    assert given[1] not in str(answer.headers)
    assert answer.headers["cache-control"] == "no-store"
    assert client.get("/console/me").status_code == 303
    with office.client() as again:
        assert again.post("/console/sign-in", data={"name": account.name, "password": PASSWORD}).status_code == 401
    assert office.sign_in(account.name, given[1])
    assert given[1] not in repr(on_record(office, account.name, "account.reset"))


def test_a_locked_account_is_unlocked(office: Office) -> None:
    account = somebody(office)
    with office.client() as client:
        for _ in range(signing.TRIES):
            client.post("/console/sign-in", data={"name": account.name, "password": "wrong"})
    assert "已锁定" in office.signed("gao").get(f"/console/accounts/{account.id}").text
    office.post(office.signed("gao"), f"/console/accounts/{account.id}/unlock")
    assert office.sign_in(account.name, PASSWORD)
    assert on_record(office, account.name, "account.unlock").who == "gao"


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "请至少选一个角色"),
        ([("editor", "990000", "")], "请给每个角色选一个地区"),
        ([("editor", "450000", "")], "您管不到"),
        ([("administrator", "000000", "")], "您管不到"),
        ([("administrator", CITY, POLICE)], "管理员不分部门"),
        ([("owner", CITY, "")], "不符合要求"),
    ],
)
def test_roles_that_cannot_be_given_are_refused(office: Office, rows: list[tuple[str, str, str]], why: str) -> None:
    account = somebody(office)
    answer = office.post(office.signed("gao"), f"/console/accounts/{account.id}", {"called": "某人", **roles(*rows)})
    assert (answer.status_code, why in told(answer)) == (422, True)
    assert office.account(account.name).grants == account.grants


# -- nobody is left without an administrator --


def test_nobody_disables_or_demotes_themselves(office: Office) -> None:
    office.hire("gao2", "高二", ADMINISTRATOR)
    gao, path = office.signed("gao"), f"/console/accounts/{office.account('gao').id}"
    for answer in (
        office.post(gao, f"{path}/enable", enabled="no"),
        office.post(gao, path, {"called": "高远", **roles(("editor", CITY, ""))}),
        office.post(gao, path, {"called": "高远", **roles(("administrator", DISTRICT, ""))}),
    ):
        assert answer.status_code == 409
        assert "自己就进不来了" in told(answer)
    assert office.account("gao").grants == (ADMINISTRATOR,)
    kept = office.post(gao, path, {"called": "高远", **roles(("administrator", CITY, ""), ("editor", CITY, ""))})
    assert kept.status_code == 303
    office.post(gao, path, {"called": "高远", **roles(("administrator", CITY, ""))})


@pytest.mark.parametrize("what", ["", "/enable", "/reset", "/unlock", "new"])
def test_who_was_disabled_while_their_form_was_on_its_way_changes_nothing(
    office: Office, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, gao2 = somebody(office), somebody(office, ADMINISTRATOR)
    alone = accounts.alone
    path = "/console/accounts/new" if what == "new" else f"/console/accounts/{account.id}{what}"

    def after_another(session: Session) -> None:
        alone(session)
        session.execute(update(AccountRow).where(AccountRow.id == gao2.id).values(enabled=False))

    with closing(office.sign_in(gao2.name, PASSWORD)) as client:
        csrf = office.csrf(client)
        monkeypatch.setattr(accounts, "alone", after_another)
        fields = {"csrf": csrf, "name": "late", "called": "某人", "enabled": "no", **roles(("reviewer", CITY, ""))}
        assert client.post(path, data=fields).status_code == 403
    assert office.account(account.name) == account


def test_the_only_administrator_of_a_district_may_go_where_the_city_has_one(office: Office) -> None:
    account = somebody(office, Grant(Role.ADMINISTRATOR, "980103"))
    path = f"/console/accounts/{account.id}"
    fields = {"called": "某人", **roles(("editor", "980103", ""))}
    assert office.post(office.signed("gao"), path, fields).status_code == 303
    assert office.post(office.signed("gao"), path, {**fields, **roles(("administrator", "980103", ""))}).is_redirect
    assert office.post(office.signed("gao"), f"{path}/enable", enabled="no").status_code == 303


# -- others' accounts --


@pytest.mark.parametrize("what", ["", "/enable", "/reset", "/unlock"])
@pytest.mark.parametrize("grants", [(EDITOR,), (Grant(Role.EDITOR, DISTRICT), Grant(Role.EDITOR, "980103"))])
def test_an_administrator_reaches_no_account_with_a_role_elsewhere(
    office: Office, what: str, grants: tuple[Grant, ...]
) -> None:
    account, song = somebody(office, *grants), office.signed("song")
    assert song.get(f"/console/accounts/{account.id}").status_code == 404
    fields = {"called": "改名", "enabled": "no", **roles(("editor", DISTRICT, ""))}
    assert office.post(song, f"/console/accounts/{account.id}{what}", fields).status_code == 404
    assert office.account(account.name) == account
    assert f"/console/accounts/{account.id}" not in song.get("/console/accounts").text


def test_an_administrator_keeps_the_accounts_of_the_own_district(office: Office) -> None:
    account, song = somebody(office, Grant(Role.EDITOR, DISTRICT)), office.signed("song")
    assert f"/console/accounts/{account.id}" in song.get("/console/accounts").text
    path = f"/console/accounts/{account.id}"
    assert office.post(song, path, {"called": "某人", **roles(("reviewer", DISTRICT, ""))}).status_code == 303
    answer = office.post(song, path, {"called": "某人", **roles(("reviewer", CITY, ""))})
    assert (answer.status_code, "您管不到云桥市" in told(answer)) == (422, True)
    assert "980103" not in song.get(path).text


@pytest.mark.parametrize("name", ["lin", "zhou", "sun", "qian"])
def test_who_is_no_administrator_sees_and_changes_no_account(office: Office, name: str) -> None:
    client, account = office.signed(name), office.account("qian")
    paths = ["/console/accounts", "/console/accounts/new", f"/console/accounts/{account.id}"]
    assert {client.get(path).status_code for path in paths} == {403}
    posts = ["/console/accounts/new", *(f"/console/accounts/{account.id}{it}" for it in ("", "/enable", "/reset"))]
    fields = {"name": "mine", "called": "我", **roles(("administrator", CITY, ""))}
    assert {office.post(client, path, fields).status_code for path in posts} == {403}
    assert office.account("qian") == account


@pytest.mark.parametrize("what", ["", "/enable", "/reset", "/unlock"])
def test_a_forged_form_changes_no_account(office: Office, what: str) -> None:
    account, gao = somebody(office), office.signed("gao")
    fields = {
        "csrf": office.csrf(office.signed("lin")),
        "called": "改名",
        "enabled": "no",
        **roles(("editor", CITY, "")),
    }
    path = f"/console/accounts/{account.id}{what}"
    assert gao.post(path, data=fields).status_code == 403
    own = {**fields, "csrf": office.csrf(gao)}
    assert gao.post(path, data=own, headers={"Origin": "https://evil.example"}).status_code == 403
    assert office.account(account.name) == account


def test_what_somebody_is_called_is_never_markup(office: Office) -> None:
    name = "<img src=x onerror=alert(1)>"
    account = office.hire(f"somebody{next(_numbers)}", name, EDITOR)
    gao = office.signed("gao")
    for path in ("/console/accounts", f"/console/accounts/{account.id}"):
        assert "<img src=x" not in gao.get(path).text
    assert "<img src=x" not in office.sign_in(account.name, PASSWORD).get("/console/me").text


def test_names_are_asked_for_in_words_people_know(office: Office) -> None:
    fields = {"called": "王芳", "name": "王芳", **roles(("editor", CITY, ""))}
    answer = office.post(office.signed("gao"), "/console/accounts/new", fields)
    assert (answer.status_code, "登录名用 2 到 60 个小写字母" in told(answer)) == (422, True)
