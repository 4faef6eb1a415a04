"""What an attacker would try at the console: markup in every field, numbers of others, odd bytes, much at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from channels.console.clerks import COOKIE
from core import clock
from journal.models import TurnRow
from knowledge import drafts, faqs
from knowledge.publishing import read
from knowledge.schema import Faq
from staff import accounts
from staff.permissions import Grant, Role
from tests.chromium import browser
from tests.console.conftest import CITY, DISTRICT, PASSWORD, Office, Visit
from tests.console.test_desk import AT
from tests.console.test_guides import made
from tests.desk.conftest import THURSDAY
from tests.journal.making import keep, turn

__all__ = ["browser"]  # a fixture

ATTACK = "<img src=x onerror='window.ran=1'><script>window.ran=1</script>\"'`${7*7}{{7*7}}"
NEW = "落霞孤鹜-tests-2026"


@pytest.fixture(scope="module")
def sown(office: Office) -> dict[str, str]:
    """Markup wherever somebody can write; the pages on which others see it, by who opens them."""
    office.watch.time = THURSDAY
    guide = made(
        office, "s-xss", name=f"试办{ATTACK}", aliases=[ATTACK], questions=[ATTACK], how_online=ATTACK,
        urls={"online": "javascript:window.ran=1"}, materials=[{"name": ATTACK, "form_url": "javascript:window.ran=1"}],
    )  # fmt: skip
    lin, zhou, gao = (office.signed(name) for name in ("lin", "zhou", "gao"))
    draft = office.post(lin, f"/console/guides/{guide}/edit").headers["location"]
    office.post(lin, f"/console/guides/{guide}/withdraw", why=ATTACK)
    faq = {"question": ATTACK, "variants": ATTACK, "answer": ATTACK, "why": ATTACK, "region": CITY, "version": "0"}
    code = office.post(zhou, "/console/faqs/new", faq, do="save", enabled="yes").headers["location"]
    hours = {"closed": "yes", "note": ATTACK[:60]}
    assert (
        office.post(zhou, f"/console/desk/day/hours?{httpx.QueryParams(AT)}&day=2026-10-16", hours).status_code == 303
    )
    account = office.hire("s-xss", ATTACK[:60], Grant(Role.EDITOR, CITY))
    office.post(gao, f"/console/accounts/{account.id}/enable", enabled="no", why=ATTACK)
    with office.house.writing.begin() as session:
        at = clock.now() - timedelta(hours=1)
        others: dict[str, Any] = {"reply": ATTACK, "comment": ATTACK, "useful": False, "key": "s-xss", "guide": guide}
        keep(session, [turn(ATTACK, at=at, **others)])
        asked = session.scalar(select(TurnRow.id).where(TurnRow.key == "s-xss"))
    hall = httpx.QueryParams(AT)
    return {
        f"/console/guides/{guide}": "lin", f"/console/guides/{guide}/versions": "lin", "/console/guides?text=试办": "lin",
        draft: "lin", f"{draft}/review": "lin", "/console/drafts": "lin", code: "zhou", f"{code}/versions": "zhou",
        "/console/faqs": "lin", f"/console/desk/day?{hall}&day=2026-10-16": "lin", f"/console/desk/month?{hall}": "lin",
        "/console/accounts": "gao", f"/console/accounts/{account.id}": "gao", "/console/audit": "gao",
        f"/console/audit?{httpx.QueryParams({'who': ATTACK, 'subject': ATTACK})}": "gao", "/console/questions": "lin",
        f"/console/questions/teach?{httpx.QueryParams({'question': ATTACK, 'text': ATTACK})}": "lin",
        f"/console/faqs/new?{httpx.QueryParams({'question': ATTACK, 'variant': ATTACK})}": "lin",
        "/console/conversations": "zhou", f"/console/conversations/{asked}": "zhou", "/console": "lin",
    }  # fmt: skip


def test_what_anybody_wrote_is_text_on_every_page(office: Office, sown: dict[str, str]) -> None:
    seen = 0
    for path, name in sown.items():
        answer = office.signed(name).get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert "<img src=x" not in answer.text, path
        assert "<script>window" not in answer.text, path
        assert not re.search(r"(?:href|src|action|formaction)=[\"']?\s*(?:javascript|data):", answer.text, re.I), path
        seen += "&lt;img src=x" in answer.text
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
    assert seen >= len(sown) - 2, "the markup is not where it was looked for"


def test_no_script_of_what_was_written_runs(office: Office, sown: dict[str, str], visit: Visit) -> None:
    page = visit("", "/console/sign-in")
    for path, name in sown.items():
        page.context.add_cookies(
            [{"name": COOKIE, "value": office.signed(name).cookies[COOKIE], "url": office.address}]
        )
        page.goto(office.address + path)
        assert page.evaluate("window.ran") is None, path


# -- sessions --


@pytest.fixture
def somebody(office: Office) -> Iterator[tuple[str, httpx.Client]]:
    """A reviewer of the city, signed in."""
    office.forget()
    name = f"somebody{len(_hired)}"
    _hired.append(name)
    office.hire(name, "某人", Grant(Role.REVIEWER, CITY))
    with closing(office.sign_in(name, PASSWORD)) as client:
        yield name, client
    office.forget()


_hired: list[str] = []


def test_a_role_that_was_taken_away_holds_no_longer_at_the_next_click(
    office: Office, somebody: tuple[str, httpx.Client]
) -> None:
    name, client = somebody
    assert client.get("/console/conversations").status_code == 200
    with office.house.writing.begin() as session:
        accounts.set_grants(session, office.account(name).id, [Grant(Role.EDITOR, DISTRICT)])
    assert client.get("/console/conversations").status_code == 403


def test_who_guesses_the_password_from_inside_is_stopped_wherever_they_sit(
    office: Office, somebody: tuple[str, httpx.Client]
) -> None:
    _, client = somebody
    fields = {"new": NEW, "again": NEW}
    assert [office.post(client, "/console/password", fields, old=f"guess {n}").status_code for n in range(5)] == [
        422
    ] * 5
    stopped = office.post(client, "/console/password", fields, old=PASSWORD)
    assert (stopped.status_code, "现在的密码试错太多次了" in stopped.text) == (429, True)


def test_a_new_password_that_will_not_do_is_no_guess(office: Office, somebody: tuple[str, httpx.Client]) -> None:
    name, client = somebody
    for _ in range(7):
        assert office.post(client, "/console/password", old=PASSWORD, new="short", again="short").status_code == 422
    assert office.post(client, "/console/password", old=PASSWORD, new=NEW, again=NEW).status_code == 303
    office.sign_in(name, NEW).close()


def test_locking_tells_nobody_which_names_there_are(office: Office, somebody: tuple[str, httpx.Client]) -> None:
    known, _ = somebody
    disabled = office.hire(f"{known}-off", "走了", Grant(Role.EDITOR, CITY))
    with office.house.writing.begin() as session:
        accounts.enable(session, disabled.id, False)
    told = {name: _tries(office, name, 7) for name in (known, disabled.name, "no.such.name")}
    assert told[known] == told[disabled.name] == told["no.such.name"]
    assert [status for status, _ in told[known]] == [401] * 7
    assert "已锁定" in told[known][4][1]
    office.watch.pass_(minutes=15)
    office.forget()
    assert "登录名或密码不对" in _tries(office, known, 1)[0][1]


def _tries(office: Office, name: str, times: int) -> list[tuple[int, str]]:
    """What is told to somebody who tries that often; the name itself stands in the form again."""
    found = []
    with office.client() as client:
        for _ in range(times):
            answer = client.post("/console/sign-in", data={"name": name, "password": "wrong"})
            found.append((answer.status_code, answer.text.replace(name, "").split("</html>")[0]))
    return [(status, re.sub(r'nonce="[^"]*"', "", text)) for status, text in found]


def test_an_account_that_is_made_is_not_locked_by_who_tried_its_name_before(office: Office) -> None:
    office.forget()
    _tries(office, "s-later", 5)
    office.hire("s-later", "后来的", Grant(Role.EDITOR, CITY))
    office.sign_in("s-later", PASSWORD).close()
    office.forget()


def test_questions_are_not_tried_without_end(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.web.limits.TRIALS", 2)
    guide, lin = made(office, "s-tries"), office.signed("lin")
    asked = [office.post(lin, f"/console/guides/{guide}/try", question="身份证丢了").status_code for _ in range(3)]
    assert asked == [200, 200, 429]
    office.forget()


# -- odd requests --

HUGE = "9" * 30


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"/guides/{HUGE}", {}), ("/guides/-1", {}), ("/guides/2147483648", {}), (f"/drafts/{HUGE}", {}),
        (f"/drafts/{HUGE}/review", {}), (f"/accounts/{HUGE}", {}), (f"/conversations/{HUGE}", {}), ("/guides/%00", {}),
        ("/faqs/%00", {}), ("/faqs/%ed%a0%80", {}), ("/guides", {"text": "\x00"}), ("/guides", {"page": HUGE}),
        ("/faqs", {"text": "\x00"}), ("/conversations", {"text": "\x00"}), ("/conversations", {"since": "0001-01-01"}),
        ("/conversations", {"until": "9999-12-31"}), ("/audit", {"before": HUGE}), ("/audit", {"until": "9999-12-31"}),
        ("/audit", {"since": "0001-01-01"}), ("/audit", {"who": "\x00"}), ("/overview/\x00.csv", {}),
        ("/desk/day", {"hall": f"{CITY} \x00"}), ("/desk/day", AT | {"day": "9999-12-31"}), ("/questions", {"region": "\x00"}),
        ("/desk/calendar/99999", {}), ("/nothing", {}), ("/../etc/passwd", {}),
    ],
)  # fmt: skip
def test_an_address_that_makes_no_sense_is_told_so(office: Office, path: str, query: dict[str, str]) -> None:
    for name in ("zhou", "gao"):
        answer = office.signed(name).get(f"/console{path.replace(chr(0), '%00')}", params=query or None)
        assert answer.status_code in (403, 404, 422), (name, answer.status_code, answer.text)
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("text", ["%", "_", "\\", "%' OR 1=1 --", "\ud7ff\u202e\u0000"[:2], "𠮷" * 50])
def test_what_means_something_to_a_database_is_searched_as_it_is(office: Office, text: str) -> None:
    lin, zhou, gao = (office.signed(name) for name in ("lin", "zhou", "gao"))
    for client, path in ((lin, "guides"), (lin, "faqs"), (zhou, "conversations")):
        answer = client.get(f"/console/{path}", params={"text": text})
        assert answer.status_code == 200
        assert "居民身份证" not in answer.text.split("<main", 1)[-1]
    assert gao.get("/console/audit", params={"who": text, "subject": text, "act": text}).status_code == 200


def test_a_form_of_too_many_fields_or_bytes_is_refused_and_changes_nothing(office: Office) -> None:
    guide, lin = made(office, "s-huge"), office.signed("lin")
    path = office.post(lin, f"/console/guides/{guide}/edit").headers["location"]
    token = office.csrf(lin)
    body = f"csrf={token}&edition=1&do=save" + "&x=1" * 5000
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert lin.post(path, content=body, headers=form).status_code == 422
    assert lin.post(path, data={"csrf": token, "edition": "1", "name": "长" * 400_000}).status_code == 413
    assert lin.post(path, content=b"csrf=" + token.encode() + b"&name=\xff\xfe", headers=form).status_code in (422, 409)
    assert lin.post(path, json={"csrf": token}).status_code == 422
    assert lin.post(path, files={"csrf": (None, token)}).status_code == 422
    assert office.client().post("/console/sign-in", content="a=1&" * 5001, headers=form).status_code == 422


def test_of_two_who_approve_at_once_one_does(office: Office) -> None:
    guide = made(office, "s-twice")
    with office.house.writing.begin() as session:
        draft = drafts.begin(session, guide, by="lin", at=clock.now())
        draft = drafts.save(
            session, draft.id, draft.document | {"name": "试办两次"}, edition=draft.edition, by="lin", at=clock.now()
        )
        drafts.submit(session, draft.id, edition=draft.edition, why="试", by="lin", at=clock.now())
    zhou = office.signed("zhou")
    token = office.csrf(zhou)
    sent = {"csrf": token, "edition": str(draft.edition)}
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(zhou.post, f"/console/drafts/{draft.id}/approve", data=sent) for _ in range(4)]
        statuses = sorted(one.result().status_code for one in asked)
    assert statuses == [303, 404, 404, 404]
    with office.house.reading() as session:
        published = read(session, guide)
        acts = office.house.audit.entries(session, subject=f"guide:{guide}", act="guide.publish")
    assert published is not None
    assert (published.version, len(acts)) == (2, 1)


# -- others' things --


def test_another_regions_conversation_is_as_good_as_unknown(office: Office) -> None:
    with office.house.writing.begin() as session:
        keep(session, [turn(at=clock.now(), region="110000", key="s-abroad")])
        number = session.scalar(select(TurnRow.id).where(TurnRow.key == "s-abroad"))
    zhou = office.signed("zhou")
    abroad, unknown = zhou.get(f"/console/conversations/{number}"), zhou.get("/console/conversations/98765432")
    assert abroad.status_code == unknown.status_code == 404
    assert "没有这条对话记录" in abroad.text
    assert "没有这条对话记录" in unknown.text


def test_lists_tables_and_counts_tell_nothing_of_other_regions(office: Office) -> None:
    secret = "独此一问不可外传"
    with office.house.writing.begin() as session:
        at = clock.now() - timedelta(hours=1)
        keep(
            session,
            [turn(secret, at=at, region="110000", key="s-leak", guide=None, channel="secretly", rephrased=True)],
        )
        faq = Faq(code="s-leak", region="110000", question=secret, answer=secret, enabled=False)
        faqs.write(session, faq, by="tests", at=at)
        office.house.audit.record(session, who="tests", act="faq.write", subject=secret, region="110000", at=at)
    paths = {
        "lin": ["/console", "/console/overview/regions.csv", "/console/overview/channels.csv", "/console/questions",
                "/console/faqs", "/console/guides", "/console/drafts"],
        "zhou": ["/console/conversations", f"/console/conversations?text={secret}", "/console/questions?days=90"],
        "gao": ["/console/audit", "/console"],
    }  # fmt: skip
    for name, pages in paths.items():
        for path in pages:
            text = office.signed(name).get(path).text
            shown = re.sub(r'<input[^>]*name="text"[^>]*>', "", text)
            assert secret not in shown, path
            assert "secretly" not in shown, path
    answer = office.post(office.signed("gao"), "/console/audit/export", form="jsonl")
    assert secret not in answer.text
    for name, path in (("lin", "questions"), ("zhou", "conversations"), ("lin", "faqs"), ("lin", "overview/days.csv")):
        assert office.signed(name).get(f"/console/{path}?region=110000").status_code == 403
