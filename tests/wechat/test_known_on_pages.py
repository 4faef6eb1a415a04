"""Citizens who arrived known, on the pages where appointments are booked and shown."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import httpx
import pytest

from channels.web.citizens import COOKIE
from channels.wechat.letters import Incoming, Kind
from core.clock import CHINA
from desk.appointments import Appointment
from desk.people import Person
from tests.channels.town import KEY, PERSON, Town, other, rules, town
from tests.wechat.arriving import come, elsewhere, opened, shown
from tests.wechat.citizen import ACCOUNT
from tests.wechat.platform_server import PlatformServer

__all__ = ["opened", "town"]  # fixtures

WRITER = Incoming("", ACCOUNT.appid, "o-zhang", "", Kind.TEXT)  # the same citizen, writing a message
KNOWN = f"__Host-{COOKIE}"


@pytest.fixture(autouse=True)
def zhang(platform: PlatformServer, town: Town) -> None:
    """Has followed a link to our pages."""
    platform.citizen("o-zhang")
    come(town, "/book")


def day_page(town: Town) -> str:
    """Where the form is."""
    step = f"/book?guide={town.guide()}&window={town.window().id}&day={town.watch.tomorrow}"
    answer = town.client.get(step)
    assert answer.status_code == 200
    return answer.text


def sent(page: str) -> dict[str, str]:
    """The form as it is shown, what is ticked included."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    return fields | dict(re.findall(r'<input type="checkbox" name="(\w+)" value="(\w+)"[^>]* checked>', page))


def book(town: Town, hour: int = 9, headers: dict[str, str] | None = None, **fields: str) -> httpx.Response:
    """Fill in the form that is shown, and send it."""
    form = sent(day_page(town)) | {"starts": f"{town.watch.tomorrow}T{hour:02}:00"} | PERSON | fields
    return town.client.post("/book", data=form, headers=headers, follow_redirects=False)


def theirs(town: Town) -> tuple[Appointment, ...]:
    return town.house.desk.mine(WRITER.owner)


def mine(town: Town) -> str:
    return shown(town.client.get("/book/mine"))


def by_message(town: Town, hour: int, **fields: str) -> Appointment:
    """Book as the conversation in WeChat does."""
    person = Person(**PERSON | fields)
    at = datetime.combine(town.watch.tomorrow, datetime.min.time(), CHINA) + timedelta(hours=hour)
    return town.house.desk.book(town.guide(), town.window().id, at, person, owner=WRITER.owner, key=f"m{hour}")


def later(town: Town, **time: int) -> None:
    town.watch.time += timedelta(**time)


# -- booking --


def test_what_is_booked_is_the_citizens_and_reaches_them_in_wechat(town: Town) -> None:
    assert "前一天在微信里提醒我" in day_page(town)
    assert book(town).status_code == 303
    (made,) = theirs(town)
    details = town.house.desk.held(made.id).details
    assert details is not None
    assert details.address == WRITER.address
    assert made.remind


def test_who_wants_no_reminder_gets_none(town: Town) -> None:
    form = sent(day_page(town))
    assert form.pop("remind") == "1"
    form |= {"starts": f"{town.watch.tomorrow}T09:00"} | PERSON
    wrong = town.client.post("/book", data=form | {"phone": "1"})
    assert 'name="remind"' in wrong.text
    assert "remind" not in sent(wrong.text), "the tick stays as it was set"
    assert town.client.post("/book", data=form, follow_redirects=False).status_code == 303
    assert [one.remind for one in theirs(town)] == [False]


def test_two_taps_book_once_and_what_was_cancelled_can_be_booked_again(town: Town) -> None:
    assert book(town, key=KEY).headers["location"]
    assert book(town, key=KEY).status_code == 303
    (made,) = theirs(town)
    town.house.desk.cancel(made.id, by=made.owner)
    assert book(town).status_code == 303
    (again,) = theirs(town)
    assert again.number != made.number


def test_the_limit_of_an_account_counts_pages_and_messages_together(town: Town) -> None:
    rules(town, account_limit=2, windows={})
    by_message(town, 9)
    assert book(town, 10, **other(1)).status_code == 303
    refused = book(town, 11, **other(2))
    assert refused.status_code == 409
    assert "已经有 2 个没办的预约了" in shown(refused)
    assert len(theirs(town)) == 2
    town.client.cookies.clear()
    assert book(town, 11, **other(2)).status_code == 303, "of another account"


def test_who_is_known_no_more_is_told_before_anything_is_booked(town: Town) -> None:
    form = sent(day_page(town)) | {"starts": f"{town.watch.tomorrow}T09:00"} | PERSON
    later(town, hours=2, seconds=1)
    told = town.client.post("/book", data=form, follow_redirects=False)
    assert told.status_code == 422
    assert "认不出您是从微信来的" in shown(told)
    assert 'name="remind"' not in told.text
    again = sent(told.text) | {"starts": f"{town.watch.tomorrow}T09:00"} | PERSON
    assert town.client.post("/book", data=again, follow_redirects=False).status_code == 303
    assert theirs(town) == ()


