"""Be a citizen with WeChat at a served Bangban: `python -m tests.wechat.platform_server --help`.

Serves the platform's API, posts what is typed to the callback, signed and encrypted, and prints what comes back. Start
Bangban with the settings it prints.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx

from core.settings import Settings, WeChatAccount
from tests.wechat.citizen import ACCOUNT, Citizen, Letter
from tests.wechat.platform_server import PlatformServer

HELP = (
    "文字直接发送；/tap 选项 /click 菜单键 /join [场景] /scan 场景 /voice 识别结果 /place 纬度 经度 地址 /leave /quit"
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.wechat.platform_server", description=__doc__)
    parser.add_argument("--port", type=int, default=9100, help="where the platform's API is served")
    parser.add_argument("--callback", default="http://127.0.0.1:8000/wechat/callback")
    parser.add_argument("--openid", default="o-by-hand")
    parser.add_argument("--say", action="append", help="say this and end; may be repeated")
    parser.add_argument("--wait", type=float, default=6, help="seconds to wait for late answers after --say")
    given = parser.parse_args()
    account = Settings().wechat.get("", ACCOUNT)
    with PlatformServer(account, port=given.port) as platform:
        show_settings(account, platform.base)
        citizen = platform.citizen(given.openid)
        for line in given.say or lines():
            post(given.callback, citizen, act(citizen, line))
            late(citizen, given.wait if given.say else 0.5)


def show_settings(account: WeChatAccount, base: str) -> None:
    names = {"TOKEN": account.token, "AES_KEY": account.aes_key, "APPID": account.appid, "SECRET": account.secret}
    own = names if account is ACCOUNT else {}  # a real account's are not shown
    for name, value in (own | {"API_BASE": base, "OPEN_BASE": base}).items():
        print(f"export BANGBAN_WECHAT_{name}={value}")
    print(HELP, file=sys.stderr)


def lines() -> Iterator[str]:
    """What is typed, until /quit or the end."""
    with suppress(EOFError):
        yield from iter(lambda: input("> "), "/quit")


def act(citizen: Citizen, line: str) -> Letter:
    """What a line means."""
    word, _, rest = line.partition(" ")
    acts: dict[str, Callable[[], Letter]] = {
        "/tap": lambda: citizen.says("选项", tapped=rest),
        "/click": lambda: citizen.clicks(rest),
        "/join": lambda: citizen.joins(rest),
        "/scan": lambda: citizen.scans(rest),
        "/voice": lambda: citizen.speaks(rest),
        "/place": lambda: place(citizen, *rest.split(" ", 2)),
        "/leave": citizen.leaves,
    }
    return acts[word]() if word in acts else citizen.says(line)


def place(citizen: Citizen, latitude: str, longitude: str, label: str = "") -> Letter:
    return citizen.sends_place(float(latitude), float(longitude), label)


def post(callback: str, citizen: Citizen, letter: Letter) -> None:
    """Three tries of five seconds, as the platform does it."""
    for _ in range(3):
        sealed = letter.sealed()
        try:
            answer = httpx.post(callback, params=sealed.params, content=sealed.body, timeout=5, trust_env=False)
        except httpx.HTTPError as error:
            print(f"[{type(error).__name__}]")
            continue
        if answer.status_code != 200:
            print(f"[{answer.status_code}] {answer.text}")
            return
        reply = citizen.reads(answer.text) or {"Content": "[success]"}
        print(reply.get("Content") or reply)
        return


def late(citizen: Citizen, seconds: float) -> None:
    """What comes besides the reply."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        while citizen.received:
            print("[客服消息]", citizen.received.pop(0))
        while citizen.notices:
            print("[通知]", citizen.notices.pop(0))
        time.sleep(0.1)
