"""Signing in and out, the own password, and what keeps others from doing it for somebody."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from channels.console import devices
from channels.console.clerks import COOKIE
from channels.web.limits import WRONG_SIGN_INS
from core import clock
from staff import accounts, signing
from staff.audit import Entry
from staff.permissions import Grant, Role
from tests.console.conftest import CITY, PASSWORD, Office, Visit, axe

NEW = "白云深处-tests-2027"
EDITOR = Grant(Role.EDITOR, CITY)
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def nothing_tried(office: Office) -> Iterator[None]:
    """Nobody failed from this address yet, and the clock is put back."""
    time = office.watch.time
    office.forget()
    yield
    office.watch.time = time


def somebody(office: Office) -> str:
    """A new editor's name."""
    return office.hire(f"editor{next(_numbers)}", "某人", EDITOR).name


def newcomer(office: Office) -> tuple[str, str]:
    """Name and one-time password of somebody who never signed in."""
    with office.house.writing.begin() as session:
        name = f"new{next(_numbers)}"
        return name, accounts.make(session, name, "新人", grants=[EDITOR], by="tests", at=clock.now())[1]


def enter(page: Page, name: str, password: str) -> None:
    page.get_by_label("登录名").fill(name)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录", exact=True).click()


def on_record(office: Office, name: str, act: str) -> tuple[Entry, ...]:
    with office.house.reading() as session:
        return office.house.audit.entries(session, act=act, subject=f"account:{name}")


def tries(office: Office, name: str, password: str) -> tuple[int, str]:
    """The status and what is told."""
    with office.client() as client:
        answer = client.post("/console/sign-in", data={"name": name, "password": password})
    told = re.search(r'role="alert"[^>]*>([^<]*)<', answer.text)
    return answer.status_code, told[1] if told else ""


# -- in a browser --


