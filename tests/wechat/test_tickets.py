"""Tickets by which an online application learns who arrives."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import structlog

from tests.channels.town import STAFF, Town, town
from tests.wechat.arriving import APPLICATION, SHARED, arrive, back, come, cookies, go, opened, shown
from tests.wechat.citizen import ACCOUNT
from tests.wechat.platform_server import PlatformServer

__all__ = ["opened", "town"]  # fixtures

ZHANG = "o-zhang"
OURS = {"Authorization": f"Bearer {SHARED}"}
SIGN_IN = "sns/oauth2/access_token"


@pytest.fixture(autouse=True)
def zhang(platform: PlatformServer) -> None:
    """Who holds the phone."""
    platform.citizen(ZHANG)


def redeem(town: Town, ticket: str, headers: dict[str, str] = OURS) -> httpx.Response:
    return town.client.post("/api/wechat/tickets", json={"ticket": ticket}, headers=headers)


def ticket_of(answer: httpx.Response) -> str:
    (ticket,) = parse_qs(urlsplit(answer.headers["location"]).query)["ticket"]
    return ticket


def test_an_online_application_learns_once_who_arrives(town: Town) -> None:
    answer = come(town, f"{APPLICATION}/form?a=1#top")
    assert re.fullmatch(rf"{APPLICATION}/form\?a=1&ticket=[\w-]{{32}}#top", answer.headers["location"])
    assert cookies(answer) == {}
    told = redeem(town, ticket_of(answer))
    assert told.json() == {"appid": ACCOUNT.appid, "openid": ZHANG}
    assert told.headers["cache-control"] == "no-store"
    assert redeem(town, ticket_of(answer)).status_code == 404


def test_only_a_server_with_a_token_learns_it(town: Town) -> None:
    ticket = ticket_of(come(town, f"{APPLICATION}/form"))
    for headers in ({}, {"Authorization": "Bearer 0123456789abcdef"}, STAFF, {"Cookie": "x=y"}):
        assert redeem(town, ticket, headers).status_code == 401
    assert redeem(town, ticket).status_code == 200


def test_an_application_learns_nothing_by_anothers_ticket(town: Town) -> None:
    ticket = ticket_of(come(town, f"{APPLICATION}/form"))
    assert redeem(town, ticket, {"Authorization": f"Bearer {SHARED}-of-another"}).status_code == 404


@pytest.mark.parametrize("ticket", ["x", "0" * 32, "票" * 100])
def test_a_ticket_that_is_none_is_said_so(town: Town, ticket: str) -> None:
    assert redeem(town, ticket).status_code == 404
    assert redeem(town, ticket).json()["code"] == "no_ticket"


def test_where_the_platform_does_not_tell_one_may_try_again_or_go_as_anybody(
    town: Town, platform: PlatformServer
) -> None:
    platform.fail(SIGN_IN, 40029, times=3)
    answer = come(town, f"{APPLICATION}/form?a=1&b=2")
    assert answer.status_code == 200
    assert "不是您的错" in shown(answer)
    assert f'href="{APPLICATION}/form?a=1&amp;b=2"' in answer.text
    (again,) = re.findall(r'href="(/wechat/go[^"]+)"', answer.text)
    platform.reset()
    platform.citizen(ZHANG)
    assert ticket_of(arrive(town, back(town.client.get(again, follow_redirects=False))))


def test_logs_hold_no_openid_code_state_or_ticket(town: Town, platform: PlatformServer) -> None:
    with structlog.testing.capture_logs() as logged:
        address = back(go(town, f"{APPLICATION}/form"))
        ticket = ticket_of(arrive(town, address))
        redeem(town, ticket)
        platform.fail(SIGN_IN, 40029, times=3)
        come(town, "/book/mine")
    query = parse_qs(urlsplit(address).query)
    assert [one["event"] for one in logged if "sign_in" in one["event"]] == ["wechat.sign_in_failed"]
    for secret in (ZHANG, ACCOUNT.secret, ticket, query["code"][0], query["state"][0]):
        assert secret not in repr(logged)
