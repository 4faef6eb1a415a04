"""A small server with canned answers in the exact chat contract, for testing the widget and pages in a browser.

A word in the question chooses the behaviour (see `SCENES`). Every chat request is kept in `app.state.asked`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from jinja2 import StrictUndefined

from knowledge.schema import Guide

WEB = Path(__file__).resolve().parents[2] / "channels" / "web"
REGION = "云桥市"
XSS = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
GUIDE = {
    "id": 7,
    "local_code": "yq-ga-001",
    "name": "居民身份证丢失补领",
    "department": "松风区公安局",
    "region": "980102",
    "version": 3,
    "verified_at": "2026-10-15",
}
HOT = ["身份证丢了怎么补", "公积金怎么提取", "结婚登记要带什么", "新生儿怎么上户口"]
SERVICES = [
    {"id": 7, "name": "居民身份证丢失补领", "department": "云桥市公安局"},
    {"id": 8, "name": "结婚登记预约", "department": "云桥市民政局"},
    {"id": 9, "name": "住房公积金提取", "department": "云桥市住房公积金管理中心"},
    {"id": 10, "name": "个人社保查询", "department": "云桥市人力资源和社会保障局"},
    {"id": 11, "name": "港澳通行证再次签注", "department": "云桥市公安局"},
    {"id": 12, "name": "驾驶证补换", "department": "云桥市公安局"},
]
HALLS = [
    {
        "name": f"{place}政务服务中心",
        "region": "980100",
        "address": f"{place}示范路 {number} 号",
        "phone": f"0000-5550{number:03}",
        "transport": "公交 1 路到政务中心站",
        "hours": {"text": "工作日：上午09:00-12:00，下午13:30-17:00", "rules": [], "exceptions": []},
    }
    for place, number in [("云桥市", 101), ("松风区", 102), ("竹溪区", 103), ("梅岭区", 104)]
]


Open = Callable[..., Any]  # the fixture `open_page`: path, width, height, browser context options -> Playwright's page


@dataclass(frozen=True)
class Site:
    """The running stub: where it is and what it was asked, as (idempotency key, body)."""

    url: str
    app: FastAPI

    @property
    def asked(self) -> list[tuple[str, dict[str, Any]]]:
        return self.app.state.asked

    @property
    def rated(self) -> list[dict[str, Any]]:
        """What was said of answers."""
        return self.app.state.rated


def message(act: str, text: str, **parts: Any) -> dict[str, Any]:
    """One message of the contract, with every field there."""
    empty = {"facets": [], "facts": [], "guide": None, "choices": [], "links": [], "faq": None}
    return {"act": act, "text": text} | empty | parts


def answer(question: str) -> list[dict[str, Any]]:
    return [
        message(
            "answer",
            f"关于“{question}”：到松风区政务服务中心2楼公安综合窗口办，"
            "20 天内领证，工本费 40 元。咨询电话 0000-5550123。",
            facets=["where", "materials"],
            facts=[
                {"label": "办理地点", "value": "松风区政务服务中心，松风路 1 号，2楼 公安综合窗口"},
                {"label": "申请材料", "value": "1. 居民户口簿\n2. 本人到场采集指纹和相片"},
                {"label": "收费", "value": "40 元"},
                {"label": "咨询电话", "value": "0000-5550123、12345"},
            ],
            guide=GUIDE,
            choices=[{"id": "facet:time", "label": "多久办好", "guide": None}],
            links=[
                {"label": "网上申请", "url": "https://yunqiao.example/apply/idcard"},
                {"label": "打电话问窗口", "url": "tel:00005550123"},
            ],
        )
    ]


def clarify(question: str) -> list[dict[str, Any]]:
    districts = [("980102", "松风区"), ("980103", "竹溪区"), ("980104", "梅岭区")]
    choices = [
        {"id": f"region:{code}", "label": name, "guide": GUIDE | {"department": f"{name}公安局"}}
        for code, name in districts
    ]
    return [message("clarify", "您在哪个区？各区的办理地点不同。", choices=choices)]


def booking(question: str) -> list[dict[str, Any]]:
    labels = ("上午9:00（余2）", "上午9:30（余1）", "换一天", "不约了")
    choices = [{"id": f"book:{at}", "label": label, "guide": None} for at, label in enumerate(labels)]
    text = "这些时间有号，您要几点的？\n\n1. 上午9:00（余2）\n2. 上午9:30（余1）"
    return [message("book", text, choices=choices)]


def hostile(question: str) -> list[dict[str, Any]]:
    guide = GUIDE | {"name": XSS, "department": XSS, "version": XSS, "verified_at": XSS}
    links = [
        {"label": XSS, "url": "https://yunqiao.example/?q=" + XSS},
        {"label": "坏链接一", "url": "javascript:window.hacked=1"},
        {"label": "坏链接二", "url": " JaVa\nScript:window.hacked=1"},
        {"label": "坏链接三", "url": "data:text/html,<script>parent.hacked=1</script>"},
        {"label": "坏链接四", "url": "https://user:pass@yunqiao.example/"},
    ]
    facts = [{"label": XSS, "value": XSS}]
    choices = [{"id": XSS, "label": XSS, "guide": guide}]
    return [message("answer", XSS, facts=facts, guide=guide, choices=choices, links=links)]


def emergency(question: str) -> list[dict[str, Any]]:
    return [message("emergency", "先离开危险的地方，马上拨打火警电话 119；有人受伤拨打 120。")]


def handoff(question: str) -> list[dict[str, Any]]:
    return [
        message("handoff", "人工服务：工作日 09:00-17:00，拨打 12345。", links=[{"label": "12345", "url": "tel:12345"}])
    ]


def curated(question: str) -> list[dict[str, Any]]:
    return [message("answer", "周六上午只有市大厅办公。\n\n来源：云桥市常见问题《周六能办事吗？》", faq="yq-faq-002")]


SCENES: dict[str, Callable[[str], list[dict[str, Any]]]] = {
    "哪个区": clarify,
    "预约": booking,
    "攻击": hostile,
    "着火": emergency,
    "人工": handoff,
    "周六": curated,
}
POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


def sample_guide() -> Guide:
    """A guide with every part a page shows, one bad link among them."""
    return Guide.model_validate(
        {
            "name": "居民身份证丢失补领",
            "kind": "行政确认",
            "audience": ["自然人"],
            "case_type": "承诺件",
            "conditions": ["户口在云桥市", "身份证丢失"],
            "laws": [
                {
                    "name": "中华人民共和国居民身份证法",
                    "article": "第十一条",
                    "text": "居民身份证丢失的，应当申请补领。",
                },
                {"name": "居民身份证收费规定"},
            ],
            "legal_time": {"days": 60, "unit": "自然日"},
            "promised_time": {"days": 20, "unit": "工作日", "note": "不含邮寄"},
            "materials": [
                {
                    "name": "居民户口簿",
                    "copy_kind": "原件",
                    "originals": 1,
                    "source": "政府核发",
                    "replaced_by": "电子户口簿",
                },
                {
                    "name": "补领申请表",
                    "copy_kind": "原件",
                    "source": "自备",
                    "necessity": "非必要",
                    "form_url": "https://yunqiao.example/form",
                    "sample_url": "javascript:alert(1)",
                    "note": "窗口也可现场打印",
                },
            ],
            "charged": True,
            "fees": [{"name": "证件工本费", "standard": "40 元/证", "basis": "发改价格规定", "online_payment": True}],
            "steps": [{"name": "申请", "days": "当场", "who": "窗口人员"}, {"name": "领证", "days": "20 个工作日"}],
            "results": [{"name": "居民身份证"}],
            "faq": [{"question": "能代办吗", "answer": "不能，要采集本人指纹。"}],
            "local_code": "yq-ga-001",
            "region": "980102",
            "department": {"name": "松风区公安局"},
            "channels": ["窗口", "网上"],
            "visits": 1,
            "cross_region": "全国",
            "how_online": "登录演示网站，选“身份证补领”。",
            "how_offline": "带户口簿到窗口取号。",
            "places": [
                {
                    "name": "松风区政务服务中心",
                    "address": "松风路 1 号",
                    "window": "2楼 公安综合窗口",
                    "phone": "0000-5550123",
                }
            ],
            "urls": {"online": "https://yunqiao.example/apply/idcard"},
            "booking": {"offered": True, "url": "https://yunqiao.example/book"},
            "consult": {"phone": "0000-5550123"},
            "complain": {"phone": "12345"},
            "verified_at": "2026-10-15",
        }
    )


def make_app() -> FastAPI:
    """The server; `state.asked` holds (idempotency key, body) of each chat request."""
    app = FastAPI()
    app.state.asked = []
    app.state.rated = []
    templates = Jinja2Templates(WEB / "templates")
    templates.env.undefined = StrictUndefined
    app.mount("/static", StaticFiles(directory=WEB / "static"))
    app.add_middleware(
        CORSMiddleware,
        allow_origin_regex=r"http://127\.0\.0\.1:\d+",
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type", "Idempotency-Key"],
        expose_headers=["Retry-After"],
    )

    def page(request: Request, name: str, **context: Any) -> Response:
        nonce = secrets.token_urlsafe(16)
        common = {"region_name": REGION, "region": "980100", "hotline": "12345", "csp_nonce": nonce}
        response = templates.TemplateResponse(request, name, common | context)
        response.headers["Content-Security-Policy"] = POLICY.format(nonce=nonce)
        return response

    @app.get("/")
    def portal(request: Request) -> Response:
        return page(request, "portal.html", hot=HOT, services=SERVICES, halls=HALLS)

    @app.get("/plain")
    def plain(extra: str = "") -> Response:
        """Somebody else's page with the widget on it, under the strictest policy that can carry it."""
        text = (
            '<!doctype html><html lang="zh"><title>别的网站</title><h1>别的网站</h1><a href="/">链接</a>'
            f'<script src="/widget.js" data-region="980100" data-title="云桥市帮办" {extra} defer></script></html>'
        )
        return HTMLResponse(text, headers={"Content-Security-Policy": POLICY.format(nonce="none")})

    @app.get("/foreign")
    def foreign(request: Request) -> Response:
        """The widget on another origin: served from 127.0.0.1, it loads everything from localhost."""
        home = f"http://localhost:{request.url.port}"
        policy = f"default-src 'none'; script-src {home}; connect-src {home}; style-src 'none'"
        text = (
            f'<!doctype html><html lang="zh"><title>外站</title><script src="{home}/widget.js" defer></script></html>'
        )
        return HTMLResponse(text, headers={"Content-Security-Policy": policy})

    @app.get("/guides/{number}")
    def guide(request: Request, number: int) -> Response:
        if number == 404:
            return page(request, "not_found.html")
        ref = {"id": number, "version": 3, "verified_at": date(2026, 10, 15), "region_name": "松风区"}
        hours = ["工作日上午9点到12点，下午1点半到5点"]
        return page(request, "guide.html", guide=sample_guide(), ref=ref, hours=hours, json_ld='{"a": "</script>"}')

    @app.get("/search")
    def search(request: Request, q: str = "") -> Response:
        hits = (
            [{"guide": GUIDE, "score": 0.87, "matched": "身份证丢了怎么补", "region_name": "松风区"}]
            if "身份证" in q
            else []
        )
        return page(request, "search.html", q=q, hits=hits)

    @app.get("/error")
    def error(request: Request) -> Response:
        return page(request, "error.html")

    @app.get("/widget.js")
    def widget() -> FileResponse:
        return FileResponse(WEB / "static" / "widget.js", media_type="text/javascript")

    @app.get("/api/hot")
    def hot() -> dict[str, Any]:
        return {"questions": HOT}

    @app.get("/api/suggest")
    def suggest(q: str) -> dict[str, Any]:
        if "身份" not in q:
            return {"suggestions": []}
        texts = ["身份证丢了怎么补", "身份证到期换证", XSS]
        return {"suggestions": [{"text": text, "guide": GUIDE if n == 0 else None} for n, text in enumerate(texts)]}

    @app.post("/api/chat")
    async def chat(request: Request) -> Response:
        body = await request.json()
        key = request.headers.get("Idempotency-Key", "")
        seen = key in [known for known, _ in app.state.asked]
        app.state.asked.append((key, body))
        question = body.get("text") or body["choice"]
        if "出错" in question and not seen:
            return JSONResponse({"detail": "error"}, status_code=500)
        if "太快" in question and not seen:
            return JSONResponse({"detail": "slow down"}, status_code=429, headers={"Retry-After": "2"})
        if "看不懂" in question:
            return JSONResponse({"detail": "unreadable"}, status_code=422)
        if "很慢" in question:
            await asyncio.sleep(1.2)
        scene = next((scene for word, scene in SCENES.items() if word in question), answer)
        turn = f"turn-{len(app.state.asked):017}"
        return JSONResponse({"session": body["session"], "messages": scene(question), "turn": turn})

    @app.post("/api/feedback")
    async def feedback(request: Request) -> Response:
        body = await request.json()
        app.state.rated.append(body)
        return Response(status_code=429 if "太快" in body.get("comment", "") else 204)

    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(make_app(), port=8099)
