"""Runs the application until Ctrl-C, after checks that end in one clear sentence."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
from contextlib import suppress

import uvicorn

from channels.app import create
from channels.house import House
from core.errors import BangbanError
from core.settings import Settings
from staff import accounts

ROOM = 200 * 1024 * 1024  # bytes that must be free: database, index and model of a city fit


class CannotServe(BangbanError):
    """服务启动不了。"""

    code = "cannot_serve"


def run(settings: Settings) -> None:
    """Serve until stopped. Raises CannotServe where a port is taken or the disk is full."""
    _check_port(settings)
    _check_room(settings)
    app = create(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,  # a query string may hold what a citizen typed
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=10,
    )
    server = _Announcing(config, settings, app.state.house)
    with suppress(KeyboardInterrupt):  # told again by uvicorn once everything is closed
        server.run()
    if not server.started:
        raise CannotServe("服务没有启动成功，原因见上面的日志；可以运行 bangban doctor 检查。")


class _Announcing(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, settings: Settings, house: House) -> None:
        super().__init__(config)
        self._settings = settings
        self._house = house

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            shown = "127.0.0.1" if self._settings.host in {"0.0.0.0", "::"} else self._settings.host
            address = f"http://{shown}:{self._settings.port}"
            print(f"\n帮办已就绪：{address}/   （Ctrl-C 停止）\n", flush=True)
            if made := await asyncio.to_thread(self._house.first_administrator):
                print(welcome(f"{address}/console", *made, person=sys.stdout.isatty()), flush=True)


def welcome(address: str, name: str, password: str, *, person: bool) -> str:
    """What is printed once about the first administrator. Unless a `person` reads it, as where output is kept in a log,
    the password is left out.
    """
    if not person:
        return f"工作人员后台：{address}\n已建好管理员账号 {name}。运行 bangban staff reset {name} 取一次性密码。\n"
    return (
        f"工作人员后台：{address}\n  登录名      {name}\n  一次性密码  {password}\n"
        f"密码只显示这一次，{accounts.ONE_TIME.days} 天内有效，登录后要改成自己的。"
        f"没记下的话，运行 bangban staff reset {name}。\n"
    )


def _check_port(settings: Settings) -> None:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            message = (
                f"端口 {settings.port} 已被占用或不能使用。请停掉占用它的程序，或换一个：BANGBAN_PORT=8080 make serve"
            )
            raise CannotServe(message) from None


def _check_room(settings: Settings) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(settings.home).free < ROOM:
        raise CannotServe(
            f"磁盘空间不足 200 MB，请清理 {settings.home.absolute()} 所在的磁盘，或用 BANGBAN_HOME 换一个位置。"
        )
