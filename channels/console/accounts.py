"""Accounts of the staff: an administrator keeps those whose every role lies within the own regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from channels.console import invited, roles
from channels.console.clerks import AtWork, Clerk
from channels.console.forms import Posted
from channels.console.pages import page, redirect
from channels.console.people import role
from channels.console.roles import MANAGE
from channels.house import House
from core import clock
from core.errors import BangbanError, Conflict, Forbidden, Invalid
from knowledge import standing
from staff import accounts
from staff.accounts import Account, LastAdministrator, NoAccount
from staff.permissions import Grant, Role

router = APIRouter(prefix="/console/accounts")
Number = Annotated[int, Path(ge=1, lt=2**31)]


class OwnAccount(Conflict):
    """不能停用自己的账号，也不能去掉自己的管理员角色，否则您自己就进不来了。请另一位管理员来改。"""

    code = "own_account"


@dataclass(frozen=True, slots=True)
class Line:
    """An account in the list. `tone` is how its state is shown."""

    account: Account
    roles: tuple[str, ...]
    state: str
    tone: str


# -- reading --


@router.get("", response_class=HTMLResponse)
def every(request: Request, clerk: AtWork) -> Response:
    """The accounts that one may manage."""
    clerk.require_anywhere(MANAGE)
    house = House.of(request)
    with house.reading() as session:
        found = [one for one in accounts.every(session) if _manages(house, clerk, one)]
    lines = [_line(house, one) for one in found]
    return page(request, clerk, "staff/accounts.html", title="账号", lines=lines)


@router.get("/new", response_class=HTMLResponse)
def new(request: Request, clerk: AtWork) -> Response:
    """The form for one more."""
    clerk.require_anywhere(MANAGE)
    return _form(request, clerk, None, roles.rows(()), {"by": "password"})


@router.get("/{account_id}", response_class=HTMLResponse)
def one(request: Request, clerk: AtWork, account_id: Number) -> Response:
    """One account, to be changed. Raises NoAccount, also where it is another administrator's business."""
    house = House.of(request)
    with house.reading() as session:
        account = _managed(house, session, clerk, account_id)
    return _form(request, clerk, account, roles.rows(account.grants), {"called": account.called})


# -- changing --


@router.post("/new", response_class=HTMLResponse)
def make(request: Request, clerk: AtWork, sent: Posted) -> Response:
    """Make an account. Its one-time password is on the answer alone."""
    clerk.require_anywhere(MANAGE)
    house = House.of(request)
    try:
        grants = roles.granted(house, clerk, sent)
        name, called, by_sso = sent.get("name"), sent.get("called"), sent.get("by") == "oidc"
        subject = invited.waiting(name) if by_sso and house.settings.oidc_issuer else None
        once = None if subject else accounts.one_time()
        with house.writing.begin() as session:
            _alone(session, clerk)
            account, password = accounts.make(
                session, name, called, grants=grants, by=clerk.name, at=clock.now(), subject=subject, once=once
            )
            _record(
                house,
                session,
                clerk,
                "account.make",
                account,
                {"called": account.called, "grants": roles.recorded(grants)},
            )
    except BangbanError as problem:
        return _form(request, clerk, None, roles.sent_rows(sent), dict(sent.pairs), problem)
    if not password:
        told = f"已添加{account.called}。本人用{house.settings.oidc_title}第一次登录时，账号就归本人使用。"
        return redirect(request, f"/console/accounts/{account.id}", told=told)
    return page(request, clerk, "staff/password_given.html", title="账号已添加", account=account, password=password)


@router.post("/{account_id}", response_class=HTMLResponse)
def change(request: Request, clerk: AtWork, account_id: Number, sent: Posted) -> Response:
    """Another name to be called by, other roles."""
    house = House.of(request)
    with house.reading() as session:
        before = _managed(house, session, clerk, account_id)
    try:
        grants = roles.granted(house, clerk, sent)
        with house.writing.begin() as session:
            before = _managed_alone(house, session, clerk, account_id)
            _keep_oneself(house, clerk, before, grants)
            _change(house, session, clerk, before, grants, sent.get("called"))
    except (NoAccount, OwnAccount, LastAdministrator, Invalid) as problem:
        return _form(request, clerk, before, roles.sent_rows(sent), dict(sent.pairs), problem)
    return redirect(request, f"/console/accounts/{account_id}", told="已保存。")


@router.post("/{account_id}/enable")
def enable(request: Request, clerk: AtWork, account_id: Number, sent: Posted) -> Response:
    """Disable an account, which ends its sessions, or enable it. Raises NoAccount, OwnAccount, LastAdministrator."""
    house, enabled = House.of(request), sent.get("enabled") == "yes"
    with house.writing.begin() as session:
        account = _managed_alone(house, session, clerk, account_id)
        if not enabled and account.id == clerk.account.id:
            raise OwnAccount()
        accounts.enable(session, account_id, enabled, within=clerk.within)
        _record(house, session, clerk, "account.enable", account, {"enabled": enabled}, sent.get("why"))
    told = "已启用。" if enabled else "已停用，这个账号在各处的登录都已退出。"
    return redirect(request, f"/console/accounts/{account_id}", told=told)


