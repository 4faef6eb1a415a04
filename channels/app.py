"""The web application: which routers, which middleware, and how errors read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from channels.console import pages as console
from channels.console import router as console_router
from channels.console.clerks import Elsewhere
from channels.house import House
from channels.web import api, appointments, operations, pages, staff
from channels.web.booking import pages as booking
from channels.web.booking import slips
from channels.web.security import Shield
from core.errors import BangbanError, Invalid, NotFound, TooMany
from core.settings import Settings

STATIC = Path(__file__).parent / "web" / "static"

log = structlog.get_logger()


def create(settings: Settings) -> FastAPI:
    """The application for `settings`. Nothing is opened before its lifespan begins."""
    app = FastAPI(
        title="Bangban 帮办",
        description="政务服务办事助手的公开接口。回答全部摘自已公布的办事指南。",
        version="0.1.0",
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.house = House(settings)
    for router in (
        api.router,
        appointments.router,
        staff.router,
        operations.router,
        pages.router,
        booking.router,
        slips.router,
        console_router.router,
    ):
        app.include_router(router)
    if settings.wechat:
        from channels.wechat import arrivals, callback  # wechatpy, which other deployments need not load

        app.include_router(callback.router)
        app.include_router(arrivals.router)
    app.mount("/static/console", StaticFiles(directory=console.HERE / "static"), name="console")
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type", "Idempotency-Key"],
        expose_headers=["Retry-After", "X-Request-ID"],
        max_age=3600,
    )
    app.add_middleware(Shield)
    app.add_exception_handler(BangbanError, _known)
    app.add_exception_handler(Elsewhere, _elsewhere)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unknown)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    house: House = app.state.house
    await house.open()
    try:
        yield
    finally:
        await house.close()


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, BangbanError)
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else {}
    return _told(request, error, headers)


async def _elsewhere(request: Request, error: Exception) -> Response:
    assert isinstance(error, Elsewhere)
    return console.redirect(request, error.path)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if request.url.path.startswith("/console"):
        return _told(request, Invalid("地址里有看不懂的内容，可能没有复制完整，或者筛选条件不对。请返回重新选择。"), {})
    # Only where it is wrong is said: the value itself may be personal.
    fields = "、".join(sorted({str(one["loc"][-1]) for one in error.errors()}))
    return _told(request, Invalid(f"提交的内容不符合要求，请检查：{fields}。"), {})


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _told(request, NotFound(), {})
    told = Invalid("不支持这样访问。")
    told.status = error.status_code
    return _told(request, told, dict(error.headers or {}))


async def _unknown(request: Request, error: Exception) -> Response:
    log.error("http.failed", reason=type(error).__name__)
    return _told(request, BangbanError(), {})


def _told(request: Request, error: BangbanError, headers: dict[str, str]) -> Response:
    path = request.url.path
    if (
        path.startswith(("/api/", "/internal/", "/static/"))
        or path in {"/healthz", "/readyz", "/metrics"}
        or not _wants_page(request)
    ):
        return JSONResponse(api.error_body(error), status_code=error.status, headers=headers)
    if path.startswith("/console"):
        return console.error(request, error)
    name = "not_found.html" if error.status == 404 else "error.html"
    return pages.page(request, name, status=error.status, message=str(error))


def _wants_page(request: Request) -> bool:
    # A form is answered with a page, too.
    return request.method in {"GET", "HEAD", "POST"} and "text/html" in request.headers.get("accept", "")