def test_one_signs_in_after_a_slip_and_arrives_where_one_wanted_to_go(office: Office, visit: Visit) -> None:
    name = somebody(office)
    page = visit("", "/console/me")
    expect(page.get_by_role("heading", level=1)).to_have_text("登录工作台")
    enter(page, name, "不是这个密码")
    expect(page.get_by_role("alert")).to_have_text("登录名或密码不对，请检查后再试。")
    expect(page.get_by_label("登录名")).to_have_value(name)
    expect(page.get_by_label("密码")).to_have_value("")
    axe(page)
    enter(page, name, PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("我的账号")
    expect(page.get_by_role("main")).to_contain_text("编辑，云桥市，全部部门")
    expect(page.get_by_role("row").last).to_contain_text("Chrome")
    axe(page, night=False)


def test_a_one_time_password_must_be_changed_before_anything_else(office: Office, visit: Visit) -> None:
    name, given = newcomer(office)
    page = visit("", "/console/sign-in", java_script_enabled=True)
    enter(page, name, given)
    expect(page.get_by_role("heading", level=1)).to_have_text("修改密码")
    page.goto(office.address + "/console/me")
    expect(page).to_have_url(office.address + "/console/password")
    page.get_by_label("现在的密码").fill(given)
    page.get_by_label("新密码（必填）", exact=True).fill(NEW)
    page.get_by_label("再输一次新密码").fill(NEW + "。")
    page.get_by_role("button", name="修改密码").click()
    expect(page.get_by_label("再输一次新密码")).to_have_attribute("aria-invalid", "true")
    axe(page)
    page.get_by_label("现在的密码").fill(given)
    page.get_by_label("新密码（必填）", exact=True).fill(NEW)
    page.get_by_label("再输一次新密码").fill(NEW)
    page.get_by_role("button", name="修改密码").click()
    expect(page).not_to_have_url(re.compile("password"))
    assert not office.account(name).must_change
    assert len(on_record(office, name, "account.password")) == 1


def test_signing_out_everywhere_ends_every_browser(office: Office, visit: Visit) -> None:
    name = somebody(office)
    other = office.sign_in(name, PASSWORD)
    page = visit("", "/console/sign-in?next=/console/me")
    enter(page, name, PASSWORD)
    expect(page.get_by_role("row")).to_have_count(3)
    page.get_by_text("全部退出", exact=True).click()
    page.get_by_role("button", name="退出所有设备").click()
    expect(page.get_by_role("status")).to_have_text("已在所有设备上退出。")
    page.goto(office.address + "/console/me")
    expect(page.get_by_role("heading", level=1)).to_have_text("登录工作台")
    assert other.get("/console/me").headers["location"] == "/console/sign-in?next=/console/me"
    assert on_record(office, name, "sign.out")[0].detail == {"everywhere": True}


# -- signing in --


def test_an_unknown_name_a_wrong_password_and_a_disabled_account_are_told_alike(office: Office) -> None:
    known, gone = somebody(office), somebody(office)
    with office.house.writing.begin() as session:
        accounts.enable(session, office.account(gone).id, False)
    told = {tries(office, *one) for one in ((known, "wrong"), (gone, PASSWORD), ("nobody-here", PASSWORD), ("", ""))}
    assert told == {(401, "登录名或密码不对，请检查后再试。")}
    assert on_record(office, known, "sign.failed")[0].who == known


def test_five_wrong_passwords_lock_the_account_and_tell_for_how_long(office: Office) -> None:
    name = somebody(office)
    for _ in range(4):
        assert "不对" in tries(office, name, "wrong")[1]
    locked = (401, "密码连续输错 5 次，账号已锁定。请过 15 分钟再试，或者请管理员重置密码。")
    assert tries(office, name, "wrong") == locked
    assert tries(office, name, PASSWORD) == locked
    assert on_record(office, name, "sign.locked")
    office.watch.pass_(minutes=15)
    assert tries(office, name, PASSWORD)[0] == 303


def test_a_browser_in_which_one_signed_in_before_stays_open_while_strangers_lock_the_name(office: Office) -> None:
    name = somebody(office)
    mine = {"name": name, "password": PASSWORD}
    with closing(office.sign_in(name, PASSWORD)) as client:
        for _ in range(signing.TRIES):
            tries(office, name, "wrong")
        assert "已锁定" in tries(office, name, PASSWORD)[1]
        assert client.post("/console/sign-in", data=mine).status_code == 303
        office.post(client, "/console/password", old=PASSWORD, new=NEW, again=NEW)
        mine["password"] = NEW
        assert client.post("/console/sign-in", data=mine).status_code == 303
        assert "已锁定" in tries(office, name, NEW)[1]
        for _ in range(signing.TRIES):
            assert "不对" in client.post("/console/sign-in", data={**mine, "password": "wrong"}).text
        assert "已锁定" in client.post("/console/sign-in", data=mine).text


def test_an_address_that_fails_too_often_is_refused_for_a_while(office: Office) -> None:
    name = somebody(office)
    for at in range(WRONG_SIGN_INS):
        assert tries(office, f"nobody{at}", "wrong")[0] == 401
    status, told = tries(office, name, PASSWORD)
    assert status == 429
    assert re.fullmatch(r"这个网络登录失败的次数太多了，请过 \d+ 分钟再试。", told)


@pytest.mark.parametrize(
    ("to", "arrives"),
    [
        ("/console/me?a=1", "/console/me?a=1"),
        ("/console", "/console"),
        ("", "/console"),
        ("https://evil.example/console/", "/console"),
        ("//evil.example/console/", "/console"),
        ("/\\evil.example", "/console"),
        ("/console/..//evil.example", "/console"),
        ("/console/%2e%2e//evil.example", "/console"),
        ("/consoles", "/console"),
        ("/book", "/console"),
        ("javascript:alert(1)", "/console"),
        ("/console/me\r\nSet-Cookie: a=b", "/console"),
        ("http://[", "/console"),
        ("/console/sign-out", "/console"),
        ("/console/me?a=" + "1" * 2000, "/console"),
    ],
)
def test_after_signing_in_one_stays_within_the_console(office: Office, to: str, arrives: str) -> None:
    with office.client() as client:
        answer = client.post("/console/sign-in", data={"name": "lin", "password": PASSWORD, "next": to})
        assert (answer.status_code, answer.headers["location"]) == (303, arrives)
        assert client.get("/console/sign-in", params={"next": to}).headers["location"] == arrives


@pytest.mark.parametrize(("length", "query"), [(1900, True), (2100, False)])
def test_whose_session_ended_at_a_very_long_address_signs_in_and_begins_at_the_front(
    office: Office, length: int, query: bool
) -> None:
    with office.client() as client:
        asked = client.get("/console/faqs/new", params={"question": "a" * 900, "settle": "1" * (length - 900)})
        to = asked.headers["location"]
        assert ("next" in to, client.get(to).status_code) == (query, 200)
        assert client.get("/console/sign-in", params={"next": "/console/me?" + "a" * length}).status_code == 200


@pytest.mark.parametrize("path", ["/console/conversations?page=x", "/console/guides?page=x", "/console?days=x"])
def test_an_odd_filter_is_told_without_our_names_for_it(office: Office, path: str) -> None:
    answer = office.signed("zhou").get(path)
    assert (answer.status_code, "地址里有看不懂的内容" in answer.text) == (422, True)
    assert not re.search(r"请检查：|\b(page|days)\b。", answer.text)


def test_signing_in_makes_a_fresh_session_and_ends_the_one_before(office: Office) -> None:
    with office.client() as client:
        client.cookies.set(COOKIE, "planted" * 6)
        client.post("/console/sign-in", data={"name": "lin", "password": PASSWORD})
        first = client.cookies.get(COOKIE, domain="localhost.local")
        assert first != "planted" * 6
        client.cookies.clear()
        client.cookies.set(COOKIE, first)
        client.post("/console/sign-in", data={"name": "lin", "password": PASSWORD})
    assert [shown(office, token) for token in ("planted" * 6, first)] == [303, 303]


def test_the_cookie_is_kept_from_scripts_and_other_sites(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(cookie: str = COOKIE) -> str:
        with office.client() as client:
            answer = client.post("/console/sign-in", data={"name": "lin", "password": PASSWORD})
        return next(one for one in answer.headers.get_list("set-cookie") if cookie in one)

    plain = made()
    known = made(devices.COOKIE)
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=7776000"} <= set(known.split("; "))
    assert plain.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=36000"} <= set(plain.split("; "))
    monkeypatch.setattr(office.house.settings, "public_url", "https://bangban.example")
    safe = made()
    assert safe.startswith(f"__Host-{COOKIE}=")
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Secure"} <= set(safe.split("; "))
    assert "domain" not in safe.lower()


def test_a_password_of_half_a_million_marks_is_wrong_like_any_other_and_holds_nobody_up(office: Office) -> None:
    marks = "a" + "\u0301" * 260_000 + "\u0327" * 260_000  # a form may have a megabyte
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with office.client() as client:
        for typed in (f"name=lin&password={marks}", f"name={marks}&password=x"):
            answer = client.post("/console/sign-in", content=typed.encode(), headers=form)
            assert (answer.status_code, "登录名或密码不对" in answer.text) == (401, True)
    answer = office.post(office.signed("zhou"), "/console/password", old="a" + "\u0301" * 80_000, new=NEW, again=NEW)
    assert (answer.status_code, "现在的密码不对" in answer.text) == (422, True)


# -- staying signed in --


@pytest.mark.parametrize(("times", "minutes", "status"), [(1, 59, 200), (1, 60, 303), (12, 50, 303)])
def test_a_session_ends_after_an_idle_hour_or_its_ten_hours(
    office: Office, times: int, minutes: int, status: int
) -> None:
    with closing(office.sign_in("lin", PASSWORD)) as client:
        for _ in range(times):
            office.watch.pass_(minutes=minutes)
            answer = client.get("/console/me")
        assert answer.status_code == status


def test_a_disabled_account_is_out_at_once(office: Office) -> None:
    name = somebody(office)
    with closing(office.sign_in(name, PASSWORD)) as client, office.house.writing.begin() as session:
        accounts.enable(session, office.account(name).id, False)
    assert shown(office, client.cookies[COOKIE]) == 303


def shown(office: Office, token: str) -> int:
    """What a browser with that cookie gets."""
    with office.client() as client:
        client.cookies.set(COOKIE, token)
        return client.get("/console/me").status_code


def test_signing_out_is_a_form_and_ends_the_session_on_the_server(office: Office) -> None:
    name = somebody(office)
    with closing(office.sign_in(name, PASSWORD)) as client:
        token = client.cookies[COOKIE]
        assert client.get("/console/sign-out").status_code == 405
        assert client.get("/console/me").status_code == 200
        answer = office.post(client, "/console/sign-out")
    assert answer.headers["location"] == "/console/sign-in"
    assert any(one.startswith(f'{COOKIE}=""') for one in answer.headers.get_list("set-cookie"))
    assert shown(office, token) == 303
    assert len(on_record(office, name, "sign.out")) == 1


def test_changing_the_password_ends_the_other_sessions_and_keeps_this_one(office: Office) -> None:
    name = somebody(office)
    with closing(office.sign_in(name, PASSWORD)) as here, closing(office.sign_in(name, PASSWORD)) as there:
        answer = office.post(here, "/console/password", old=PASSWORD, new=NEW, again=NEW)
        assert answer.headers["location"] == "/console/me"
        assert here.get("/console/me").status_code == 200
        assert there.get("/console/me").status_code == 303
    assert tries(office, name, PASSWORD)[0] == 401
    assert tries(office, name, NEW)[0] == 303


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"old": "wrong", "new": NEW, "again": NEW}, "现在的密码不对"),
        ({"old": PASSWORD, "new": "short", "again": "short"}, "密码至少 10 个字符"),
        ({"old": PASSWORD, "new": "1234567890", "again": "1234567890"}, "很容易猜到"),
        ({"old": PASSWORD, "new": PASSWORD, "again": PASSWORD}, "和现在的一样"),
        ({"old": PASSWORD, "new": NEW, "again": ""}, "两次输入的新密码不一样"),
    ],
)
def test_what_is_wrong_with_a_new_password_is_told_and_nothing_changes(
    office: Office, fields: dict[str, str], told: str
) -> None:
    answer = office.post(office.signed("zhou"), "/console/password", fields)
    assert (answer.status_code, told in answer.text) == (422, True)
    assert PASSWORD not in answer.text
    assert tries(office, "zhou", PASSWORD)[0] == 303


