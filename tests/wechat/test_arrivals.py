"""From a link in a message to a page, known: by snsapi_base, at the platform's own sign-in page."""

from __future__ import annotations

import re
import threading
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from channels.web.citizens import COOKIE
from channels.wechat.letters import Incoming, Kind
from core.vault import Vault, new_key
from tests.channels.town import Town, town
from tests.wechat.arriving import (
    APPLICATION,
    OTHER,
    OURS,
    arrive,
    back,
    browser,
    come,
    cookies,
    elsewhere,
    go,
    opened,
    shown,
)
from tests.wechat.citizen import ACCOUNT
from tests.wechat.platform_server import PlatformServer

__all__ = ["opened", "town"]  # fixtures

ZHANG = "o-zhang"
KNOWN = f"__Host-{COOKIE}"
SIGN_IN = "sns/oauth2/access_token"
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0"


@pytest.fixture(autouse=True)
def zhang(platform: PlatformServer) -> None:
    """Who holds the phone."""
    platform.citizen(ZHANG)


def known(town: Town) -> bool:
    """Whether pages know this browser's citizen."""
    return "您在微信里约的" in town.client.get("/book/mine").text


def asked(platform: PlatformServer) -> int:
    """How often the platform was asked who a code is for."""
    return len(platform.calls(SIGN_IN))


# -- the way there and back --


def test_the_platform_is_asked_for_a_sign_in_that_asks_the_citizen_nothing(town: Town) -> None:
    went = go(town, "/book/mine")
    parts = urlsplit(went.headers["location"])
    query = parse_qs(parts.query)
    assert parts.path == "/connect/oauth2/authorize"
    assert parts.fragment == "wechat_redirect"
    assert list(query) == ["appid", "redirect_uri", "response_type", "scope", "state"], "WeChat wants this order"
    assert query["appid"] == [ACCOUNT.appid]
    assert query["redirect_uri"] == [f"{OURS}/wechat/arrive"]
    assert (query["response_type"], query["scope"]) == (["code"], ["snsapi_base"])
    assert re.fullmatch(r"[A-Za-z0-9]{64,128}", query["state"][0])
    assert "mine" not in went.headers["location"], "where one goes is nobody else's business"


def test_a_citizen_arrives_known_at_a_page_of_ours(town: Town) -> None:
    assert not known(town)
    answer = come(town, "/book?q=身份证")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/book?q=%E8%BA%AB%E4%BB%BD%E8%AF%81"
    assert known(town)


def test_what_the_browser_keeps_is_closed_to_scripts_to_other_sites_and_to_readers(town: Town) -> None:
    kept = cookies(come(town, "/book/mine"))[KNOWN]
    for attribute in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=7200"):
        assert attribute in kept
    assert "Domain" not in kept
    assert ZHANG not in kept
    assert Incoming("", ACCOUNT.appid, ZHANG, "", Kind.SILENT).sender not in kept
    (under_way,) = cookies(go(town, "/book/mine")).values()
    for attribute in ("HttpOnly", "Secure", "SameSite=lax", "Max-Age=300"):
        assert attribute in under_way