def test_who_never_arrived_books_as_before_and_is_offered_no_reminder(town: Town) -> None:
    town.client.cookies.clear()
    assert 'name="remind"' not in day_page(town)
    answer = book(town, remind="1")
    assert answer.status_code == 303
    made = town.house.desk.by_slip(answer.headers["location"].rpartition("/")[2])
    assert made.owner.startswith("page:")
    assert not made.remind


def test_another_sites_form_books_nothing_for_a_citizen(town: Town) -> None:
    fields = sent(day_page(town)) | {"starts": f"{town.watch.tomorrow}T09:00"} | PERSON
    for site in ("same-site", "cross-site"):
        answer = town.client.post("/book", data=fields, headers={"Sec-Fetch-Site": site}, follow_redirects=False)
        assert answer.status_code == 422
    del fields["arrived"]
    answer = town.client.post(
        "/book", data=fields, headers={"Sec-Fetch-Site": "same-site"}, follow_redirects=False
    )  # fmt: skip
    assert answer.status_code == 303, "as anybody could, who has no cookie"
    assert theirs(town) == ()
    answer = book(town, 10, headers={"Sec-Fetch-Site": "same-origin"}, **other(1))
    assert answer.status_code == 303
    assert len(theirs(town)) == 1


def test_programs_book_for_nobody_in_particular_whatever_cookie_they_send(town: Town) -> None:
    body = {"guide": town.guide(), "window": town.window().id, "starts": f"{town.watch.tomorrow}T09:00:00+08:00"}
    answer = town.client.post("/api/appointments", json=body | PERSON, headers={"Idempotency-Key": KEY})
    assert answer.status_code == 201
    assert theirs(town) == ()
    assert town.house.desk.by_slip(answer.json()["slip"]).owner == f"page:{KEY}"


# -- my appointments --


def test_their_appointments_are_shown_without_number_and_code(town: Town) -> None:
    assert "您现在没有约好的号" in mine(town)
    by_message(town, 9)
    book(town, 14, **other(1))
    page = town.client.get("/book/mine")
    assert "10月16日 周五 09:00" in shown(page)
    assert "10月16日 周五 14:00" in shown(page)
    for one in theirs(town):
        assert one.number not in page.text
    for name in ("张伟", "李娜", PERSON["phone"]):
        assert name not in page.text
    slips = re.findall(r'href="(/book/slip/[^"]+)"', page.text)
    assert [town.house.desk.by_slip(one.rpartition("/")[2]) for one in slips] == list(theirs(town))
    assert "预约好了" in shown(town.client.get(slips[0]))


def test_somebody_elses_stay_theirs(town: Town, platform: PlatformServer) -> None:
    book(town)
    other_phone = elsewhere(town)
    assert "您在微信里约的" not in other_phone.get("/book/mine").text
    platform.backend.visitor = platform.citizen("o-li").openid
    come(town, "/book/mine")
    assert "您现在没有约好的号" in mine(town)


def test_a_wrong_number_is_told_beside_their_own_appointments(town: Town) -> None:
    book(town)
    answer = town.client.post("/book/mine", data={"number": "1234567890", "code": "000000"})
    assert answer.status_code in (404, 422)
    assert "您在微信里约的" in answer.text
    assert 'role="alert"' in answer.text


def test_a_citizen_leaves(town: Town) -> None:
    book(town)
    page = town.client.get("/book/mine")
    assert '<form method="post" action="/book/leave">' in page.text
    left = town.client.post("/book/leave", follow_redirects=False)
    assert (left.status_code, left.headers["location"]) == (303, "/book/mine")
    assert town.client.cookies.get(KNOWN) is None
    assert "您在微信里约的" not in mine(town)
    assert 'name="remind"' not in day_page(town)


def test_where_the_next_sign_in_fails_whoever_was_known_before_is_known_no_more(
    town: Town, platform: PlatformServer
) -> None:
    assert "您在微信里约的" in mine(town)
    platform.fail(
        "sns/oauth2/access_token", 40029
    )  # somebody else has the phone now, and the platform does not tell who
    assert come(town, "/book/mine").status_code == 303
    assert "您在微信里约的" not in mine(town)


def test_after_two_hours_one_is_known_no_more_though_the_browser_kept_the_cookie(town: Town) -> None:
    later(town, hours=1, minutes=59)
    assert "您在微信里约的" in mine(town)
    later(town, minutes=2)
    assert KNOWN in town.client.cookies
    assert "您在微信里约的" not in mine(town)


def test_nothing_else_that_is_locked_makes_anybody_known(town: Town) -> None:
    book(town)
    (made,) = theirs(town)
    kept = town.client.cookies[KNOWN]
    vault = town.house.vault
    false = f'{{"owner": "{WRITER.owner}", "address": "x y", "until": "2099-01-01T00:00:00Z"}}'
    town.client.cookies.clear()
    for forged in (town.house.desk.slip(made), vault.lock(false), vault.lock("citizen {}"), kept[:-2], "x", "é"):
        answer = town.client.get("/book/mine", headers={"Cookie": f"{KNOWN}={forged}".encode()})
        assert answer.status_code == 200
        assert "您在微信里约的" not in answer.text
    assert town.client.get(f"/book/slip/{kept}").status_code == 404
    assert "您在微信里约的" in town.client.get("/book/mine", headers={"Cookie": f"{KNOWN}={kept}"}).text