# -- forged --


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        ("", {}),
        ("0" * 64, {}),
        ("of zhou", {}),
        ("own", {"Origin": "https://evil.example"}),
        ("own", {"Origin": "http://localhost:1"}),
        ("own", {"Sec-Fetch-Site": "cross-site"}),
        ("own", {"Sec-Fetch-Site": "same-site"}),
    ],
)
def test_a_form_that_is_not_from_our_own_page_does_nothing(office: Office, token: str, headers: dict[str, str]) -> None:
    client = office.signed("lin")
    tokens = {"own": office.csrf(client), "of zhou": office.csrf(office.signed("zhou"))}
    data = {"csrf": tokens.get(token, token)}
    answer = client.post("/console/me/sign-out-everywhere", data=data, headers=headers)
    assert answer.status_code == 403
    assert "来路不明" in answer.text
    assert client.get("/console/me").status_code == 200


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_no_other_site_signs_somebody_in(office: Office, headers: dict[str, str]) -> None:
    with office.client() as client:
        answer = client.post("/console/sign-in", data={"name": "lin", "password": PASSWORD}, headers=headers)
    assert answer.status_code == 403
    assert not answer.headers.get_list("set-cookie")


def test_what_is_typed_for_a_name_is_not_put_on_record(office: Office) -> None:
    tries(office, "my-Secret-Password", "x")
    with office.house.reading() as session:
        found = office.house.audit.entries(session, act="sign.failed", limit=1)
    assert "secret" not in repr(found).lower()
