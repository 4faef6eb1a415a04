"""Who may do what, over HTTP, whole: every route of the console, with every sort of person, at every sort of place.

What a role allows is tested with the staff (tests/staff/test_permissions.py); here, that each route asks for it, and
asks it of the region and department of the very thing that it touches.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from core import clock
from core.database import Base
from desk.halls import open_hall
from desk.people import Person
from desk.rules import Rules
from journal.models import TurnRow
from knowledge import drafts, faqs, publishing, template
from knowledge.schema import Faq, Guide
from staff import accounts
from staff.permissions import Act, Grant, Role, allowed
from tests.console.conftest import CITY, DISTRICT, PASSWORD, POLICE, STAFF, Office
from tests.console.test_desk import HALL, book
from tests.console.test_guides import number, standing
from tests.desk.conftest import THURSDAY, hall
from tests.journal.making import keep, turn

ABROAD, OTHER = "110000", "云桥市民政局"
# Where the things are that people reach for; a person's department counts for guides and drafts alone.
PLACES = {"office": (CITY, OTHER), "police": (CITY, POLICE), "district": (DISTRICT, OTHER), "abroad": (ABROAD, OTHER)}
NOBODY, ANYONE = "nobody", "anyone signed in"
LEAVING = "leaving"  # whose session the tests of signing out end
# What is published is told by the revision, and who is signed in does not matter.
LEFT_OUT = {"staff_sessions", "regions", "items", "guides", "guide_versions", "faqs", "faq_versions", "halls"}
TABLES = [one for one in Base.metadata.sorted_tables if one.name not in LEFT_OUT]


@dataclass(frozen=True)
class Rule:
    """What a route asks for: an act, at the region and department of the `thing` it touches, or anywhere without one.

    `fields` are what a page of ours would send; the allowed may well be told that something else is wrong with it.
    """

    needs: Act | str
    thing: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    query: str = ""
    file: bool = False
    by: str = ""  # who alone may, besides: it is theirs
    ends: bool = False  # whether it ends the session


A = Act
AT = "?hall={hall}"
SEEN = {"edition": "999", "version": "999", "why": "核对"}  # what nobody has seen, so that it stays for the next
ROUTES: dict[tuple[str, str], Rule] = {
    ("GET", "/console/sign-in"): Rule(NOBODY),
    ("POST", "/console/sign-in"): Rule(NOBODY, fields={"name": "nobody.at.all", "password": "wrong"}),
    ("GET", "/console/oidc"): Rule(NOBODY),
    ("GET", "/console/oidc/return"): Rule(NOBODY),
    ("POST", "/console/sign-out"): Rule(ANYONE, ends=True),
    ("POST", "/console/me/sign-out-everywhere"): Rule(ANYONE, ends=True),
    ("GET", "/console/me"): Rule(ANYONE),
    ("GET", "/console/password"): Rule(ANYONE),
    ("POST", "/console/password"): Rule(ANYONE, fields={"old": "wrong", "new": "kurz", "again": "kurz"}),
    ("GET", "/console"): Rule(A.READ_OVERVIEW),
    ("GET", "/console/overview/{name}.csv"): Rule(A.READ_OVERVIEW),
    ("GET", "/console/guides"): Rule(A.READ_GUIDES),
    ("GET", "/console/guides/{guide_id}"): Rule(A.READ_GUIDES, "guide"),
    ("GET", "/console/guides/{guide_id}/versions"): Rule(A.READ_GUIDES, "guide"),
    ("POST", "/console/guides/{guide_id}/try"): Rule(A.READ_GUIDES, "guide", {"question": "身份证丢了"}),
    ("POST", "/console/guides/{guide_id}/edit"): Rule(A.EDIT_GUIDES, "guide"),
    ("POST", "/console/guides/{guide_id}/restore"): Rule(A.EDIT_GUIDES, "guide", {"version": "1"}),
    ("POST", "/console/guides/{guide_id}/withdraw"): Rule(A.WITHDRAW_GUIDES, "guide", {"why": "核对"}),
    ("GET", "/console/drafts"): Rule(A.READ_GUIDES),
    ("POST", "/console/drafts"): Rule(A.EDIT_GUIDES),
    ("GET", "/console/drafts/{draft_id}"): Rule(A.EDIT_GUIDES, "guide"),
    ("POST", "/console/drafts/{draft_id}"): Rule(
        A.EDIT_GUIDES, "guide", SEEN | {"do": "save", "name": "改过的名称", "department.name": "{department}"}
    ),
    ("POST", "/console/drafts/{draft_id}/lint"): Rule(A.EDIT_GUIDES, "guide", {"name": "试试"}),
    ("POST", "/console/drafts/{draft_id}/discard"): Rule(A.EDIT_GUIDES, "guide", SEEN),
    ("GET", "/console/drafts/{draft_id}/review"): Rule(A.READ_GUIDES, "guide"),
    ("POST", "/console/drafts/{draft_id}/try"): Rule(A.READ_GUIDES, "guide", {"question": "身份证丢了"}),
    ("POST", "/console/drafts/{draft_id}/approve"): Rule(A.APPROVE_GUIDES, "guide", SEEN),
    ("POST", "/console/drafts/{draft_id}/return"): Rule(A.APPROVE_GUIDES, "guide", SEEN),
    ("POST", "/console/drafts/{draft_id}/take-back"): Rule(A.EDIT_GUIDES, "guide", SEEN),
    ("GET", "/console/faqs"): Rule(A.READ_FAQ),
    ("GET", "/console/faqs/new"): Rule(A.EDIT_FAQ),
    ("GET", "/console/faqs/{code:path}"): Rule(A.READ_FAQ, "faq"),
    ("GET", "/console/faqs/{code:path}/versions"): Rule(A.READ_FAQ, "faq"),
    # It is switched on: what citizens read is changed by whoever may publish.
    ("POST", "/console/faqs/{code:path}"): Rule(
        A.PUBLISH_FAQ, "faq", SEEN | {"do": "save", "region": "{region}", "question": "改过的问题", "answer": "改过"}
    ),
    ("POST", "/console/faqs/{code:path}/switch"): Rule(A.PUBLISH_FAQ, "faq", SEEN | {"enabled": "no"}),
    ("POST", "/console/faqs/{code:path}/restore"): Rule(A.PUBLISH_FAQ, "faq", SEEN | {"restored": "1"}),
    ("GET", "/console/imports"): Rule(A.EXPORT),
    ("GET", "/console/imports/template.xlsx"): Rule(A.EXPORT),
    ("GET", "/console/imports/export"): Rule(A.EXPORT, query="?form=csv"),
    ("POST", "/console/imports"): Rule(
        A.PROPOSE_IMPORT, "region", {"mapping": "template", "region": "{region}"}, file=True
    ),
    ("GET", "/console/imports/{batch_id}"): Rule(A.PROPOSE_IMPORT, "import"),
    ("POST", "/console/imports/{batch_id}/choose"): Rule(A.PROPOSE_IMPORT, "import", {"tab": "new", "page": "1"}, by="lin"),
    ("POST", "/console/imports/{batch_id}/submit"): Rule(A.PROPOSE_IMPORT, "import", by="lin"),
    ("POST", "/console/imports/{batch_id}/approve"): Rule(A.APPROVE_IMPORT, "import"),
    ("POST", "/console/imports/{batch_id}/return"): Rule(A.APPROVE_IMPORT, "import", {"why": "核对"}),
    ("POST", "/console/imports/{batch_id}/discard"): Rule(A.PROPOSE_IMPORT, "import", by="lin"),
    ("GET", "/console/questions"): Rule(A.READ_QUESTIONS),
    ("GET", "/console/questions/teach"): Rule(A.TEACH),
    ("POST", "/console/questions/teach"): Rule(
        A.TEACH, "guide", {"guide": "{guide_id}", "question": "本子丢了咋整", "settle": ""}
    ),
    ("POST", "/console/questions/settle"): Rule(A.SETTLE_QUESTIONS, fields={"settle": "999999"}),
    ("GET", "/console/conversations"): Rule(A.READ_CONVERSATIONS),
    ("GET", "/console/conversations/{number}"): Rule(A.READ_CONVERSATIONS, "turn"),
    ("GET", "/console/desk"): Rule(A.READ_DESK),
    ("GET", "/console/desk/day"): Rule(A.READ_DESK, "hall", query=AT),
    ("GET", "/console/desk/day.csv"): Rule(A.READ_DESK, "hall", query=AT),
    ("GET", "/console/desk/month"): Rule(A.READ_DESK, "hall", query=AT),
    ("GET", "/console/desk/rules"): Rule(A.READ_DESK, "hall", query=AT),
    ("POST", "/console/desk/rules"): Rule(A.MANAGE_DESK, "hall", {"horizon": "0"}, AT),
    ("POST", "/console/desk/day/hours"): Rule(A.MANAGE_DESK, "hall", {"opens.0": "25:00", "closes.0": "26:00"}, AT),
    ("POST", "/console/desk/day/weekly"): Rule(A.MANAGE_DESK, "hall", {}, AT),
    ("POST", "/console/desk/shut"): Rule(A.MANAGE_DESK, "hall", {}, AT),
    ("POST", "/console/desk/reveal"): Rule(A.SERVE_DESK, "hall", {"number": "{booked}", "why": "核对"}, AT),
    ("POST", "/console/desk/check-in"): Rule(A.SERVE_DESK, "hall", {"arrival": "{booked}"}, AT),
    ("POST", "/console/desk/no-show"): Rule(A.SERVE_DESK, "hall", {"number": "{booked}"}, AT),
    ("GET", "/console/desk/calendar"): Rule(ANYONE),
    ("GET", "/console/desk/calendar/{year}"): Rule(A.READ_DESK),
    # Holidays are the deployment's, so they are of its region wherever one works.
    ("POST", "/console/desk/calendar/{year}"): Rule(A.MANAGE_DESK, "deployment", {"lines": "谁知道"}),
    ("POST", "/console/desk/calendar/{year}/day"): Rule(A.MANAGE_DESK, "deployment", {"day": "谁知道"}),
    ("GET", "/console/accounts"): Rule(A.MANAGE_ACCOUNTS),
    ("GET", "/console/accounts/new"): Rule(A.MANAGE_ACCOUNTS),
    ("POST", "/console/accounts/new"): Rule(
        A.MANAGE_ACCOUNTS, fields={"name": "x", "called": "谁", "role": "editor", "region": CITY, "department": ""}
    ),
    ("GET", "/console/accounts/{account_id}"): Rule(A.MANAGE_ACCOUNTS, "account"),
    ("POST", "/console/accounts/{account_id}"): Rule(
        A.MANAGE_ACCOUNTS, "account", {"called": "改过", "role": "editor", "region": "{region}", "department": ""}
    ),
    ("POST", "/console/accounts/{account_id}/enable"): Rule(A.MANAGE_ACCOUNTS, "account", {"enabled": "yes"}),
    ("POST", "/console/accounts/{account_id}/unlock"): Rule(A.MANAGE_ACCOUNTS, "account"),
    ("POST", "/console/accounts/{account_id}/reset"): Rule(A.MANAGE_ACCOUNTS, "account"),
    ("GET", "/console/audit"): Rule(A.READ_AUDIT),
    ("POST", "/console/audit/verify"): Rule(A.READ_AUDIT),
    ("POST", "/console/audit/export"): Rule(A.READ_AUDIT, fields={"form": "csv"}),
}  # fmt: skip
POSTS = [(method, path) for method, path in ROUTES if method == "POST"]


@dataclass
class Town:
    """The office, with one of each thing at each place, by the names that paths have for them."""

    office: Office
    things: dict[str, dict[str, str]]
    fresh: httpx.Client  # of somebody who has a one-time password yet
    fresh_csrf: str

    def ask(
        self,
        client: httpx.Client,
        method: str,
        path: str,
        place: str,
        csrf: str | None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """What a page of ours would ask for there."""
        rule, things = ROUTES[method, path], self.things[place]
        query = rule.query.format(**things) if rule.query else ""
        address = path.replace(":path", "").format(**things) + query
        if method == "GET":
            return client.get(address)
        sent = {"else": ""} | {name: value.format(**things) for name, value in rule.fields.items()}
        if csrf is not None:
            sent["csrf"] = csrf
        files = {"file": ("a.csv", b"a,b\n1,2\n", "text/csv")} if rule.file else None
        return client.post(address, data=sent, files=files, headers=headers)

    def state(self) -> str:
        """All that is stored, but who is signed in."""
        told = hashlib.sha256()
        with self.office.house.engine.connect() as connection:
            for table in TABLES:
                for row in connection.execute(select(table).order_by(*table.primary_key.columns)):
                    told.update(repr(tuple(row)).encode())
        return told.hexdigest()


@pytest.fixture(scope="module")
def at(office: Office) -> Iterator[Town]:
    """One of each thing at each place."""
    office.watch.time = THURSDAY
    things = {place: _things(office, place, *where) for place, where in PLACES.items()}
    with office.house.writing.begin() as session:
        open_hall(session, CITY, HALL, Rules(horizon=7, capacity=4))
    booked = book(office, person=Person("张伟", "13800138000", "11010119900307002X"))
    things["office"]["booked"] = booked.number
    office.hire(LEAVING, "要走的", Grant(Role.EDITOR, CITY))
    with office.house.writing.begin() as session:
        grants = [Grant(role, CITY) for role in Role]
        _, password = accounts.make(session, "fresh", "新来的", grants=grants, by="tests", at=clock.now())
    for name in STAFF:
        office.csrf(office.signed(name))
    things["office"]["batch_id"] = _import(office)
    with closing(office.sign_in("fresh", password)) as fresh, pytest.MonkeyPatch.context() as patch:
        patch.setattr(template, "ROWS", 5)  # of the workbook to fill in: many take seconds
        found = re.search(r'name="csrf" value="([^"]+)"', fresh.get("/console/password").text)
        assert found
        yield Town(office, things, fresh, found[1])


def _things(office: Office, place: str, region: str, department: str) -> dict[str, str]:
    content = standing(office, number(office)).model_dump(mode="json", exclude_none=True)
    content |= {
        "region": region,
        "local_code": f"p-{place}",
        "name": f"试办{place}",
        "department": {"name": department},
    }
    with office.house.writing.begin() as session:
        now, guide = clock.now(), Guide.model_validate(content)
        publishing.publish(session, guide, by="tests", at=now)
        number_ = publishing.find(session, region, guide.local_code)
        assert number_
        draft = drafts.begin(session, number_, by="tests", at=now)
        faq = Faq(code=f"p-{place}", region=region, question=f"试问{place}吗", answer="这样办。", enabled=True)
        faqs.write(session, faq, by="tests", at=now)
        asked = turn(at=now - timedelta(hours=1), region=region, sender=f"p-{place}", key=f"p-{place}")
        keep(session, [asked])
        turn_number = session.scalar(select(TurnRow.id).where(TurnRow.key == asked.key))
        name = HALL
        if region != CITY:
            name = f"{region}政务服务中心"
            publishing.save_hall(session, hall(name).model_copy(update={"region": region}))
            open_hall(session, region, name, Rules())
    account = office.hire(f"p-{place}", "某人", Grant(Role.EDITOR, region))
    return {
        "region": region, "department": department, "guide_id": str(number_), "draft_id": str(draft.id),
        "code": faq.code, "number": str(turn_number), "hall": f"{region} {name}", "account_id": str(account.id),
        "booked": "", "name": "days", "year": "2027",
    }  # fmt: skip


def _import(office: Office) -> str:
    """An import of lin's, of a guide of the city's."""
    table = f"本地编码,事项名称,实施部门\np-import,试办导入,{OTHER}\n".encode()
    lin = office.signed("lin")
    data = {"csrf": office.csrf(lin), "mapping": "template", "region": CITY}
    answer = lin.post("/console/imports", data=data, files={"file": ("a.csv", table)})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"].rpartition("/")[2])


def may(office: Office, grant: Grant, rule: Rule, place: str) -> bool:
    """Whether somebody with that role alone is to get through, by the table of roles."""
    if not isinstance(rule.needs, Act):
        return True
    region, department = PLACES[place]
    if not rule.thing:  # anywhere
        region = grant.region
    if rule.thing == "deployment":
        region = CITY
    of = department if rule.thing in ("guide", "import") else None
    return allowed([grant], rule.needs, region, of, office.house.regions.within)


def places(rule: Rule) -> list[str]:
    """Where it makes a difference."""
    if rule.thing in ("", "deployment", "import"):
        return ["office"]
    if "{booked}" in str(rule.fields):  # of no more than one hall
        return ["office", "abroad"]
    return [place for place in PLACES if rule.thing == "guide" or place != "police"]


def open_to(office: Office, rule: Rule) -> list[tuple[str, str]]:
    """Who gets through, and where."""
    if rule.ends:
        return [(LEAVING, "office")]
    return [
        (name, place)
        for name, (_, grant) in STAFF.items()
        for place in places(rule)
        if rule.by in ("", name) and may(office, grant, rule, place)
    ]


def test_the_table_names_every_route_and_no_other(office: Office) -> None:
    found = {
        (method, one.path)
        for route in office.app.routes
        for one in getattr(route, "effective_route_contexts", tuple)()
        if one.path.startswith("/console")
        for method in one.methods
    }
    assert found == set(ROUTES)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_route_is_open_to_whom_the_table_names_and_to_nobody_else(at: Town, method: str, path: str) -> None:
    rule, office = ROUTES[method, path], at.office
    before, through = at.state(), open_to(office, rule)
    for name in () if rule.needs in (NOBODY, ANYONE) else STAFF:
        client = office.signed(name)
        for place in places(rule):
            if (name, place) not in through:
                answer = at.ask(client, method, path, place, office.csrf(client))
                assert answer.status_code in (403, 404), (name, place, answer.status_code, answer.text)
    assert at.state() == before, "somebody who may not has changed something"
    for name, place in through:
        client = office.sign_in(name, PASSWORD) if rule.ends else office.signed(name)
        answer = at.ask(client, method, path, place, office.csrf(client))
        refused = {401, 403, 404} if rule.needs != NOBODY else set()
        assert answer.status_code not in refused, (name, place, answer.status_code, answer.text)
        assert answer.status_code < 500, (name, place)
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("method", "path"), [route for route, rule in ROUTES.items() if rule.needs != NOBODY])
def test_who_is_not_signed_in_gets_no_further_than_the_sign_in(at: Town, method: str, path: str) -> None:
    before = at.state()
    with at.office.client() as nobody:
        answer = at.ask(nobody, method, path, "office", "0" * 64)
    if method == "GET":
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/console/sign-in?next=/console")
    else:
        assert answer.status_code == 401
    assert at.state() == before


@pytest.mark.parametrize(("method", "path"), [route for route, rule in ROUTES.items() if rule.needs != NOBODY])
def test_with_a_one_time_password_one_gets_no_further_than_its_change(at: Town, method: str, path: str) -> None:
    if path in ("/console/password", "/console/sign-out", "/console/me/sign-out-everywhere"):
        return
    before = at.state()
    answer = at.ask(at.fresh, method, path, "office", at.fresh_csrf)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/password")
    assert at.state() == before


@pytest.mark.parametrize(
    "forged", ["without a token", "with another's token", "from another site", "from another port"]
)
@pytest.mark.parametrize(("method", "path"), POSTS)
def test_a_forged_form_does_nothing(at: Town, method: str, path: str, forged: str) -> None:
    rule, office = ROUTES[method, path], at.office
    if rule.needs == NOBODY and "token" in forged:
        return  # nobody has a token before signing in
    name, place = (open_to(office, rule) or [("lin", "office")])[0]
    client, other = office.signed("lin" if rule.ends else name), office.signed("zhou" if name != "zhou" else "lin")
    token = {"without a token": None, "with another's token": office.csrf(other)}.get(forged, office.csrf(client))
    headers = {
        "from another site": {"Sec-Fetch-Site": "cross-site"},
        "from another port": {"Origin": "http://localhost:1"},
    }
    before = at.state()
    answer = at.ask(client, method, path, place, token, headers.get(forged))
    assert answer.status_code == 403
    assert "来路不明" in answer.text
    assert at.state() == before
