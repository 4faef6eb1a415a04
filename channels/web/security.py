"""What every web response and request goes through: headers, size of bodies, request ids, the access log."""

from __future__ import annotations

import re
import secrets
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from channels.web.api import error_body
from core.errors import TooLarge

BODY = 64 * 1024  # bytes a request may carry
CONSOLE_BODY = 1024 * 1024  # bytes of the longest guide in a form
UPLOAD_BODY = 30 * 1024 * 1024  # bytes of a file to import
DRAINED = 300 * 1024 * 1024  # bytes of a file that is too large which are taken, though not kept
INTERNAL_BODY = 4 * 1024 * 1024  # bytes of a Rasa tracker
UPLOADS = "/console/imports"  # the one path that takes a file
_OWN_ID = re.compile(r"^[A-Za-z0-9_.-]{8,64}$")

POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
# Personal, so no cache keeps them; and where the address itself opens an appointment, or tells who arrives, nothing
# may betray it.
KEPT_NOWHERE = ("/book", "/console", "/wechat/", "/api/appointments", "/api/notices", "/api/desk/", "/api/wechat/")
BETRAYED_NOWHERE = ("/book/slip/", "/console", "/wechat/", "/api/appointments/")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}

log = structlog.get_logger()


class Shield:
    """Sets the headers and the request id, caps bodies, and logs route, status and time — never a text or a query."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        state = scope.setdefault("state", {})
        state["nonce"] = secrets.token_urlsafe(16)
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _OWN_ID.match(given) else secrets.token_hex(8)
        public = scope["path"] == "/widget.js" or scope["path"].startswith("/static/")
        status = 500

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                if scope["path"].startswith(KEPT_NOWHERE):
                    out["Cache-Control"] = "no-store"
                if scope["path"].startswith(BETRAYED_NOWHERE):
                    out["Referrer-Policy"] = "no-referrer"
                    out["X-Robots-Tag"] = "noindex"
                for name, value in HEADERS.items():
                    out.setdefault(name, value)
                out.setdefault("Content-Security-Policy", POLICY.format(nonce=state["nonce"]))
                out["X-Request-ID"] = request_id
                if public:
                    # The widget is public and embedded by other origins; it holds no one's data.
                    out["Access-Control-Allow-Origin"] = "*"
                    out["Cross-Origin-Resource-Policy"] = "cross-origin"
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            if scope["path"] == UPLOADS and scope["method"] == "POST":
                # Not read before it is known who sends it.
                await self._app(scope, _counted(receive, UPLOAD_BODY), finish)
            elif (body := await _body(receive, headers, _limit(scope["path"]))) is None:
                await _too_large(scope, receive, finish)
            else:
                await self._app(scope, _replayed(body, receive), finish)
            route = getattr(scope.get("route"), "path", "unknown")
            if not public and not scope["path"].startswith("/internal/"):
                taken = round((time.perf_counter() - began) * 1000, 1)
                log.info("http", method=scope["method"], route=route, status=status, ms=taken)


def _limit(path: str) -> int:
    if path.startswith("/internal/"):
        return INTERNAL_BODY
    return CONSOLE_BODY if path.startswith("/console/") else BODY


def _counted(receive: Receive, limit: int) -> Receive:
    """`receive` that ends in TooLarge once more than `limit` bytes came."""
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > limit:
            # A browser looks at the answer only when it has sent all.
            while message.get("more_body") and read < DRAINED:
                message = await receive()
                read += len(message.get("body", b""))
            raise TooLarge(f"文件太大了，最多 {limit // 1024 // 1024} MB，请拆成几个再传。")
        return message

    return counted


async def _body(receive: Receive, headers: Headers, limit: int) -> bytes | None:
    """The whole body, or None where it is longer than `limit` bytes, stated or not."""
    stated = headers.get("content-length", "0")
    if not stated.isdecimal() or int(stated) > limit:
        return None
    read = bytearray()
    more = stated != "0" or "transfer-encoding" in headers
    while more:
        message = await receive()
        read += message.get("body", b"")
        more = message.get("more_body", False)
        if len(read) > limit:
            return None
    return bytes(read)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """`receive` that hands the body out first, then whatever comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    error = TooLarge()
    await JSONResponse(error_body(error), status_code=error.status)(scope, receive, send)
