"""WeChat, as far as we use it: a small real server that speaks the platform's API, with its errors and quotas.

    platform.base                       # for BANGBAN_WECHAT_API_BASE and BANGBAN_WECHAT_OPEN_BASE
    platform.account                    # its first account; platform.backend is what WeChat keeps of it
    zhang = platform.citizen("o-zhang") # follows it; zhang.received, zhang.notices, zhang.typing (citizen.py)

    platform.fail("message/custom/send", 45009, times=2)    # the next two calls
    platform.drop("stable_token")                           # hangs up without an answer; after=True: once it is done
    platform.garble("media/get")                            # 502 with HTML, or any other status and text
    with platform.held("message/custom/send") as held:      # slow: calls wait until held.release() or the end
        platform.until(lambda: held.waiting == 1)
    platform.calls("stable_token")                          # what was asked, the newest last
    platform.backend.forbidden.add("message/custom/send")   # 48001; .expire() 42001, .invalidate() 40001 for tokens

By hand, to talk to a served Bangban as WeChat would: `python -m tests.wechat.platform_server --help`.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from core.settings import WeChatAccount
from tests.wechat.backend import Backend, Fault, Request
from tests.wechat.citizen import ACCOUNT, Citizen

PATIENCE = 20  # seconds a test waits for something that must happen


@dataclass(frozen=True)
class Dropped:
    """A connection that breaks: before anything is done, or after."""

    after: bool


@dataclass(frozen=True)
class Garbled:
    """An answer that is none of the platform's."""

    status: int
    text: str


@dataclass
class Held:
    """Calls that wait. `waiting` is how many do now."""

    waiting: int = 0
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop | None = None

    def release(self) -> None:
        assert self._loop
        self._loop.call_soon_threadsafe(self._open.set)


class PlatformServer:
    """The platform for one or several accounts. Tests script it and read it from their own thread."""

    def __init__(self, *accounts: WeChatAccount, port: int = 0) -> None:
        self.accounts = {one.appid: Backend(one) for one in accounts or (ACCOUNT,)}
        self.backend = next(iter(self.accounts.values()))
        self.account = self.backend.account
        self.base = ""
        self._port = port
        self._calls: list[Request] = []
        self._troubles: dict[str, list[Fault | Dropped | Garbled]] = {}
        self._held: dict[str, Held] = {}
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True, name="wechat-platform")

    # -- what tests say --

    def citizen(self, openid: str = "o-zhang", account: WeChatAccount | None = None) -> Citizen:
        """A citizen whom the platform knows; the same one when asked again."""
        return self.accounts[(account or self.account).appid].citizen(openid)

    def fail(self, path: str, code: int, *, times: int = 1, why: str = "") -> None:
        """Have the next calls answered with an error; `why` is added to its message."""
        self._trouble(path, Fault(code, why), times)

    def drop(self, path: str, *, times: int = 1, after: bool = False) -> None:
        """Have the next connections broken; `after`: only when what was asked is done."""
        self._trouble(path, Dropped(after), times)

    def garble(self, path: str, *, times: int = 1, status: int = 502, text: str = "<html>Bad Gateway</html>") -> None:
        """Have the next calls answered by a broken proxy."""
        self._trouble(path, Garbled(status, text), times)

    @contextmanager
    def held(self, path: str) -> Iterator[Held]:
        """Have calls wait until the end of the block, or until they are released."""
        held = self._held[path] = Held(_loop=self._loop)
        try:
            yield held
        finally:
            self._held.pop(path, None)
            held.release()

    def calls(self, path: str = "") -> list[Request]:
        """All requests that came, or those of one path, the newest last."""
        return [one for one in list(self._calls) if not path or one.path == path]

    def until(self, true: Callable[[], Any], seconds: float = PATIENCE) -> None:
        """Wait until something is true that a call makes true; fails when it does not come."""
        with self._changed:
            assert self._changed.wait_for(true, seconds), f"it never came; calls: {[one.path for one in self._calls]}"

    def reset(self) -> None:
        """As if just started; accounts, address and citizens' names stay."""
        self._calls.clear()
        self._troubles.clear()
        self.accounts.update({appid: Backend(one.account) for appid, one in self.accounts.items()})
        self.backend = self.accounts[self.account.appid]

    # -- the server --

    def __enter__(self) -> Self:
        self._thread.start()
        self.until(lambda: self.base)
        return self

    def __exit__(self, *_: object) -> None:
        for held in list(self._held.values()):
            held.release()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        application = web.Application(client_max_size=10 * 2**20)
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", self._port)
        self._loop.run_until_complete(site.start())
        assert site._server
        self.base = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
        self._tell()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _answer(self, http: web.Request) -> web.StreamResponse:
        request = await _read(http)
        self._calls.append(request)
        self._tell()
        if held := self._held.get(request.path):
            await self._wait(held)
        troubles = self._troubles.get(request.path)
        answer = self._answered(request, troubles.pop(0) if troubles else None)
        self._tell()
        if answer is None:
            assert http.transport
            http.transport.abort()
        return answer or web.Response()

    def _answered(self, request: Request, trouble: Fault | Dropped | Garbled | None) -> web.Response | None:
        match trouble:
            case Fault():
                return _fault(trouble)
            case Garbled(status, text):
                return web.Response(status=status, text=text, content_type="text/html")
            case Dropped(after):
                if after:
                    self._done(request)
                return None
        return self._done(request)

    def _done(self, request: Request) -> web.Response:
        try:
            backend = self._asked(request)
            answer = backend.does(request)
        except Fault as fault:
            return _fault(fault)
        if isinstance(answer, bytes):
            return web.Response(body=answer, content_type="audio/amr")
        if isinstance(answer, str):
            return web.Response(status=302, headers={"Location": answer})
        return _json(answer)

    def _asked(self, request: Request) -> Backend:
        """Whose backend a call is for: by its token, else by its appid."""
        if "access_token" in request.query:
            token = request.query["access_token"]
            owner = next((one for one in self.accounts.values() if one.knows(token)), None)
            if owner is None:
                raise Fault(40001 if token else 41001)
            owner.admits(token)
            return owner
        appid = request.query.get("appid") or request.body.get("appid")
        if appid not in self.accounts:
            raise Fault(40013 if appid else 41002)
        return self.accounts[appid]

    def _trouble(self, path: str, trouble: Fault | Dropped | Garbled, times: int) -> None:
        self._troubles.setdefault(path, []).extend([trouble] * times)

    async def _wait(self, held: Held) -> None:
        held.waiting += 1
        self._tell()
        await held._open.wait()
        held.waiting -= 1

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()


async def _read(http: web.Request) -> Request:
    path = http.path.removeprefix("/cgi-bin").strip("/")
    text = await http.text()
    body = json.loads(text) if text.startswith("{") else {}
    return Request(http.method, path, dict(http.query), body)


def _fault(fault: Fault) -> web.Response:
    return _json({"errcode": fault.code, "errmsg": str(fault)})


def _json(answer: Any) -> web.Response:
    # As the platform does: JSON under another name.
    return web.Response(text=json.dumps(answer, ensure_ascii=False), content_type="text/plain", charset="utf-8")


if __name__ == "__main__":
    from tests.wechat.by_hand import main

    main()