@router.post("/{account_id}/unlock")
def unlock(request: Request, clerk: AtWork, account_id: Number, sent: Posted) -> Response:
    """Let somebody try again at once. Raises NoAccount."""
    house = House.of(request)
    with house.writing.begin() as session:
        account = _managed_alone(house, session, clerk, account_id)
        accounts.unlock(session, account_id)
        _record(house, session, clerk, "account.unlock", account)
    return redirect(request, f"/console/accounts/{account_id}", told="已解锁，现在就可以登录。")


@router.post("/{account_id}/reset", response_class=HTMLResponse)
def reset(request: Request, clerk: AtWork, account_id: Number, sent: Posted) -> Response:
    """A new one-time password, on the answer alone; all sessions of the account end. Raises NoAccount."""
    house = House.of(request)
    with house.reading() as session:
        _managed(house, session, clerk, account_id)
    once = accounts.one_time()
    with house.writing.begin() as session:
        account = _managed_alone(house, session, clerk, account_id)
        password = accounts.reset(session, account_id, at=clock.now(), once=once)
        _record(house, session, clerk, "account.reset", account)
    return page(request, clerk, "staff/password_given.html", title="密码已重置", account=account, password=password)


# -- what is allowed --


def _manages(house: House, clerk: Clerk, account: Account) -> bool:
    # Without any role it is the business of whoever keeps the whole deployment.
    places = [grant.region for grant in account.grants] or [house.settings.region]
    return all(clerk.may(MANAGE, place) for place in places)


def _managed(house: House, session: Session, clerk: Clerk, account_id: int) -> Account:
    """The account. Raises NoAccount where it is not there for this administrator, Forbidden for everybody else."""
    clerk.require_anywhere(MANAGE)
    account = accounts.read(session, account_id)
    if not _manages(house, clerk, account):
        raise NoAccount()
    return account


def _managed_alone(house: House, session: Session, clerk: Clerk, account_id: int) -> Account:
    """The same, to be changed: what was checked stays so until the transaction ends."""
    _alone(session, clerk)
    return _managed(house, session, clerk, account_id)


def _alone(session: Session, clerk: Clerk) -> None:
    """Let nobody else change accounts. Raises Forbidden where somebody has just changed the administrator's own."""
    accounts.alone(session)
    now = accounts.read(session, clerk.account.id)
    if not now.enabled or now.grants != clerk.account.grants:
        raise Forbidden()


def _keep_oneself(house: House, clerk: Clerk, account: Account, grants: Sequence[Grant]) -> None:
    mine = {grant.region for grant in account.grants if grant.role is Role.ADMINISTRATOR}
    kept = {grant.region for grant in grants if grant.role is Role.ADMINISTRATOR}
    if account.id == clerk.account.id and not all(any(house.regions.within(one, it) for it in kept) for one in mine):
        raise OwnAccount()


def _change(
    house: House, session: Session, clerk: Clerk, before: Account, grants: Sequence[Grant], called: str
) -> None:
    after = accounts.rename(session, before.id, called)
    if set(grants) != set(before.grants):
        after = accounts.set_grants(session, before.id, grants, within=house.regions.within)
        detail = {"before": roles.recorded(before.grants), "after": roles.recorded(after.grants)}
        _record(house, session, clerk, "account.grants", after, detail)
    if after.called != before.called:
        _record(house, session, clerk, "account.rename", after, {"before": before.called, "after": after.called})


def _record(
    house: House,
    session: Session,
    clerk: Clerk,
    act: str,
    account: Account,
    detail: dict[str, Any] | None = None,
    why: str = "",
) -> None:
    subject = f"account:{account.name}"
    house.audit.record(
        session, who=clerk.name, act=act, subject=subject, region=account.region, why=why, detail=detail, at=clock.now()
    )


# -- showing --


def _form(
    request: Request,
    clerk: Clerk,
    account: Account | None,
    rows: Sequence[roles.Row],
    values: dict[str, str],
    problem: BangbanError | None = None,
) -> HTMLResponse:
    house = House.of(request)
    used = [row for row in rows if row[0]]
    with house.reading() as session:
        departments = standing.departments(session, clerk.scopes(MANAGE))
    return page(
        request, clerk, "staff/account.html", status=problem.status if problem else 200,
        title=account.called if account else "添加账号", account=account, values=values, problem=str(problem or ""),
        rows=[*used, *[("", "", "")] * roles.SPARE], roles=[(one.value, one.spoken) for one in Role],
        places=roles.places(house, clerk, [row[1] for row in used]), departments=departments,
        line=_line(house, account) if account else None, oneself=bool(account and account.id == clerk.account.id),
        oidc=house.settings.oidc_title if house.settings.oidc_issuer else "",
        waits=bool(account and invited.waits(account)), signs_on=bool(account and invited.signs_on(account)),
    )  # fmt: skip


def _line(house: House, account: Account) -> Line:
    state, tone = _state(account, clock.now())
    return Line(account, tuple(role(grant, house.regions) for grant in account.grants), state, tone)


def _state(account: Account, now: datetime) -> tuple[str, str]:
    if not account.enabled:
        return "已停用", "quiet"
    if account.locked_until and account.locked_until > now:
        return "已锁定", "bad"
    if invited.waits(account):
        return "等本人首次登录", "busy"
    return ("等本人改密码", "busy") if account.must_change else ("可以登录", "good")
