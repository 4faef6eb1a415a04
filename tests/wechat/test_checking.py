"""What a check of an account finds, and what it says to mend it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from channels.doctor import Check
from channels.wechat import checking
from channels.wechat.envelope import Envelope, Refused
from channels.wechat.remedies import mend
from core import clock
from core.settings import Settings, Template
from tests.channels.conftest import Served, home
from tests.wechat.citizen import ACCOUNT
from tests.wechat.platform_server import PlatformServer
from tests.wechat.test_menu import bangban, variables

NOTICES = {"remind": Template(id="tm-1", fields={"thing1": "item", "time2": "when"})}
Answering = Callable[[dict[str, str]], tuple[int, str]]


class Door:
    """Whatever answers at our public address, and at a speech recogniser's."""

    def __init__(self) -> None:
        envelope = Envelope(ACCOUNT, window=300, now=clock.now)
        self.answer: Answering = lambda query: _echoed(envelope, query)
        self.heard: tuple[int, str] = (200, '{"text": ""}')
        self.posted: list[tuple[str, bytes]] = []
        self.paths: list[str] = []
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                door.paths.append(urlsplit(self.path).path)
                self._say(*door.answer(dict(parse_qsl(urlsplit(self.path).query))))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                door.posted.append((self.headers.get("Authorization", ""), body))
                self._say(*door.heard)

            def _say(self, status: int, text: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"


def _echoed(envelope: Envelope, query: dict[str, str]) -> tuple[int, str]:
    try:
        return 200, envelope.echo(query)
    except Refused:
        return 403, ""


@pytest.fixture
def door() -> Iterator[Door]:
    """Our own address, answered as our callback answers until a test says otherwise."""
    made = Door()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def settings(platform: PlatformServer, door: Door, tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path,
        public_url=door.base,
        wechat_api_base=platform.base,
        wechat_token=ACCOUNT.token,
        wechat_aes_key=ACCOUNT.aes_key,
        wechat_appid=ACCOUNT.appid,
        wechat_secret=ACCOUNT.secret,
    )


def changed(settings: Settings, **more: Any) -> Settings:
    return Settings(**{**settings.model_dump(), **more})


def found(settings: Settings, title: str, name: str = "") -> Check:
    return next(one for one in checking.examine(settings, name) if one.name == title)


# -- our side --


def test_our_own_address_answers_the_platforms_question(settings: Settings, door: Door) -> None:
    check = found(settings, "回调地址")
    assert check.state == "好", check
    assert door.paths == ["/wechat/callback"] * 2


def test_the_served_application_passes(platform: PlatformServer, tmp_path: Path) -> None:
    at = {**variables(platform), "BANGBAN_RASA": "false", "BANGBAN_ENCODER": "none"}
    running = Served(home(tmp_path), **at)
    try:
        running.wait("status", "ready", 120)
        done = bangban("check", **{**at, "BANGBAN_PUBLIC_URL": f"http://127.0.0.1:{running.port}"})
    finally:
        running.stop()
    assert "好 回调地址" in done.stdout, done.stdout + done.stderr


def test_an_account_with_a_name_is_asked_at_its_own_address(settings: Settings, door: Door) -> None:
    named = Settings(public_url=door.base, wechat_api_base=settings.wechat_api_base, wechat_accounts={"tax": ACCOUNT})
    assert found(named, "回调地址", "tax").state == "好"
    assert set(door.paths) == {"/wechat/tax/callback"}


@pytest.mark.parametrize(
    ("answer", "told", "remedy"),
    [
        (lambda query: (403, ""), "不认我们的签名", "重新启动服务"),
        (lambda query: (404, ""), "状态 404", "反向代理"),
        (lambda query: (200, "<html>"), "没有正确应答", "反向代理"),
        (lambda query: (200, query["echostr"]), "放过了错误的签名", "缓存"),
    ],
)
def test_what_is_wrong_at_our_address_is_told(
    settings: Settings, door: Door, answer: Answering, told: str, remedy: str
) -> None:
    door.answer = answer
    check = found(settings, "回调地址")
    assert check.state == "缺"
    assert told in check.told
    assert remedy in check.remedy


def test_an_address_that_nobody_answers_at_is_told(settings: Settings) -> None:
    check = found(changed(settings, public_url="http://127.0.0.1:1"), "回调地址")
    assert (check.state, "ConnectError" in check.told) == ("缺", True)


@pytest.mark.parametrize(
    ("public_url", "told"),
    [
        ("", "没有设置"),
        ("http://bangban.example", "不是 https"),
        ("https://bangban.example:8443", "443 端口"),
        ("bangban", "不是 https"),
    ],
)
def test_citizens_need_an_https_address(public_url: str, told: str) -> None:
    check = checking._address(public_url)
    assert (check.state, told in check.told) == ("缺", True)
    assert "BANGBAN_PUBLIC_URL" in check.remedy
    assert checking._address("https://bangban.example").state == "好"


def test_an_unknown_region_is_told(settings: Settings) -> None:
    assert found(settings, "区划").state == "好"
    assert found(changed(settings, region="999999"), "区划").state == "缺"


# -- the platform --


def test_a_working_account_lacks_nothing_but_the_https_that_a_test_has_not(
    settings: Settings, platform: PlatformServer
) -> None:
    platform.backend.wordings = {"tm-1": "事项：{{thing1.DATA}}\n时间：{{time2.DATA}}"}
    platform.backend.menu = {"button": [{"name": "怎么用", "type": "click", "key": "hello"}]}
    checks = list(checking.examine(changed(settings, wechat_templates=NOTICES), ""))
    assert [one.name for one in checks if one.state == "缺"] == ["对外地址"]
    fine = {one.name for one in checks if one.state == "好"}
    assert {"微信平台", "时间", "客服消息", "正在输入", "预约提醒", "人工客服", "菜单"} <= fine


def test_a_check_reaches_nobody_and_ends_nobodys_token(settings: Settings, platform: PlatformServer) -> None:
    zhang = platform.citizen()
    list(checking.examine(settings, ""))
    list(checking.examine(settings, ""))
    assert (zhang.received, zhang.typing, zhang.notices) == ([], 0, [])
    assert platform.backend.fetches == ["stable", "stable"]
    assert platform.backend.menu is None


@pytest.mark.parametrize(
    ("code", "told", "remedy"),
    [
        (40125, "AppSecret 不对", "BANGBAN_WECHAT_SECRET"),
        (40013, "AppID 不对", "BANGBAN_WECHAT_APPID"),
        (40164, "不在白名单", "203.0.113.7"),
        (40001, "AppSecret 不对", "BANGBAN_WECHAT_SECRET"),
        (45009, "用完了", "明天"),
        (-1, "正忙", "再试"),
        (12345, "错误 12345", "12345"),
    ],
)
def test_why_the_platform_refuses_us_is_told_with_its_remedy(
    settings: Settings, platform: PlatformServer, code: int, told: str, remedy: str
) -> None:
    platform.fail("stable_token", code)
    checks = list(checking.examine(settings, ""))
    refused = next(one for one in checks if one.name == "微信平台")
    assert refused.state == "缺"
    assert told in refused.told
    assert remedy in refused.remedy
    assert "客服消息" not in [one.name for one in checks]  # nothing more can be asked


def test_a_wrong_secret_is_found_out(settings: Settings) -> None:
    assert "AppSecret" in found(changed(settings, wechat_secret="f" * 32), "微信平台").told


@pytest.mark.parametrize("trouble", ["drop", "garble"])
def test_a_platform_that_is_not_reached_is_told(settings: Settings, platform: PlatformServer, trouble: str) -> None:
    getattr(platform, trouble)("stable_token")
    check = found(settings, "微信平台")
    assert (check.state, check.told) == ("缺", "连不上微信平台")
    assert "BANGBAN_WECHAT_API_BASE" in check.remedy


def test_our_clock_is_compared_with_the_platforms(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(settings, "时间").state == "好"
    real = clock.now
    for minutes, state in ((2, "注意"), (10, "缺")):
        monkeypatch.setattr(clock, "now", lambda minutes=minutes: real() + timedelta(minutes=minutes))
        check = found(settings, "时间")
        assert (check.state, "NTP" in check.remedy) == (state, True)


@pytest.mark.parametrize(
    ("path", "title", "loss"),
    [("message/custom/send", "客服消息", "再发一条"), ("message/custom/typing", "正在输入", "正在输入")],
)
def test_a_permission_that_is_missing_is_told_with_what_it_costs(
    settings: Settings, platform: PlatformServer, path: str, title: str, loss: str
) -> None:
    platform.backend.forbidden.add(path)
    check = found(settings, title)
    assert check.state == "注意"
    assert "没有这项权限" in check.told
    assert loss in check.told
    assert "已认证" in check.remedy


@pytest.mark.parametrize("sort", ["template", "subscribe"])
def test_a_template_and_its_fields_are_compared_with_the_platforms(
    settings: Settings, platform: PlatformServer, sort: str
) -> None:
    templates = {"remind": NOTICES["remind"].model_copy(update={"sort": sort})}
    at = changed(settings, wechat_templates=templates)
    assert "没有这个模板" in found(at, "预约提醒").told
    platform.backend.wordings = {"tm-1": "事项：{{thing1.DATA}}\n日期：{{date3.DATA}}"}
    wrong = found(at, "预约提醒")
    assert "没有 time2" in wrong.told
    assert "date3、thing1" in wrong.remedy
    platform.backend.wordings = {"tm-1": "事项：{{thing1.DATA}}\n时间：{{time2.DATA}}"}
    assert found(at, "预约提醒").state == "好"
    assert found(at, "停办通知").state == "注意"


def test_a_field_left_empty_is_told(settings: Settings, platform: PlatformServer) -> None:
    platform.backend.wordings = {"tm-1": "{{first.DATA}}{{thing1.DATA}}{{time2.DATA}}"}
    check = found(changed(settings, wechat_templates=NOTICES), "预约提醒")
    assert (check.state, "first" in check.told) == ("注意", True)


def test_a_field_is_filled_with_what_there_is(settings: Settings, platform: PlatformServer) -> None:
    platform.backend.wordings = {"tm-1": "{{thing1.DATA}}"}
    odd = {"remind": Template(id="tm-1", fields={"thing1": "weather"})}
    check = found(changed(settings, wechat_templates=odd), "预约提醒")
    assert (check.state, "weather" in check.told, "item" in check.remedy) == ("缺", True, True)


def test_templates_that_may_not_be_read_are_told(settings: Settings, platform: PlatformServer) -> None:
    platform.backend.forbidden.add("template/get_all_private_template")
    check = found(changed(settings, wechat_templates=NOTICES), "预约提醒")
    assert (check.state, "没有这项权限" in check.told) == ("缺", True)


def test_customer_service_is_looked_for_where_it_is_set(settings: Settings, platform: PlatformServer) -> None:
    assert "电话" in found(settings, "人工客服").told
    one = changed(settings, wechat_staff="kf1@gh_0")
    anybody = changed(settings, wechat_staff="any")
    assert found(one, "人工客服").state == found(anybody, "人工客服").state == "注意"
    platform.backend.staff = ["kf2@gh_0"]
    assert (found(one, "人工客服").state, found(anybody, "人工客服").state) == ("注意", "好")
    platform.backend.staff = ["kf1@gh_0"]
    assert found(one, "人工客服").state == "好"
    platform.fail("customservice/getonlinekflist", 65400)
    assert "没有开通客服功能" in found(one, "人工客服").told


def test_the_menu_that_citizens_see_is_looked_through(settings: Settings, platform: PlatformServer) -> None:
    none = found(settings, "菜单")
    assert (none.told, "menu apply" in none.remedy) == ("还没有菜单", True)
    old = {"name": "旧按钮", "type": "click", "key": "V1001_GOOD"}
    platform.backend.menu = {"button": [{"name": "办事", "sub_button": [old]}]}
    assert "旧按钮" in found(settings, "菜单").told


# -- speech --


def test_the_recogniser_is_tried_with_a_recording(settings: Settings, door: Door) -> None:
    at = changed(settings, speech_url=door.base, speech_key="sk-1", speech_model="paraformer")
    assert found(at, "语音").state == "好"
    key, body = door.posted[0]
    assert key == "Bearer sk-1"
    assert b"paraformer" in body
    assert b"RIFF" in body


@pytest.mark.parametrize(("status", "word"), [(401, "BANGBAN_SPEECH_KEY"), (404, "BANGBAN_SPEECH_URL"), (500, "日志")])
def test_what_a_recogniser_refuses_is_told(settings: Settings, door: Door, status: int, word: str) -> None:
    door.heard = status, ""
    check = found(changed(settings, speech_url=door.base), "语音")
    assert (check.state, word in check.remedy) == ("缺", True)


def test_a_recogniser_is_not_needed_but_must_be_there_where_it_is_set(settings: Settings) -> None:
    assert found(settings, "语音").state == "注意"
    assert found(changed(settings, speech_url="http://127.0.0.1:1"), "语音").state == "缺"


# -- what is said --


def test_what_cannot_be_seen_from_here_is_said(settings: Settings, door: Door) -> None:
    unseen = [one for one in checking.examine(settings, "") if "从这里看不到" in one.told]
    assert any(f"{door.base}/wechat/callback" in one.remedy and "安全模式" in one.remedy for one in unseen)
    assert any("网页授权域名" in one.name and "127.0.0.1" in one.remedy for one in unseen)


def test_whatever_is_not_well_has_a_remedy_and_nothing_tells_a_secret(
    settings: Settings, platform: PlatformServer
) -> None:
    platform.backend.forbidden |= {"message/custom/send", "message/custom/typing", "menu/get"}
    at = changed(settings, wechat_templates=NOTICES, wechat_staff="any", public_url="http://127.0.0.1:1")
    checks = list(checking.examine(at, ""))
    assert [one for one in checks if one.state != "好" and not one.remedy] == []
    tokens = set(platform.backend._tokens)
    assert tokens
    for one in checks:
        told = f"{one.told} {one.remedy}"
        assert not any(secret in told for secret in (ACCOUNT.secret, ACCOUNT.token, ACCOUNT.aes_key, *tokens))


def test_an_address_is_taken_from_the_platforms_words_alone() -> None:
    assert mend(40164, "invalid ip 2001:db8::7 ipv6 2001:db8::7, not in whitelist")[1].endswith("2001:db8::7")
    assert "出口地址" in mend(40164, "something else")[1]


def test_the_command_tells_by_its_exit_status_and_names_each_account(platform: PlatformServer, door: Door) -> None:
    at = {**variables(platform), "BANGBAN_PUBLIC_URL": door.base}
    done = bangban("check", **at)
    assert done.returncode == 1  # a test's address is not https
    assert f"公众号 {ACCOUNT.appid}" in done.stdout
    assert "好 回调地址" in done.stdout
    assert "办法：" in done.stdout
    assert ACCOUNT.secret not in done.stdout + done.stderr
