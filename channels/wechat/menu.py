"""The account's menu: a file in the platform's own terms, made sure of before it is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from bot import choices
from channels.wechat.targets import link, path_of
from core.errors import Invalid
from core.settings import Settings
from knowledge.regions import Regions
from knowledge.seeds import SEEDS

SHIPPED = Path(__file__).parent / "menu.yml"
MOST, MOST_INSIDE = 3, 5  # buttons, and buttons of a button
NAME, NAME_INSIDE, KEY, URL = 16, 60, 128, 1024  # bytes of UTF-8
_ACTIONS = {"click": ("key",), "view": ("url",), "miniprogram": ("url", "appid", "pagepath")}
_BOOKING = re.compile(r"book:(mine|guide:[0-9]{1,9})")
_REGION = re.compile(r"region:([0-9]{6}(?:[0-9]{3}){0,2})")
_LIKE = "样子见随软件附带的 channels/wechat/menu.yml"

# The address by which citizens arrive known at a page of ours, such as /book/mine, or at an online application;
# None: not there.
Page = Callable[[str], str | None]


class WrongMenu(Invalid):
    """菜单文件不对，请检查后再试。"""


def load(file: Path, page: Page) -> dict[str, Any]:
    """The menu of a file, as the platform wants it. Raises WrongMenu, which names each button at fault."""
    try:
        told = yaml.safe_load(file.read_text("utf-8"))
    except UnicodeDecodeError:
        raise WrongMenu(f"{file} 不是 UTF-8 编码的文字，请另存为 UTF-8。") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"第 {mark.line + 1} 行附近" if mark else "有一处"
        raise WrongMenu(f"{file} {place}不是正确的 YAML，请检查缩进、冒号和引号，{_LIKE}。") from None
    return compose(told, page)


def compose(told: object, page: Page) -> dict[str, Any]:
    """A menu file's content as the platform wants it. Raises WrongMenu."""
    if wrong := list(_faults(told, page)):
        raise WrongMenu("菜单没有发出去，请先改这些地方：\n" + "\n".join(wrong))
    assert isinstance(told, dict)
    return {"button": [_sent(button, page) for button in told["button"]]}


def lines(menu: Mapping[str, Any]) -> Iterator[str]:
    """A menu in the platform's form, for people to read."""
    for button in menu.get("button") or []:
        yield _line(button)
        for one in button.get("sub_button") or []:
            yield f"  {_line(one)}"


def strangers(menu: Mapping[str, Any]) -> list[str]:
    """Names of a menu's buttons whose key means nothing here, so that a tap goes unanswered."""
    every = [one for top in menu.get("button") or [] for one in (top.get("sub_button") or [top])]
    return [str(one.get("name")) for one in every if one.get("type") == "click" and _key_fault(str(one.get("key")))]


def pages(settings: Settings, name: str) -> Page:
    """The pages that citizens of the account called `name` get to."""
    return lambda url: link(path_of(name), settings.public_url, url, hosts=settings.wechat_handoff)


# -- what is wrong --


def _faults(told: object, page: Page) -> Iterator[str]:
    buttons = told.get("button") if isinstance(told, dict) else None
    if not isinstance(told, dict) or set(told) != {"button"} or not isinstance(buttons, list) or not buttons:
        yield f"文件以 button: 开头，下面列出 1 到 {MOST} 个按钮，{_LIKE}。"
        return
    if len(buttons) > MOST:
        yield f"下面那排按钮有 {len(buttons)} 个，最多 {MOST} 个，请去掉几个，或者放到别的按钮里面。"
    for n, button in enumerate(buttons, 1):
        yield from _of_button(f"第 {n} 个按钮", button, NAME, page)
        for m, one in enumerate(_inside(button), 1):
            yield from _of_button(f"第 {n} 个按钮里的第 {m} 个", one, NAME_INSIDE, page)


def _of_button(place: str, button: object, longest: int, page: Page) -> Iterator[str]:
    if not isinstance(button, dict):
        yield f"{place}：要写成 name: …、type: … 这样几项，{_LIKE}。"
        return
    name = button.get("name")
    where = f"{place}“{name}”" if isinstance(name, str) else place
    yield from (f"{where}：{wrong}" for wrong in (*_of_name(name, longest), *_of_rest(button, longest == NAME, page)))


def _of_name(name: object, longest: int) -> Iterator[str]:
    if not isinstance(name, str) or not name.strip():
        yield "要有名字，写成 name: 办事；名字是数字的，加上引号。"
    elif (long := len(name.encode())) > longest:
        yield f"名字有 {long} 字节，最多 {longest} 字节（{longest // 3} 个汉字），请改短。"


