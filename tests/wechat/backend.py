"""What WeChat keeps of one account, and what it says to each call: platform_server.py puts it behind HTTP.

Limits and codes are from the platform's documents; where they are silent, the stricter reading is taken.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from core import clock
from core.settings import WeChatAccount
from tests.wechat.citizen import Citizen

OK = {"errcode": 0, "errmsg": "ok"}
SAID = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken",
    40003: "invalid openid",
    40007: "invalid media_id",
    40013: "invalid appid",
    40014: "invalid access_token",
    40029: "invalid code",
    40037: "invalid template_id",
    40125: "invalid appsecret",
    40163: "code been used",
    40164: "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist",
    41001: "access_token missing",
    42001: "access_token expired",
    43004: "require subscribe",
    43101: "user refuse to accept the msg",
    45002: "content size out of limit",
    45009: "reach max api daily quota limit",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    46003: "menu no exist",
    47003: "argument invalid!",
    48001: "api unauthorized",
}
TYPES = {"click", "view", "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin",
         "location_select", "miniprogram", "media_id", "article_id", "article_view_limited"}  # fmt: skip
FIELDS = {  # what fits into a field of a template, by its name without the number
    "thing": r".{1,20}",
    "character_string": r"[\x20-\x7e]{1,32}",
    "phrase": r"[\u4e00-\u9fff]{1,5}",
    "name": r"[\u4e00-\u9fff]{1,10}|[A-Za-z ]{1,20}",
    "number": r"[0-9.]{1,32}",
    "phone_number": r"[0-9+ -]{1,17}",
    "date": r"\d{4}年\d{1,2}月\d{1,2}日( \d{2}:\d{2})?|\d{4}-\d{2}-\d{2}( \d{2}:\d{2})?",
    "time": r"(\d{4}年\d{1,2}月\d{1,2}日 ?)?\d{2}:\d{2}(~\d{2}:\d{2})?|\d{4}-\d{2}-\d{2} \d{2}:\d{2}",
    "const": r".{1,20}",
}


class Fault(Exception):
    """An error of the platform."""

    def __init__(self, code: int, why: str = "") -> None:
        said = SAID.get(code, "error")
        super().__init__(f"{said}{f' {why}' if why else ''} rid: {secrets.token_hex(4)}-{secrets.token_hex(4)}")
        self.code = code


@dataclass(frozen=True)
class Request:
    """One call to the API; `path` without /cgi-bin/."""

    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any]


@dataclass
class Backend:
    """`staff` are those online; `forbidden` the paths without permission; `templates` known ids, empty: any."""

    account: WeChatAccount
    citizens: dict[str, Citizen] = field(default_factory=dict)
    menu: dict[str, Any] | None = None
    staff: list[str] = field(default_factory=list)
    media: dict[str, bytes] = field(default_factory=dict)
    templates: set[str] = field(default_factory=set)
    wordings: dict[str, str] = field(default_factory=dict)  # of templates of either sort, by id
    forbidden: set[str] = field(default_factory=set)
    lifetime: int = 7200  # seconds of a token
    visitor: str = ""  # who opens the sign-in page; unset: the first citizen
    fetches: list[str] = field(default_factory=list)  # of tokens: stable, forced, classic
    sent: dict[tuple[str, str], int] = field(default_factory=dict)  # notices by openid and client_msg_id
    _tokens: dict[str, float] = field(default_factory=dict)  # of all kinds, and when each ends
    _stable: str = ""
    _classic: str = ""
    _codes: dict[str, tuple[str, float]] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)

    def citizen(self, openid: str) -> Citizen:
        """Somebody who follows the account."""
        return self.citizens.setdefault(openid, Citizen(self.account, openid))

    def code(self, openid: str) -> str:
        """A fresh code of the sign-in page."""
        made = secrets.token_hex(16)
        self._codes[made] = (openid, _now() + 300)
        return made

    # -- tokens --

    def expire(self) -> None:
        """All tokens run out now."""
        self._tokens = dict.fromkeys(self._tokens, 0.0)

    def invalidate(self) -> None:
        """All tokens become invalid, as when somebody fetched another; the platform knows it."""
        self._tokens.clear()

    def knows(self, token: str) -> bool:
        return token in self._tokens

    def admits(self, token: str) -> None:
        if self._tokens[token] <= _now():
            raise Fault(42001)

    def _fetched(self, given: Mapping[str, Any], how: str) -> dict[str, Any]:
        if given.get("grant_type") != "client_credential":
            raise Fault(40002)
        if given.get("secret") != self.account.secret:
            raise Fault(40125)
        self.fetches.append(how)
        old = self._classic if how == "classic" else self._stable
        left = self._tokens.get(old, 0.0) - _now()
        if how == "stable" and left > 0:
            return {"access_token": old, "expires_in": int(left)}
        self._tokens.pop(old, None)
        token = f"{len(self.fetches)}_{secrets.token_urlsafe(64)}"
        self._tokens[token] = _now() + self.lifetime
        self._stable, self._classic = (self._stable, token) if how == "classic" else (token, self._classic)
        return {"access_token": token, "expires_in": self.lifetime}

    # -- calls --

    def does(self, request: Request) -> Any:
        """The answer to a call: a dict, a file's bytes, or the address of a redirection. Raises Fault."""
        if request.path in self.forbidden:
            raise Fault(48001)
        calls = {
            "token": lambda: self._fetched(request.query, "classic"),
            "stable_token": lambda: self._fetched(
                request.body, "forced" if request.body.get("force_refresh") else "stable"
            ),
            "message/custom/send": lambda: self._send(request.body),
            "message/custom/typing": lambda: self._type(request.body),
            "message/template/send": lambda: self._notify(request.body, once=True),
            "message/subscribe/bizsend": lambda: self._notify(request.body, once=False),
            "menu/create": lambda: self._create(request.body),
            "menu/get": self._get_menu,
            "menu/delete": self._delete_menu,
            "media/get": lambda: self._media(request.query.get("media_id", "")),
            "customservice/getonlinekflist": lambda: {
                "kf_online_list": [{"kf_account": one, "status": 1, "kf_id": "1001"} for one in self.staff]
            },
            "customservice/getkflist": lambda: {
                "kf_list": [{"kf_account": one, "kf_nick": "客服", "kf_id": "1001"} for one in self.staff]
            },
            "template/get_all_private_template": lambda: {
                "template_list": [{"template_id": id, "content": told} for id, told in self.wordings.items()]
            },
            "wxaapi/newtmpl/gettemplate": lambda: (
                OK | {"data": [{"priTmplId": id, "content": told} for id, told in self.wordings.items()]}
            ),
            "get_api_domain_ip": lambda: {"ip_list": ["203.0.113.1"]},
            "getcallbackip": lambda: {"ip_list": ["203.0.113.2"]},
            "sns/oauth2/access_token": lambda: self._sign_in(request.query),
            "connect/oauth2/authorize": lambda: self._authorize(request.query),
        }
        free = {"token", "stable_token", "sns/oauth2/access_token", "connect/oauth2/authorize"}
        if request.path not in calls:
            raise Fault(40066)
        if request.path not in free and "access_token" not in request.query:
            raise Fault(41001)
        return calls[request.path]()

    def _reached(self, body: Mapping[str, Any]) -> Citizen:
        citizen = self.citizens.get(body.get("touser", ""))
        if citizen is None:
            raise Fault(40003)
        if not citizen.follows:
            raise Fault(43004)
        return citizen

    def _send(self, body: Mapping[str, Any]) -> dict[str, Any]:
        citizen = self._reached(body)
        if body.get("msgtype") != "text":
            raise Fault(40008)
        text = body["text"]["content"]
        if not text:
            raise Fault(44004)
        if len(text.encode()) > 2048:
            raise Fault(45002)
        # Several windows do not add up: each message counts in all that are open.
        windows = [one for one in citizen.windows.values() if one.ends > _now()]
        if not windows:
            raise Fault(45015)
        if all(one.left <= 0 for one in windows):
            raise Fault(45047)
        for one in windows:
            one.left -= 1
        citizen.received.append(text)
        return OK

    def _type(self, body: Mapping[str, Any]) -> dict[str, Any]:
        citizen = self._reached(body)
        if body.get("command") not in ("Typing", "CancelTyping"):
            raise Fault(45072)
        citizen.typing += body["command"] == "Typing"
        return OK

    def _notify(self, body: Mapping[str, Any], *, once: bool) -> dict[str, Any]:
        """A template message, which knows client_msg_id, or a subscription message, which does not."""
        citizen = self._reached(body)
        if not body.get("template_id") or (self.templates and body["template_id"] not in self.templates):
            raise Fault(40037)
        if not once and not citizen.accepts:
            raise Fault(43101)
        for name, told in body["data"].items():
            fits = FIELDS.get(name.rstrip("0123456789"), r".{1,200}")
            if not re.fullmatch(fits, told["value"]):
                raise Fault(47003, f"data.{name}.value invalid")
        key = (citizen.openid, str(body.get("client_msg_id", "")))
        if len(key[1].encode()) > 64:
            raise Fault(45067)
        if not (once and key[1] and key in self.sent):
            self.sent[key] = len(self.sent) + 1
            citizen.notices.append(dict(body))
        return OK | ({"msgid": self.sent[key]} if once else {})

    def _media(self, id: str) -> bytes:
        if id not in self.media:
            raise Fault(40007)
        return self.media[id]

    # -- the menu --

    def _create(self, menu: dict[str, Any]) -> dict[str, Any]:
        buttons = menu.get("button", [])
        if not 1 <= len(buttons) <= 3:
            raise Fault(40016)
        for one in buttons:
            below = one.get("sub_button", [])
            if len(below) > 5:
                raise Fault(40023)
            _check_button(one, 16, parent=bool(below), first=40018)
            for other in below:
                _check_button(other, 60, parent=False, first=40025)
        self.menu = menu
        return OK

    def _get_menu(self) -> dict[str, Any]:
        if self.menu is None:
            raise Fault(46003)
        return {"menu": self.menu}

    def _delete_menu(self) -> dict[str, Any]:
        self.menu = None
        return OK

    # -- signing in --

    def _authorize(self, query: Mapping[str, str]) -> str:
        if query.get("response_type") != "code" or query.get("scope") not in ("snsapi_base", "snsapi_userinfo"):
            raise Fault(10005)
        if not re.fullmatch(r"[A-Za-z0-9]{0,128}", query.get("state", "")):
            raise Fault(10016)
        visitor = self.visitor or next(iter(self.citizens))
        target = query["redirect_uri"]
        back = urlencode({"code": self.code(visitor), "state": query.get("state", "")})
        return f"{target}{'&' if '?' in target else '?'}{back}"

    def _sign_in(self, query: Mapping[str, str]) -> dict[str, Any]:
        if query.get("secret") != self.account.secret:
            raise Fault(40125)
        code = query.get("code", "")
        if code in self._used:
            raise Fault(40163)
        openid, ends = self._codes.pop(code, ("", 0.0))
        if ends <= _now():
            raise Fault(40029)
        self._used.add(code)
        tokens = {"access_token": secrets.token_urlsafe(32), "refresh_token": secrets.token_urlsafe(32)}
        return tokens | {"expires_in": 7200, "openid": openid, "scope": "snsapi_base", "is_snapshotuser": 0}


def _check_button(button: Mapping[str, Any], most: int, *, parent: bool, first: int) -> None:
    """Codes for name, key and address follow each other: 40018-40020 for buttons, 40025-40027 for those below."""
    if not 1 <= len(button.get("name", "").encode()) <= most:
        raise Fault(first)
    if parent:
        return
    if button.get("type") not in TYPES:
        raise Fault(first - 1)
    if button["type"] == "click" and not 1 <= len(button.get("key", "").encode()) <= 128:
        raise Fault(first + 1)
    if button["type"] == "view" and not re.fullmatch(r"https?://.{1,1017}", button.get("url", "")):
        raise Fault(first + 2)


def _now() -> float:
    return clock.now().timestamp()
