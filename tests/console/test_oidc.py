"""Single sign-on, with an issuer that is told to lie."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey
from playwright.sync_api import expect

from channels.console import invited
from channels.console.clerks import COOKIE
from channels.console.issuer import Issuer as Keeper
from channels.web import limits
from core import clock
from staff import accounts
from staff.permissions import Grant, Role
from tests.console.conftest import CITY, PASSWORD, Office, Serving, Visit, axe
from tests.console.oidc_server import CLIENT, SECRET, Issuer, make_app

EDITOR = Grant(Role.EDITOR, CITY)
NOT_PROVED = "统一身份认证没有成功，请重新登录。还是不行的话，请联系管理员。"
NOT_BEGUN = "这次登录已经过期，或者不是在这个浏览器里开始的，请重新登录。"
NOT_INVITED = "您的身份已经核实，但还没有开通这里的账号，请联系管理员。"


@pytest.fixture(scope="module")
def served() -> Iterator[Issuer]:
    issuer = Issuer()
    with Serving(make_app(issuer)) as address:
        issuer.url = address
        yield issuer


@pytest.fixture
def issuer(served: Issuer, office: Office) -> Issuer:
    """The issuer, telling the truth."""
    served.claims, served.signed = {}, "RS256"
    office.forget()
    return served


@pytest.fixture(scope="module")
def settings(served: Issuer) -> dict[str, Any]:
    return {"oidc_issuer": served.url, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}


@pytest.fixture(scope="module", autouse=True)
def known(office: Office, served: Issuer) -> None:
    """An account of the person the issuer knows."""
    with office.house.writing.begin() as session:
        accounts.make(
            session, "person", "方宁", grants=[EDITOR], by="tests", at=clock.now(), subject=f"{served.url} person-1"
        )


def invite(office: Office, name: str) -> int:
    with office.house.writing.begin() as session:
        made, _ = accounts.make(
            session, name, "新人", grants=[EDITOR], by="tests", at=clock.now(), subject=invited.waiting(name)
        )
    return made.id


def back(client: httpx.Client) -> str:
    """Where the issuer sends the browser that began to sign in."""
    began = client.get("/console/oidc", params={"next": "/console/me"})
    assert began.status_code == 303
    return httpx.get(began.headers["location"]).headers["location"]


def signed_in(office: Office) -> tuple[int, str]:
    """The whole way; the status, and where it led or what is told."""
    with office.client() as client:
        return outcome(client.get(back(client)))


def outcome(answer: httpx.Response) -> tuple[int, str]:
    told = re.search(r'role="alert"[^>]*>([^<]*)<', answer.text)
    has_session = any(one.startswith(f"{COOKIE}=") for one in answer.headers.get_list("set-cookie"))
    assert has_session == (answer.status_code == 303)
    return answer.status_code, told[1] if told else answer.headers["location"]


def test_one_signs_in_by_the_button_without_a_password_here(office: Office, issuer: Issuer, visit: Visit) -> None:
    page = visit("", "/console/me")
    button = page.get_by_role("link", name="用统一身份认证登录")
    expect(button).to_be_visible()
    axe(page)
    button.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("我的账号")
    expect(page.get_by_role("main")).to_contain_text("方宁")
    asked = issuer.asked[-1]
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["scope"].split() == ["openid", "profile"]


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"}, {"nonce": None}, {"aud": "another-client"}, {"aud": [CLIENT, "another"]},
        {"azp": "another"}, {"iss": "https://evil.example"}, {"exp": 1}, {"exp": None}, {"sub": None}, {"sub": ""},
        {"iat": 4102444800, "exp": 4102448400},
    ],
    ids=lambda claims: "-".join(f"{name}={value}" for name, value in claims.items()),
)  # fmt: skip
def test_an_id_token_that_is_not_for_this_sign_in_opens_nothing(
    office: Office, issuer: Issuer, claims: dict[str, Any]
) -> None:
    issuer.claims = claims
    assert signed_in(office) == (401, NOT_PROVED)
    with office.house.reading() as session:
        last = office.house.audit.entries(session, limit=1)[0]
    assert (last.act, last.detail["by"]) == ("sign.failed", "oidc")


@pytest.mark.parametrize("signed", ["none", "another key", "HS256"])
def test_an_id_token_that_the_issuer_did_not_sign_opens_nothing(office: Office, issuer: Issuer, signed: str) -> None:
    issuer.signed = signed
    assert signed_in(office) == (401, NOT_PROVED)


def test_a_clock_that_differs_by_half_a_minute_does_not_matter(office: Office, issuer: Issuer) -> None:
    now = int(clock.now().timestamp())
    issuer.claims = {"iat": now + 30, "exp": now - 30}
    assert signed_in(office) == (303, "/console/me")


def test_a_state_serves_once(office: Office, issuer: Issuer) -> None:
    with office.client() as client:
        location = back(client)
        cookies = dict(client.cookies)
        assert client.get(location).status_code == 303
        client.cookies.clear()
        client.cookies.update(cookies)
        assert outcome(client.get(location)) == (401, NOT_BEGUN)


def test_a_state_serves_the_browser_alone_that_began(office: Office, issuer: Issuer) -> None:
    with office.client() as client, office.client() as other:
        back(other)
        assert outcome(other.get(back(client))) == (401, NOT_BEGUN)


@pytest.mark.parametrize("query", ["", "?state=unknown&code=x"])
def test_nobody_comes_back_who_did_not_begin(office: Office, issuer: Issuer, query: str) -> None:
    with office.client() as client:
        assert outcome(client.get(f"/console/oidc/return{query}")) == (401, NOT_BEGUN)


def test_a_code_of_another_sign_in_is_refused(office: Office, issuer: Issuer) -> None:
    with office.client() as client, office.client() as other:
        stolen = httpx.URL(back(other)).params["code"]
        location = httpx.URL(back(client)).copy_set_param("code", stolen)
        assert outcome(client.get(location)) == (401, NOT_PROVED)


def test_who_changes_their_mind_at_the_issuer_is_told_so_here(office: Office, issuer: Issuer) -> None:
    with office.client() as client:
        state = httpx.URL(back(client)).params["state"]
        answer = client.get("/console/oidc/return", params={"error": "access_denied", "state": state})
    assert outcome(answer) == (401, NOT_PROVED)


def test_nobody_gets_an_account_by_signing_in(office: Office, issuer: Issuer) -> None:
    issuer.claims = {"sub": "stranger", "preferred_username": "stranger"}
    assert signed_in(office) == (401, NOT_INVITED)
    with pytest.raises(accounts.NoAccount):
        office.account("stranger")


def test_a_disabled_account_stays_closed(office: Office, issuer: Issuer) -> None:
    account = office.account("person")
    with office.house.writing.begin() as session:
        accounts.enable(session, account.id, False)
    assert signed_in(office) == (401, NOT_INVITED)
    with office.house.writing.begin() as session:
        accounts.enable(session, account.id, True)
    assert signed_in(office) == (303, "/console/me")


def test_an_account_that_waits_for_a_name_goes_to_the_first_who_has_it(office: Office, issuer: Issuer) -> None:
    invite(office, "waiting")
    issuer.claims = {"sub": "person-2", "preferred_username": "Waiting"}
    assert signed_in(office) == (303, "/console/me")
    assert office.account("waiting").subject == f"{issuer.url} person-2"
    issuer.claims = {"sub": "person-3", "preferred_username": "waiting"}
    assert signed_in(office) == (401, NOT_INVITED)
    with office.house.reading() as session:
        assert len(office.house.audit.entries(session, act="account.bind", subject="account:waiting")) == 1


def test_an_account_with_a_password_is_never_taken_over_by_its_name(office: Office, issuer: Issuer) -> None:
    issuer.claims = {"sub": "person-4", "preferred_username": "gao"}
    assert signed_in(office) == (401, NOT_INVITED)
    account = invite(office, "given-a-password")
    with office.house.writing.begin() as session:
        accounts.change_password(session, account, accounts.reset(session, account, at=clock.now()), PASSWORD)
    issuer.claims = {"sub": "person-4", "preferred_username": "given-a-password"}
    assert signed_in(office) == (401, NOT_INVITED)
    shown = office.signed("gao").get(f"/console/accounts/{account}").text
    assert ("<dd>密码</dd>" in shown, "等本人首次登录" in shown) == (True, False)


def test_an_account_that_waits_goes_on_waiting_when_its_password_is_reset(office: Office, issuer: Issuer) -> None:
    account = invite(office, "reset-meanwhile")
    with office.house.writing.begin() as session:
        once = accounts.reset(session, account, at=clock.now())
    assert "<dd>密码，统一身份认证</dd>" in office.signed("gao").get(f"/console/accounts/{account}").text
    issuer.claims = {"sub": "person-6", "preferred_username": "reset-meanwhile"}
    assert signed_in(office) == (303, "/console/me")
    assert not office.account("reset-meanwhile").has_password
    with office.client() as client:
        sent = {"name": "reset-meanwhile", "password": once}
        assert client.post("/console/sign-in", data=sent).status_code == 401


def test_who_has_an_account_takes_no_second_one(office: Office, issuer: Issuer) -> None:
    invite(office, "second")
    issuer.claims = {"preferred_username": "second"}
    assert signed_in(office) == (303, "/console/me")
    assert invited.waits(office.account("second"))


def test_an_issuer_that_is_away_leaves_the_password(
    office: Office, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office.house, "issuer", at(office, "http://localhost:9"))
    with office.client() as client:
        answer = client.get("/console/oidc")
    assert (answer.status_code, "暂时连不上" in answer.text) == (503, True)


def at(office: Office, address: str) -> Keeper:
    """What asks an issuer at another address."""
    return Keeper(office.house.settings.model_copy(update={"oidc_issuer": address}))


def test_an_issuer_that_says_it_is_another_is_not_believed(
    office: Office, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office.house, "issuer", at(office, issuer.url.replace("localhost", "127.0.0.1")))
    with office.client() as client:
        assert client.get("/console/oidc").status_code == 503


def test_without_an_issuer_there_is_no_button_and_no_way(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office.house.settings, "oidc_issuer", "")
    monkeypatch.setattr(office.house, "issuer", None)
    with office.client() as client:
        assert "/console/oidc" not in client.get("/console/sign-in").text
        assert client.get("/console/oidc").status_code == 404
        assert client.get("/console/oidc/return").status_code == 404


# -- much at once --


def test_the_issuer_tells_its_addresses_and_keys_once_in_ten_minutes(office: Office, issuer: Issuer) -> None:
    office.watch.pass_(minutes=10)
    issuer.told.clear()
    assert [signed_in(office)[0] for _ in range(3)] == [303] * 3
    assert sorted(issuer.told) == ["addresses", "keys"]


def test_a_key_that_the_issuer_has_only_just_taken_is_asked_for_and_a_wrong_one_not_each_time(
    office: Office, issuer: Issuer
) -> None:
    assert signed_in(office)[0] == 303
    issuer.key = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"}, private=True)
    office.watch.pass_(minutes=1)
    issuer.told.clear()
    assert signed_in(office) == (303, "/console/me")
    issuer.signed = "another key"
    assert [signed_in(office)[0] for _ in range(3)] == [401] * 3
    assert issuer.told == ["keys"]


def test_what_proves_nothing_about_anybody_locks_nobody_out(
    office: Office, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WRONG_SIGN_INS", 1)
    with office.client() as client, office.client() as began:
        assert outcome(client.get("/console/oidc/return?state=x&code=x")) == (401, NOT_BEGUN)
        location = back(began)
        with monkeypatch.context() as patch:
            patch.setattr(office.house, "issuer", at(office, "http://localhost:9"))
            assert client.get("/console/oidc").status_code == began.get(location).status_code == 503
    assert office.sign_in("gao", PASSWORD)


@pytest.mark.parametrize("claims", [{"nonce": "another"}, {"sub": "stranger", "preferred_username": "stranger"}])
def test_who_proves_to_be_somebody_else_counts_like_a_wrong_password(
    office: Office, issuer: Issuer, claims: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WRONG_SIGN_INS", 1)
    issuer.claims = claims
    assert signed_in(office)[0] == 401
    with office.client() as client:
        assert client.get("/console/oidc/return?state=x&code=x").status_code == 429
        assert client.post("/console/sign-in", data={"name": "gao", "password": PASSWORD}).status_code == 429


def test_an_address_that_begins_without_end_is_refused_and_signs_in_by_password(
    office: Office, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SIGN_ONS", 2)
    with office.client() as client:
        picture = {"Sec-Fetch-Dest": "image"}  # of another site's page, and counted for nobody
        paths = ("/console/oidc", "/console/oidc/return?state=x")
        assert {client.get(path, headers=picture).status_code for path in paths * 2} == {401}
        assert [client.get("/console/oidc").status_code for _ in range(3)] == [303, 303, 429]
        refused = client.get("/console/oidc/return?state=x")
        assert (refused.status_code, "登录的次数太多了" in refused.text) == (429, True)
    assert office.sign_in("gao", PASSWORD)
