"""Signing in and out, the own password, and where one is signed in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from channels.console import clerks, devices
from channels.console.clerks import AtWork, Clerk, SignedIn
from channels.console.forms import Posted, Unchecked
from channels.console.pages import page, redirect
from channels.console.people import browser, role
from channels.house import House
from channels.web import cookies, limits
from core import clock
from core.errors import BangbanError, Invalid, Unauthorized
from staff import accounts, passwords, signing
from staff.accounts import Account, WrongPassword
from staff.passwords import WeakPassword

HOME = "/console"
_NOWHERE = ("/console/sign-in", "/console/sign-out", "/console/password", "/console/oidc")

router = APIRouter(prefix="/console")
Next = Annotated[str, Query()]


# -- in --


@router.get("/sign-in", response_class=HTMLResponse)
def sign_in_page(request: Request, next: Next = "") -> Response:
    """The form, or on to the page where somebody is signed in already."""
    house = House.of(request)
    token = cookies.read(request, clerks.COOKIE)
    if token and signing.recognise(house.reading, house.writing, token, now=clock.now()):
        return redirect(request, local(request, next))
    return sign_in_form(request, next)


@router.post("/sign-in", response_class=HTMLResponse)
async def sign_in(request: Request, sent: Unchecked) -> Response:
    """A fresh session, whatever the browser showed before."""
    house, name = House.of(request), sent.get("name")
    async with house.proving:
        await limits.check_sign_in(house, request)
        try:
            token, account = await _proved(request, name, sent.get("password"))
        except Unauthorized as problem:
            await limits.wrong_sign_in(house, request)
            return await asyncio.to_thread(sign_in_form, request, sent.get("next"), problem, name)
    to = "/console/password" if account.must_change else local(request, sent.get("next"))
    response = await asyncio.to_thread(welcome, request, token, to)
    await asyncio.to_thread(devices.keep, request, response, account.id)
    return response


async def _proved(request: Request, name: str, password: str) -> tuple[str, Account]:
    """Sign in, or fail alike whether or not the name is anybody's. Raises what `signing.sign_in` raises."""
    house = House.of(request)
    locked, known = await limits.nobody_locked(house, name), await devices.known(request, name)
    try:
        return await asyncio.to_thread(
            signing.sign_in, house.writing, house.audit, name, password, address=limits.address(request),
            agent=agent(request), now=clock.now(), hours=house.settings.staff_hours_signed_in, locked=locked,
            known=known,
        )  # fmt: skip
    except signing.UnknownName as problem:
        if await limits.nobody_failed(house, name):
            raise signing.LockedOut(signing.LOCKED) from problem
        raise


def sign_in_form(request: Request, to: str, problem: BangbanError | None = None, name: str = "") -> HTMLResponse:
    """The page to sign in on, with what went wrong."""
    settings = House.of(request).settings
    return page(
        request, None, "staff/sign_in.html", status=problem.status if problem else 200, title="登录",
        next=local(request, to), problem=str(problem or ""), typed=name,
        oidc=settings.oidc_title if settings.oidc_issuer else "",
    )  # fmt: skip


def welcome(request: Request, token: str, to: str) -> RedirectResponse:
    """On to the page, with the session of `token` in place of the one that the browser had."""
    response = redirect(request, to)
    before = cookies.read(request, clerks.COOKIE)
    if before:
        with House.of(request).writing.begin() as session:
            signing.sign_out(session, before)
    clerks.keep(request, response, token)
    return response


def local(request: Request, to: str) -> str:
    """Where to go after signing in: `to` if it is a page of the console and not too long, else its front page."""
    root = request.scope.get("root_path", "")
    to = to.removeprefix(root)
    try:
        parts = urlsplit(to)
    except ValueError:
        return HOME
    path = unquote(parts.path)
    ours = not parts.scheme and not parts.netloc and (path == HOME or path.startswith(f"{HOME}/"))
    plain = unquote(to).isprintable() and "\\" not in path and "//" not in path and ".." not in path.split("/")
    return to if ours and plain and len(to) <= clerks.LONGEST and not path.startswith(_NOWHERE) else HOME


