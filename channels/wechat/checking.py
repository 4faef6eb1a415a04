"""Whether an Official Account works, and what to mend: everything that can be found out from this machine."""

from __future__ import annotations

import io
import secrets
import wave
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

import httpx

from channels import doctor
from channels.doctor import Check
from channels.wechat import permissions
from channels.wechat.envelope import signature
from channels.wechat.probe import TIMEOUT, Probe
from channels.wechat.remedies import mend
from channels.wechat.targets import path_of
from core import clock
from core.settings import Settings, WeChatAccount
from knowledge.regions import Regions
from knowledge.seeds import SEEDS

DRIFT = 30  # seconds by which our clock may be off before it is worth a word


def examine(settings: Settings, name: str) -> Iterator[Check]:
    """Look at the account called `name`: one line each. Changes nothing, and writes to no citizen."""
    account = settings.wechat[name]
    yield _region(settings, account)
    yield _address(settings.public_url)
    if settings.public_url:
        yield _callback(settings, name, account)
    yield from _platform(settings, account)
    yield _speech(settings)
    yield doctor.shared_memory(settings)
    if settings.public_url:
        yield from _unseen(settings.public_url, name)


# -- our side --


def _region(settings: Settings, account: WeChatAccount) -> Check:
    known, code = Regions.read(SEEDS / "regions.yml"), account.region or settings.region
    if code not in known:
        return Check("缺", "区划", f"{code} 不是已知的区划代码", "改这个公众号的 region，或者 BANGBAN_REGION")
    return Check("好", "区划", f"{known.full_name(code)}（{code}）")


def _address(public_url: str) -> Check:
    if not public_url:
        told = "没有设置，微信找不到这里，消息里的链接也打不开"
        return Check("缺", "对外地址", told, "设 BANGBAN_PUBLIC_URL，例如 https://bangban.example.gov.cn")
    parts = urlsplit(public_url)
    if parts.scheme != "https" or not parts.hostname:
        return Check(
            "缺", "对外地址", f"{public_url} 不是 https 的网址", "给域名配好证书，BANGBAN_PUBLIC_URL 用 https:// 开头"
        )
    if parts.port not in {None, 443}:
        told = f"用的是 {parts.port} 端口，微信只访问 443 端口"
        return Check("缺", "对外地址", told, "让反向代理在 443 端口提供服务，BANGBAN_PUBLIC_URL 里不写端口")
    return Check("好", "对外地址", public_url)


def _callback(settings: Settings, name: str, account: WeChatAccount) -> Check:
    address = f"{settings.public_url.rstrip('/')}{path_of(name)}/callback"
    echo = secrets.token_hex(8)
    query = _signed(account.token, clock.now(), echo)
    try:
        right = httpx.get(address, params=query, timeout=TIMEOUT)
        wrong = httpx.get(address, params={**query, "signature": "0" * 40}, timeout=TIMEOUT)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        told = f"{address} 打不开（{type(error).__name__}）"
        return Check("缺", "回调地址", told, "先启动服务，再检查域名解析、证书和反向代理")
    if right.status_code == 403:
        remedy = "重新启动服务让新的 Token 生效，并核对服务器的时间"
        return Check("缺", "回调地址", f"{address} 不认我们的签名", remedy)
    if right.status_code != 200 or right.text != echo:
        remedy = "让反向代理把 /wechat 开头的地址原样转给帮办，并确认服务是用现在的设置启动的"
        return Check("缺", "回调地址", f"{address} 没有正确应答（状态 {right.status_code}）", remedy)
    if wrong.status_code != 403:
        remedy = "检查反向代理有没有缓存 /wechat 开头的地址，把它关掉"
        return Check("缺", "回调地址", f"{address} 放过了错误的签名（状态 {wrong.status_code}）", remedy)
    return Check("好", "回调地址", f"{address} 应答正确，错误的签名会被拒绝")


def _signed(token: str, at: datetime, echo: str) -> dict[str, str]:
    """The query with which the platform makes sure of an address."""
    timestamp, nonce = str(int(at.timestamp())), secrets.token_hex(5)
    return {"signature": signature(token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce, "echostr": echo}


def _speech(settings: Settings) -> Check:
    if not settings.speech_url:
        told = "没有设置语音识别，微信没有识别出来的语音，会请群众打字"
        return Check("注意", "语音", told, "要听懂语音，设 BANGBAN_SPEECH_URL")
    headers = {"Authorization": f"Bearer {settings.speech_key}"} if settings.speech_key else {}
    try:
        answer = httpx.post(
            settings.speech_url,
            headers=headers,
            data={"model": settings.speech_model},
            files={"file": ("voice.wav", _silence(), "application/octet-stream")},
            timeout=TIMEOUT,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Check(
            "缺", "语音", f"语音识别连不上（{type(error).__name__}）", "检查 BANGBAN_SPEECH_URL 和语音识别服务"
        )
    if answer.status_code in {401, 403}:
        return Check("缺", "语音", "语音识别不认钥匙", "检查 BANGBAN_SPEECH_KEY")
    if answer.status_code == 404:
        remedy = "BANGBAN_SPEECH_URL 要写到 /v1/audio/transcriptions 为止，并检查 BANGBAN_SPEECH_MODEL"
        return Check("缺", "语音", "语音识别的地址或模型不对", remedy)
    if answer.status_code != 200:
        return Check("缺", "语音", f"语音识别返回状态 {answer.status_code}", "看语音识别服务自己的日志")
    return Check("好", "语音", f"语音识别能用（{settings.speech_model}）")


def _silence() -> bytes:
    """A second of nothing, as a recording."""
    made = io.BytesIO()
    with wave.open(made, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(8000)
        recording.writeframes(bytes(16000))
    return made.getvalue()


# -- the platform's side --


def _platform(settings: Settings, account: WeChatAccount) -> Iterator[Check]:
    with Probe(settings.wechat_api_base, account) as probe:
        told = probe.sign_in()
        if told.at:
            yield _clock(told.at, clock.now(), settings.wechat_window)
        if told.code != 0:
            yield Check("缺", "微信平台", *mend(told.code, told.message))
            return
        yield Check("好", "微信平台", "AppID 和 AppSecret 对，IP 白名单也对")
        yield from permissions.examine(probe, account)


def _clock(theirs: datetime, ours: datetime, window: int) -> Check:
    off = round(abs((theirs - ours).total_seconds()))
    if off <= DRIFT:
        return Check("好", "时间", "和微信平台一致")
    remedy = "在这台服务器上打开时间同步（NTP）"
    if off > window:
        return Check("缺", "时间", f"和微信平台差 {off} 秒，消息会被当作过期的拒绝", remedy)
    return Check("注意", "时间", f"和微信平台差 {off} 秒", remedy)


def _unseen(public_url: str, name: str) -> Iterator[Check]:
    """What only the account's backend or a phone can show."""
    yield Check(
        "注意",
        "服务器配置",
        "从这里看不到 EncodingAESKey 填得对不对、有没有启用",
        f"在公众平台填 {public_url.rstrip('/')}{path_of(name)}/callback，选“安全模式”，提交并启用，再用手机发一句话试试",
    )
    yield Check(
        "注意",
        "网页授权域名",
        "从这里看不到设了没有；没有设，从微信打开的预约页面认不出是谁",
        f"在公众平台的“功能设置 > 网页授权域名”里填 {urlsplit(public_url).hostname or '对外地址的域名'}",
    )
