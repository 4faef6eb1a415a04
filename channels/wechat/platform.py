"""Calls to the platform for one account. Nothing here waits in the event loop, and no error tells a secret."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatException

from channels.wechat.tokens import Tokens
from core.cache import Cache
from core.settings import Template, WeChatAccount
from core.vault import Vault

PATIENCE = 5.0  # seconds for one call: to connect, and again until the answer begins
ALL = 20.0  # seconds for a call with the time it waits for a free thread
THREADS = 16
LARGEST = 2 * 2**20  # bytes of an answer, as of a recording
OFFICIAL = "https://api.weixin.qq.com/"

TOKEN_FAILED = {40001, 40014, 42001}
NO_PERMISSION = {48001, 48003, 48004, 48008, 50001, 50002}
NOT_REACHABLE = {40003, 43004, 43019, 43101, 48002, 50005}
TOLD_ALREADY = 45065  # this client_msg_id


class PlatformError(Exception):
    """A call that failed. Its words are for operators: remedies.py says how to mend it.

    `code` is the platform's; None where it was not reached, did not answer in time, or answered no JSON. Then what was
    to be sent may have arrived all the same.
    """

    def __init__(self, code: int | None, why: str) -> None:
        super().__init__(f"微信平台没有答复：{why}" if code is None else f"微信平台报告错误 {code}：{why}")
        self.code = code

    @property
    def forbidden(self) -> bool:
        """Whether the account has no such permission."""
        return self.code in NO_PERMISSION

    @property
    def refused(self) -> bool:
        """Whether this citizen cannot be reached: follows no more, or does not want it."""
        return self.code in NOT_REACHABLE


class Platform:
    """The account's calls. All raise PlatformError. A token the platform no longer knows is renewed once for a call."""

    def __init__(
        self, account: WeChatAccount, cache: Cache, vault: Vault, *, base: str, patience: float = PATIENCE
    ) -> None:
        """`base` is the address of the API; `patience` the seconds one call waits for an answer."""
        # At its lowest level it writes down addresses, which hold tokens and the secret.
        logging.getLogger("urllib3").setLevel(logging.INFO)
        self._account = account
        self._clients = _Clients(account, base.rstrip("/") + "/", patience)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="wechat")
        self._tokens = Tokens(account.appid, cache, vault, self._fetch)

    async def send_text(self, openid: str, text: str) -> None:
        """A customer-service message of at most 2048 bytes."""
        await self._ask(lambda client: client.message.send_text(openid, text))

    async def typing(self, openid: str) -> None:
        """Show that an answer is being written."""
        data = {"touser": openid, "command": "Typing"}
        await self._ask(lambda client: client.post("message/custom/typing", data=data))

    async def send_notice(
        self, openid: str, template: Template, values: Mapping[str, str], *, url: str, key: str
    ) -> None:
        """A template or subscription message. `values` are what goes into each of its fields (fields.filled).

        `url` opens when it is tapped; empty: nothing. Of template messages with the same `key` the platform sends one
        within ten minutes; subscription messages know no key.
        """
        data: dict[str, Any] = {
            "touser": openid,
            "template_id": template.id,
            "data": {field: {"value": value} for field, value in values.items()},
        }
        if template.sort == "template":
            path, link = "message/template/send", "url"
            data["client_msg_id"] = hashlib.sha256(key.encode()).hexdigest()[:32]
        else:
            path, link = "message/subscribe/bizsend", "page"
        if url:
            data[link] = url
        try:
            await self._ask(lambda client: client.post(path, data=data))
        except PlatformError as error:
            if error.code != TOLD_ALREADY:
                raise

    async def openid_of(self, code: str) -> str:
        """Who came back from the sign-in page (snsapi_base) with `code`, which serves once."""
        # As a list: to a dict wechatpy would add our access token, which has no business there.
        query = [("appid", self._account.appid), ("secret", self._account.secret)]
        query += [("code", code), ("grant_type", "authorization_code")]
        answer = await self._call("", lambda client: client.get(f"{OFFICIAL}sns/oauth2/access_token", params=query))
        return _text(answer, "openid")

    async def online_staff(self) -> tuple[str, ...]:
        """Accounts of customer service that are online."""
        answer = await self._ask(lambda client: client.customservice.get_online_accounts())
        return tuple(_text(one, "kf_account") for one in answer or ())

    async def recording(self, media: str) -> tuple[bytes, str]:
        """A recording and its content type. More than 2 MiB is an error."""
        return await self._ask(lambda client: client.media.download(media), file=True)

    async def menu(self) -> dict | None:
        """The menu as the platform has it, in the form `apply_menu` takes; None where there is none."""
        answer = await self._ask(lambda client: client.menu.get())
        return answer and answer.get("menu")

    async def apply_menu(self, menu: dict) -> None:
        """Make `menu` the account's: its buttons are under `button`."""
        await self._ask(lambda client: client.menu.create(menu))

    async def close(self) -> None:
        """End all calls and connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._clients.close()

    async def _ask(self, call: Callable[[_Client], Any], *, file: bool = False) -> Any:
        token = await self._tokens.get()
        try:
            return await self._call(token, call, file=file)
        except PlatformError as error:
            if error.code not in TOKEN_FAILED:
                raise
        return await self._call(await self._tokens.renewed(token), call, file=file)

    async def _fetch(self, force: bool) -> tuple[str, int]:
        data = {
            "grant_type": "client_credential",
            "appid": self._account.appid,
            "secret": self._account.secret,
            "force_refresh": force,
        }
        answer = await self._call("", lambda client: client.post("stable_token", data=data, params=[]))
        lasts = answer.get("expires_in")
        return _text(answer, "access_token"), lasts if isinstance(lasts, int) else 0

    async def _call(self, token: str, call: Callable[[_Client], Any], *, file: bool = False) -> Any:
        try:
            waiting = asyncio.get_running_loop().run_in_executor(self._pool, self._clients.run, token, call)
            answer = await asyncio.wait_for(waiting, ALL)
        except TimeoutError:
            raise PlatformError(None, "等得太久") from None
        except RuntimeError:
            raise PlatformError(None, "已经关闭") from None
        if isinstance(answer, tuple) is not file:
            raise PlatformError(None, "回答不是文件" if file else "回答不是 JSON")
        return answer


class _Clients:
    """A client for each thread: neither requests' sessions nor wechatpy's clients are made to be shared."""

    def __init__(self, account: WeChatAccount, base: str, patience: float) -> None:
        self._account, self._base, self._patience = account, base, patience
        self._own = threading.local()
        self._all: list[_Client] = []

    def run(self, token: str, call: Callable[[_Client], Any]) -> Any:
        """Call in this thread. Raises PlatformError only."""
        client = self._client()
        client.access_token = token
        try:
            return call(client)
        except WeChatException as error:
            failed = PlatformError(error.errcode, self._hushed(error.errmsg or error.response, token))
        except Exception as error:  # requests' own, and what wechatpy makes of answers of another shape
            failed = PlatformError(None, type(error).__name__)
        raise failed  # only here: the exceptions above hold addresses, which hold secrets

    def close(self) -> None:
        """Close the connections."""
        for client in self._all:
            client._http.close()

    def _client(self) -> _Client:
        if not hasattr(self._own, "client"):
            self._own.client = _Client(self._account, self._base, self._patience)
            self._all.append(self._own.client)
        client: _Client = self._own.client
        return client

    def _hushed(self, message: object, token: str) -> str:
        told = str(message or "")[:300]
        for secret in (self._account.secret, self._account.token, self._account.aes_key, token):
            told = told.replace(secret, "***") if secret else told
        return told


class _Client(WeChatClient):
    """wechatpy's, with its address, its token, its patience and the size of answers in our hands."""

    access_token = ""  # there a property that fetches one

    def __init__(self, account: WeChatAccount, base: str, patience: float) -> None:
        super().__init__(account.appid, account.secret, timeout=patience, auto_retry=False)
        self._base = base

    def _request(self, method: str, url_or_endpoint: str, **given: Any) -> Any:
        # Some of wechatpy's calls name the official address outright.
        path = url_or_endpoint.removeprefix(OFFICIAL) if url_or_endpoint.startswith(OFFICIAL) else None
        url = self._base + (f"cgi-bin/{url_or_endpoint}" if path is None else path)
        return super()._request(method, url, stream=True, **given)

    def _decode_result(self, res: requests.Response) -> Any:
        """A JSON object; or, where it is no JSON at all, the content with its type."""
        res._content = self._read(res)
        decoded = super()._decode_result(res)
        if decoded is res:
            return res.content, res.headers.get("Content-Type", "")
        if not isinstance(decoded, dict):
            raise ValueError("no object")
        return decoded

    def _read(self, res: requests.Response) -> bytes:
        ends, read = time.monotonic() + self.timeout, bytearray()
        with res:
            # Not iter_content: it waits until a piece is whole, however slowly it comes.
            while piece := res.raw.read1(2**16, decode_content=True):
                read += piece
                if len(read) > LARGEST or time.monotonic() > ends:
                    raise ValueError("too large, or too slow")
        return bytes(read)


def _text(answer: Any, name: str) -> str:
    """A text in an answer. Raises PlatformError."""
    told = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(told, str) or not told:
        raise PlatformError(None, f"回答里没有 {name}")
    return told