def agent(request: Request) -> str:
    """What the browser says it is."""
    return request.headers.get("user-agent", "")


# -- out --


@router.post("/sign-out")
def sign_out(request: Request, clerk: SignedIn, sent: Posted) -> Response:
    """End the session of this browser."""
    house = House.of(request)
    with house.writing.begin() as session:
        signing.sign_out(session, cookies.read(request, clerks.COOKIE))
        _record(house, session, clerk, "sign.out")
    return _left(request, "已退出。")


@router.post("/me/sign-out-everywhere")
def sign_out_everywhere(request: Request, clerk: SignedIn, sent: Posted) -> Response:
    """End all sessions of the account, this one too."""
    house = House.of(request)
    with house.writing.begin() as session:
        signing.sign_out_everywhere(session, clerk.account.id)
        _record(house, session, clerk, "sign.out", {"everywhere": True})
    return _left(request, "已在所有设备上退出。")


def _left(request: Request, told: str) -> Response:
    response = redirect(request, "/console/sign-in", told=told)
    clerks.forget(request, response)
    return response


def _record(house: House, session: Session, clerk: Clerk, act: str, detail: Mapping[str, object] | None = None) -> None:
    """Put on record what somebody did with their own account."""
    account = clerk.account
    subject, region = f"account:{account.name}", account.region
    house.audit.record(
        session, who=account.name, act=act, subject=subject, region=region, detail=detail, at=clock.now()
    )


# -- oneself --


@router.get("/me", response_class=HTMLResponse)
def me(request: Request, clerk: AtWork) -> Response:
    """Who one is here, what one may do, and where one is signed in."""
    house = House.of(request)
    with house.reading() as session:
        opened = signing.sessions(session, clerk.account.id, now=clock.now())
    here = [(one, browser(one.agent), one.digest == clerk.digest) for one in opened]
    roles = [role(grant, house.regions) for grant in clerk.account.grants]
    return page(request, clerk, "staff/me.html", title="我的账号", roles=roles, opened=here)


@router.get("/password", response_class=HTMLResponse)
def password_page(request: Request, clerk: SignedIn) -> Response:
    """The form to change the own password."""
    return _password_form(request, clerk)


@router.post("/password", response_class=HTMLResponse)
async def password(request: Request, clerk: SignedIn, sent: Posted) -> Response:
    """Change the own password. All other sessions of the account end."""
    house, new = House.of(request), sent.get("new")
    try:
        _check_new(clerk, new, sent.get("again"))
        async with house.proving:
            await limits.check_sign_in(house, request)
            await limits.guess(house, clerk.account.id)
            await asyncio.to_thread(_change, house, clerk, sent.get("old"), new)
    except WrongPassword as problem:
        await limits.wrong_sign_in(house, request)
        return await asyncio.to_thread(_password_form, request, clerk, old=str(problem))
    except WeakPassword as problem:
        return await asyncio.to_thread(_password_form, request, clerk, new=str(problem))
    except Differs as problem:
        return await asyncio.to_thread(_password_form, request, clerk, again=str(problem))
    await limits.guessed(house, clerk.account.id)
    to = HOME if clerk.account.must_change else "/console/me"
    response = redirect(request, to, told="密码已修改，其他设备上的登录已退出。")
    await asyncio.to_thread(devices.keep, request, response, clerk.account.id)
    return response


class Differs(Invalid):
    """两次输入的新密码不一样，请重新输入。"""


def _check_new(clerk: Clerk, new: str, again: str) -> None:
    """What can be told of a new password before the old one is looked at. Raises Differs, WeakPassword."""
    if new != again:
        raise Differs()
    passwords.check(new, clerk.name)


def _change(house: House, clerk: Clerk, old: str, new: str) -> None:
    with house.reading() as session:
        change = accounts.renewed(session, clerk.account.id, old, new)
    with house.writing.begin() as session:
        accounts.renew(session, change, keep=clerk.digest)
        _record(house, session, clerk, "account.password")


def _password_form(request: Request, clerk: Clerk, **problems: str) -> HTMLResponse:
    status = 422 if problems else 200
    return page(request, clerk, "staff/password.html", status=status, title="修改密码", problems=problems)