def test_nothing_on_the_way_is_kept_by_caches_or_betrayed_to_other_sites(town: Town) -> None:
    went = go(town, "/book/mine")
    lost = town.client.get("/wechat/arrive?code=c&state=s")
    outside = go(town, f"{APPLICATION}/form", **browser(DESKTOP))
    for answer in (went, arrive(town, back(went)), lost, outside, come(town, f"{APPLICATION}/form")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
    for told in (lost, outside):
        assert '<meta name="referrer" content="no-referrer">' in told.text


def test_each_account_has_its_own_way_and_its_own_citizens(town: Town) -> None:
    went = go(town, "/book/mine", path="/wechat/other")
    query = parse_qs(urlsplit(went.headers["location"]).query)
    assert query["appid"] == [OTHER.appid]
    assert query["redirect_uri"] == [f"{OURS}/wechat/other/arrive"]
    assert go(town, "/book/mine", path="/wechat/nobody").status_code == 404
    own = parse_qs(urlsplit(town.client.get("/wechat/go?to=/&name=other", follow_redirects=False).headers["location"]).query)  # fmt: skip
    assert own["appid"] == [ACCOUNT.appid]


def test_two_links_of_one_browser_may_be_under_way_together(town: Town) -> None:
    one, two = back(go(town, "/guides/1")), back(go(town, "/book"))
    assert arrive(town, one).headers["location"] == "/guides/1"
    assert arrive(town, two).headers["location"] == "/book"


# -- nobody arrives as somebody else, and nothing serves twice --


def test_a_state_serves_once(town: Town, platform: PlatformServer) -> None:
    address = back(go(town, "/book/mine"))
    assert KNOWN in cookies(arrive(town, address))
    town.client.cookies.delete(KNOWN)
    fresh = re.sub("code=[^&]+", f"code={platform.backend.code('o-li')}", address)
    for again in (address, fresh):
        answer = arrive(town, again)
        assert (answer.status_code, answer.headers["location"]) == (303, "/book/mine")
        assert cookies(answer) == {}
    assert asked(platform) == 1
    assert not known(town)


def test_a_browser_that_calls_twice_at_once_asks_the_platform_once(town: Town, platform: PlatformServer) -> None:
    address = back(go(town, "/book/mine"))
    answers: list[httpx.Response] = []
    with platform.held(SIGN_IN) as held:
        first = threading.Thread(target=lambda: answers.append(arrive(town, address)))
        first.start()
        platform.until(lambda: held.waiting == 1)
        second = arrive(town, address)
    first.join(20)
    assert (second.status_code, second.headers["location"], cookies(second)) == (303, "/book/mine", {})
    assert KNOWN in cookies(answers[0])
    assert asked(platform) == 1


def test_a_code_serves_once(town: Town) -> None:
    address = back(go(town, "/book/mine"))
    arrive(town, address)
    town.client.cookies.delete(KNOWN)
    another = back(go(town, "/book/mine"))
    used = parse_qs(urlsplit(address).query)["code"][0]
    answer = arrive(town, re.sub("code=[^&]+", f"code={used}", another))
    assert (answer.status_code, answer.headers["location"]) == (303, "/book/mine")
    assert not known(town)


def test_nobody_is_walked_into_anothers_sign_in(town: Town, platform: PlatformServer) -> None:
    address = back(go(town, "/book/mine"))
    victim = elsewhere(town)
    for _ in range(2):
        answer = victim.get(address, follow_redirects=False)
        assert answer.status_code == 403
        assert "请回公众号再点一次" in answer.text
        assert cookies(answer) == {}
        # With a sign-in of their own under way, too.
        victim.get("/wechat/go?to=/book", follow_redirects=False)
    assert asked(platform) == 0
    assert KNOWN in cookies(arrive(town, address)), "nor is it used up by trying"


@pytest.mark.parametrize("state", ["", "x", "0" * 96, "g" * 96, "é" * 96, "0" * 5000])
def test_a_state_that_we_never_made_leads_nowhere(town: Town, platform: PlatformServer, state: str) -> None:
    go(town, "/book/mine")
    answer = town.client.get("/wechat/arrive", params={"code": "c", "state": state}, follow_redirects=False)
    assert answer.status_code == 403
    assert asked(platform) == 0


def test_a_state_is_good_for_its_account_alone(town: Town, platform: PlatformServer) -> None:
    address = back(go(town, "/book/mine"))
    assert arrive(town, address.replace("/wechat/", "/wechat/other/")).status_code == 403
    flipped = address[:-1] + ("0" if address[-1] != "0" else "1")
    assert arrive(town, flipped).status_code == 403
    assert asked(platform) == 0


def test_a_state_made_under_the_key_before_is_still_good(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = new_key(), new_key()
    monkeypatch.setattr(town.house, "vault", Vault([old]))
    address = back(go(town, "/book/mine"))
    monkeypatch.setattr(town.house, "vault", Vault([new, old]))
    assert KNOWN in cookies(arrive(town, address))
    address = back(go(town, "/book/mine"))
    monkeypatch.setattr(town.house, "vault", Vault([new_key()]))
    assert arrive(town, address).status_code == 403


# -- what goes wrong --


def test_who_comes_too_late_is_told_to_tap_again_or_to_go_on(town: Town) -> None:
    address = back(go(town, "/book/mine"))
    assert town.client.portal
    town.client.portal.call(town.house.cache.close)  # five minutes pass, and the memory forgets
    answer = arrive(town, address)
    assert answer.status_code == 403
    assert "把刚才的链接再点一次" in shown(answer)
    for way in ("/", "/book", "/book/mine"):
        assert f'<li><a href="{way}">' in answer.text


@pytest.mark.parametrize("trouble", ["drop", "garble", 40029, 45011, -1])
def test_where_the_platform_does_not_tell_one_goes_on_unknown(
    town: Town, platform: PlatformServer, trouble: str | int
) -> None:
    address = back(go(town, "/book/mine"))
    if isinstance(trouble, int):
        platform.fail(SIGN_IN, trouble, times=3)
    else:
        getattr(platform, trouble)(SIGN_IN, times=3)
    answer = arrive(town, address)
    assert (answer.status_code, answer.headers["location"]) == (303, "/book/mine")
    assert not known(town)


@pytest.mark.parametrize("code", ["", "&code=", "&code=%00%0a", "&code=" + "x" * 2000])
def test_without_a_code_one_goes_on_unknown(town: Town, platform: PlatformServer, code: str) -> None:
    address = re.sub("code=[^&]+&?", "", back(go(town, "/book/mine"))) + code
    assert arrive(town, address).headers["location"] == "/book/mine"
    assert asked(platform) == 0


def test_outside_wechat_one_goes_on_unknown(town: Town) -> None:
    answer = go(town, "/guides/1", **browser(DESKTOP))
    assert (answer.status_code, answer.headers["location"]) == (303, "/guides/1")
    form = go(town, f"{APPLICATION}/form?a=1", **browser(DESKTOP))
    assert form.status_code == 200
    assert f'href="{APPLICATION}/form?a=1"' in form.text
    assert "apply.example" in shown(form)


@pytest.mark.parametrize("to", ["", "//evil.example", "https://evil.example/", "javascript:alert(1)", '"><script>'])
def test_a_link_to_elsewhere_is_not_followed(town: Town, to: str) -> None:
    answer = go(town, to)
    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert "evil" not in answer.text
    assert "请回到公众号" in answer.text
    assert "<script>" not in answer.text


def test_an_application_taken_off_the_list_is_led_to_no_more(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    address = back(go(town, f"{APPLICATION}/form"))
    monkeypatch.setattr(town.house.settings, "wechat_handoff", {})
    assert arrive(town, address).status_code == 403


def test_nobody_fills_the_memory_with_links(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town.house.settings, "rate_limit_address", 2)
    assert [go(town, "/book").status_code for _ in range(4)] == [303, 303, 429, 429]
