"""The pages' common parts: menu, what was just done, errors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.templating import Jinja2Templates

from channels.console.clerks import Clerk
from channels.house import House
from channels.web import cookies
from core.clock import CHINA
from core.errors import BangbanError
from core.vault import Unreadable
from staff.permissions import Act

HERE = Path(__file__).parent
TOLD = "bangban_told"
_KIND = "told "
A_WHILE = 60  # seconds that what was done waits to be told

templates = Jinja2Templates(HERE / "templates")
templates.env.trim_blocks = templates.env.lstrip_blocks = True
templates.env.filters["moment"] = lambda at: f"{at.astimezone(CHINA):%Y-%m-%d %H:%M}" if at else ""
templates.env.filters["percent"] = lambda share: f"{share:.0%}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu, for those who may do what is behind it."""

    label: str
    path: str
    act: Act


MENU = (
    Entry("概览", "/console", Act.READ_OVERVIEW),
    Entry("办事指南", "/console/guides", Act.READ_GUIDES),
    Entry("常见问题", "/console/faqs", Act.READ_FAQ),
    Entry("导入导出", "/console/imports", Act.EXPORT),
    Entry("群众问了什么", "/console/questions", Act.READ_QUESTIONS),
    Entry("对话记录", "/console/conversations", Act.READ_CONVERSATIONS),
    Entry("预约", "/console/desk", Act.READ_DESK),
    Entry("账号", "/console/accounts", Act.MANAGE_ACCOUNTS),
    Entry("操作记录", "/console/audit", Act.READ_AUDIT),
)


def page(request: Request, clerk: Clerk | None, name: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page of the console; `clerk` is None before signing in. Its template gets `act` (staff.permissions.Act) too."""
    house = House.of(request)
    told = _told(request)
    shared = {
        "root": request.scope.get("root_path", ""),
        "region_name": house.regions.name(house.settings.region),
        "regions": house.regions,
        "clerk": clerk,
        "csrf": clerk.csrf if clerk else "",
        "menu": [entry for entry in MENU if clerk and not clerk.account.must_change and clerk.anywhere(entry.act)],
        "here": _here(request.url.path),
        "told": told,
        "act": Act,
        "csp_nonce": request.state.nonce,
    }
    response = templates.TemplateResponse(request, name, shared | context, status_code=status)
    if told:
        cookies.drop(request, response, TOLD)
    return response


def redirect(request: Request, path: str, *, told: str = "") -> RedirectResponse:
    """To another page of the console after something was done, which tells so once. `path` begins with /console."""
    response = RedirectResponse(request.scope.get("root_path", "") + path, status_code=303)
    if told:
        cookies.keep(request, response, TOLD, House.of(request).vault.lock(_KIND + told), A_WHILE)
    return response


def error(request: Request, problem: BangbanError) -> HTMLResponse:
    """What went wrong, in the clerk's words."""
    return page(request, None, "error.html", status=problem.status, message=str(problem))


def _told(request: Request) -> str:
    locked = cookies.read(request, TOLD)
    if not locked:
        return ""
    try:
        text = House.of(request).vault.unlock(locked)
    except Unreadable:
        return ""
    return text.removeprefix(_KIND) if text.startswith(_KIND) else ""


def _here(path: str) -> str:
    """The menu's line that a path belongs to: the longest that it begins with. Drafts are of guides."""
    path = path.replace("/console/drafts", "/console/guides", 1)
    fits = [entry.path for entry in MENU if path == entry.path or path.startswith(f"{entry.path}/")]
    found = max(fits, key=len, default="")
    return found if path == found or found != MENU[0].path else ""  # all begin with the front page's