def _of_rest(button: Mapping[str, Any], top: bool, page: Page) -> Iterator[str]:
    inside = button.get("sub_button")
    if not inside:
        yield from _of_action(button, page)
    elif not top:
        yield "里面不能再放按钮，请去掉 sub_button。"
    elif not isinstance(inside, list):
        yield "sub_button 下面要逐个列出按钮，每个前面加一个短横线。"
    elif len(inside) > MOST_INSIDE:
        yield f"里面有 {len(inside)} 个按钮，最多 {MOST_INSIDE} 个，请去掉几个。"
    elif extra := sorted(map(str, set(button) - {"name", "sub_button"})):
        yield f"里面已经有按钮，自己就不能再有动作，请去掉 {'、'.join(extra)}，或者去掉 sub_button。"


def _of_action(button: Mapping[str, Any], page: Page) -> Iterator[str]:
    sort = button.get("type")
    if not isinstance(sort, str) or sort not in _ACTIONS:
        yield "type 要写 click（点了由帮办回答）、view（打开网页）或 miniprogram（打开小程序），或者用 sub_button 放几个按钮。"
        return
    wanted = _ACTIONS[sort]
    if missing := [one for one in wanted if not isinstance(button.get(one), str) or not button[one].strip()]:
        yield f"还要写上 {'、'.join(missing)}（文字，数字要加引号）。"
        return
    if extra := sorted(map(str, set(button) - {"name", "type", "sub_button", *wanted})):
        yield f"{sort} 的按钮没有 {'、'.join(extra)}，请去掉，或者检查有没有写错。"
    wrong = _key_fault(button["key"]) if sort == "click" else _url_fault(button["url"], page)
    if wrong:
        yield wrong


def _opened(url: str, page: Page) -> str:
    return page(url) or url


def _key_fault(key: str) -> str:
    """Why a tap on this key would go unanswered; empty: it will not."""
    if (long := len(key.encode())) > KEY:
        return f"key 有 {long} 字节，最多 {KEY} 字节，请改短，例如把问题说得简单些。"
    if key.startswith("ask:") and not key.removeprefix("ask:").strip():
        return "ask: 后面要写问题，例如 ask:身份证丢了怎么补。"
    if (place := _REGION.fullmatch(key)) and place[1] not in _regions():
        return f"{place[1]} 不是已知的区划代码，请检查 region: 后面的数字。"
    if key == "hello" or key.startswith("ask:") or place or _BOOKING.fullmatch(key) or _is_choice(key):
        return ""
    return f"帮办不认识 key: {key}，可以写 ask:问题、region:区划代码、book:mine（我的预约）、human（找人工）、hello（怎么用）。"


def _url_fault(url: str, page: Page) -> str:
    address = _opened(url, page)
    if address.startswith("/"):
        return f"{url} 不是能从微信打开的本站网页，或者还没有设置 BANGBAN_PUBLIC_URL。"
    if not _is_https(address):
        mend = "请把 BANGBAN_PUBLIC_URL 改成 https:// 开头" if url.startswith("/") else "请写完整的 https:// 网址"
        return f"{url} 不能用，微信只打开 https 的网页，{mend}。"
    if (long := len(address.encode())) > URL:
        return f"网址有 {long} 字节，最多 {URL} 字节，请换一个短的。"
    return ""


def _is_choice(key: str) -> bool:
    chosen = choices.read(key)
    return chosen.human or chosen.guide is not None or bool(chosen.faq)


def _is_https(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and not re.search(r"\s", address)


@cache
def _regions() -> Regions:
    return Regions.read(SEEDS / "regions.yml")


# -- what is right --


def _sent(button: Mapping[str, Any], page: Page) -> dict[str, Any]:
    if inside := _inside(button):
        return {"name": button["name"], "sub_button": [_sent(one, page) for one in inside]}
    sent = {"name": button["name"], "type": button["type"]}
    for one in _ACTIONS[button["type"]]:
        sent[one] = _opened(button[one], page) if sent["type"] == "view" else button[one]
    return sent


def _inside(button: object) -> list[Any]:
    inside = button.get("sub_button") if isinstance(button, dict) else None
    return inside if isinstance(inside, list) else []


def _line(button: Mapping[str, Any]) -> str:
    does = button.get("key") or button.get("url") or button.get("type") or ""
    return f"{button.get('name', '')}  {does}".rstrip()
