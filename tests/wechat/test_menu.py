"""The menu: what a file may say, and how it reaches the platform."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from channels.wechat import menu
from channels.wechat.menu import WrongMenu
from core.settings import Settings, WeChatAccount
from tests.channels.command import call, run
from tests.wechat.citizen import ACCOUNT
from tests.wechat.platform_server import PlatformServer

ANSWERED = {"name": "怎么用", "type": "click", "key": "hello"}


def settings(public_url: str = "https://bangban.example", **more: Any) -> Settings:
    return Settings(public_url=public_url, **more)


def made(*buttons: object) -> dict[str, Any]:
    return menu.compose({"button": list(buttons)}, menu.pages(settings(), ""))


def refused(*buttons: object) -> str:
    with pytest.raises(WrongMenu) as wrong:
        made(*buttons)
    return str(wrong.value)


def clicked(key: str, name: str = "问") -> dict[str, str]:
    return {"name": name, "type": "click", "key": key}


def viewed(url: str, name: str = "看") -> dict[str, str]:
    return {"name": name, "type": "view", "url": url}


def variables(platform: PlatformServer, account: WeChatAccount = ACCOUNT) -> dict[str, str]:
    """What a deployment sets for one account."""
    return {
        "BANGBAN_WECHAT_TOKEN": account.token,
        "BANGBAN_WECHAT_AES_KEY": account.aes_key,
        "BANGBAN_WECHAT_APPID": account.appid,
        "BANGBAN_WECHAT_SECRET": account.secret,
        "BANGBAN_WECHAT_API_BASE": platform.base,
        "BANGBAN_PUBLIC_URL": "https://bangban.example",
    }


def bangban(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return call("wechat", *arguments, **more)


# -- files --


def test_the_shipped_menu_is_in_order_and_every_key_is_understood() -> None:
    shipped = menu.load(menu.SHIPPED, menu.pages(settings(), ""))
    assert [button["name"] for button in shipped["button"]] == ["办事", "预约", "帮助"]
    assert menu.strangers(shipped) == []


def test_the_shipped_menu_shows_every_name_whole_on_a_phone() -> None:
    shipped = menu.load(menu.SHIPPED, menu.pages(settings(), ""))
    for button in shipped["button"]:
        assert len(button["name"]) <= 4
        assert all(len(one["name"]) <= 8 for one in button["sub_button"])


def test_a_file_with_broken_yaml_is_told_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "menu.yml"
    file.write_text("button:\n  - name: 办事\n   type: click\n", "utf-8")
    with pytest.raises(WrongMenu, match="第 3 行"):
        menu.load(file, menu.pages(settings(), ""))


def test_a_file_in_another_encoding_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "menu.yml"
    file.write_bytes("button: [{name: 办事}]".encode("gb18030"))
    with pytest.raises(WrongMenu, match="UTF-8"):
        menu.load(file, menu.pages(settings(), ""))


@pytest.mark.parametrize("told", [None, [], "菜单", {}, {"button": []}, {"button": "办事"}, {"buttons": [ANSWERED]}])
def test_a_file_of_another_shape_is_told_how_it_begins(told: object) -> None:
    with pytest.raises(WrongMenu, match="button:"):
        menu.compose(told, menu.pages(settings(), ""))


# -- the platform's limits --


def test_three_buttons_of_five_are_as_many_as_there_may_be() -> None:
    full = [{"name": "办", "sub_button": [ANSWERED] * 5}] * 3
    assert len(made(*full)["button"]) == 3
    assert "最多 3 个" in refused(*full, ANSWERED)
    assert "第 1 个按钮“办”：里面有 6 个按钮，最多 5 个" in refused({"name": "办", "sub_button": [ANSWERED] * 6})


def test_names_are_measured_in_bytes() -> None:
    assert made(clicked("hello", "五个汉字啊"))["button"][0]["name"] == "五个汉字啊"
    assert "名字有 18 字节，最多 16 字节" in refused(clicked("hello", "六个汉字啊呀"))
    inside = made({"name": "办", "sub_button": [clicked("hello", "字" * 20)]})
    assert inside["button"][0]["sub_button"][0]["name"] == "字" * 20
    assert "第 1 个按钮里的第 1 个" in refused({"name": "办", "sub_button": [clicked("hello", "字" * 21)]})


@pytest.mark.parametrize("name", [None, "", "  ", 12345])
def test_a_button_without_a_name_in_words_is_refused(name: object) -> None:
    assert "第 1 个按钮" in (told := refused({"name": name, "type": "click", "key": "hello"}))
    assert "要有名字" in told


def test_a_key_has_128_bytes_and_an_address_1024() -> None:
    fits = "ask:" + "a" * 124
    assert made(clicked(fits))["button"][0]["key"] == fits
    assert "key 有 129 字节" in refused(clicked(fits + "a"))
    address = "https://x.example/" + "a" * 1006
    assert made(viewed(address))["button"][0]["url"] == address
    assert "网址有 1025 字节" in refused(viewed(address + "a"))


@pytest.mark.parametrize(
    "url",
    [
        "http://x.example/",
        "x.example",
        "https://",
        "https:///x",
        "https://x .example/",
        "javascript:alert(1)",
        "https://[",
    ],
)
def test_only_whole_https_addresses_are_opened(url: str) -> None:
    assert "https" in refused(viewed(url))


def test_a_button_has_an_action_or_buttons_never_both_or_neither() -> None:
    assert "自己就不能再有动作，请去掉 key、type" in refused({**ANSWERED, "sub_button": [ANSWERED]})
    assert "type 要写" in refused({"name": "办"})
    assert "不能再放按钮" in refused({"name": "办", "sub_button": [{"name": "办", "sub_button": [ANSWERED]}]})
    assert "短横线" in refused({"name": "办", "sub_button": {"name": "办"}})


def test_kinds_of_buttons_that_nobody_answers_are_refused() -> None:
    assert "type 要写 click" in refused({"name": "扫", "type": "scancode_push", "key": "hello"})
    assert "type 要写 click" in refused({"name": "扫", "type": ["click"], "key": "hello"})


def test_what_a_button_lacks_and_what_it_has_too_much_is_named() -> None:
    assert "还要写上 key" in refused({"name": "问", "type": "click"})
    assert "还要写上 key" in refused({"name": "问", "type": "click", "key": 12})
    assert "还要写上 appid、pagepath" in refused({"name": "问", "type": "miniprogram", "url": "https://x.example/"})
    assert "没有 ulr" in refused({**ANSWERED, "ulr": "https://x.example/"})


def test_a_mini_program_is_sent_as_it_is() -> None:
    button = {
        "name": "办",
        "type": "miniprogram",
        "url": "https://x.example/",
        "appid": "wx9",
        "pagepath": "pages/index",
    }
    assert made(button)["button"] == [button]


def test_every_fault_of_a_file_is_told_at_once() -> None:
    told = refused(clicked("nonsense", "甲"), "乙", viewed("x", "丙"))
    assert "第 1 个按钮“甲”" in told
    assert "第 2 个按钮：" in told
    assert "第 3 个按钮“丙”" in told


# -- keys --


@pytest.mark.parametrize(
    "key",
    [
        "ask:身份证丢了怎么补",
        "human",
        "hello",
        "book:mine",
        "book:guide:12",
        "guide:12",
        "guide:12:how+fee",
        "faq:parking",
        "region:980100",
    ],
)
def test_keys_that_are_answered_are_taken(key: str) -> None:
    assert made(clicked(key))["button"][0]["key"] == key


@pytest.mark.parametrize(
    "key", ["V1001_GOOD", "ask:", "ask: ", "Human", "book:", "book:yes:1", "guide:x", "guide:", "faq:", "region:12", ""]
)
def test_keys_that_nobody_answers_are_refused(key: str) -> None:
    assert "第 1 个按钮“问”" in refused(clicked(key))


def test_an_unknown_region_is_named() -> None:
    assert "999999 不是已知的区划代码" in refused(clicked("region:999999"))


# -- pages --


def test_our_own_pages_are_opened_so_that_the_citizen_arrives_known() -> None:
    assert made(viewed("/book/mine"))["button"][0]["url"] == "https://bangban.example/wechat/go?to=/book/mine"
    served = menu.compose({"button": [viewed("/")]}, menu.pages(settings(), "tax"))
    assert served["button"][0]["url"].startswith("https://bangban.example/wechat/tax/go?")


def test_online_applications_named_by_the_settings_are_too_and_others_are_not() -> None:
    page = menu.pages(settings(wechat_handoff={"zwfw.example": "0123456789abcdef"}), "")
    sent = menu.compose({"button": [viewed("https://zwfw.example/a"), viewed("https://other.example/a")]}, page)
    ours, other = (button["url"] for button in sent["button"])
    assert ours.startswith("https://bangban.example/wechat/go?to=https%3A//zwfw.example/a")
    assert other == "https://other.example/a"


def test_our_pages_want_an_address_for_citizens() -> None:
    for public_url in ("", "http://bangban.example"):
        with pytest.raises(WrongMenu, match="BANGBAN_PUBLIC_URL"):
            menu.compose({"button": [viewed("/book/mine")]}, menu.pages(settings(public_url), ""))
    assert "不是能从微信打开的本站网页" in refused(viewed("/metrics"))


# -- the command --


def test_a_menu_is_applied_and_shown(platform: PlatformServer) -> None:
    done = run("wechat", "menu", "apply", **variables(platform))
    assert done.returncode == 0, done.stderr
    assert platform.backend.menu == menu.load(menu.SHIPPED, menu.pages(settings(), ""))
    shown = bangban("menu", "show", **variables(platform))
    assert "我的预约  book:mine" in shown.stdout


def test_a_dry_run_shows_the_menu_and_asks_the_platform_nothing(platform: PlatformServer) -> None:
    done = bangban("menu", "apply", "--dry-run", **variables(platform))
    assert (done.returncode, "还没有发给微信" in done.stdout) == (0, True)
    assert platform.calls() == []


def test_a_wrong_file_is_told_and_never_sent(platform: PlatformServer, tmp_path: Path) -> None:
    file = tmp_path / "menu.yml"
    file.write_text("button: [{name: 办事, type: click, key: nonsense}]", "utf-8")
    done = bangban("menu", "apply", str(file), **variables(platform))
    assert done.returncode == 1
    assert "第 1 个按钮“办事”" in done.stderr
    assert platform.calls() == []


def test_what_the_platform_refuses_is_told_with_its_remedy(platform: PlatformServer) -> None:
    platform.fail("stable_token", 40164)
    done = bangban("menu", "apply", **variables(platform))
    assert done.returncode == 1
    assert "203.0.113.7" in done.stderr
    assert "Traceback" not in done.stderr
    assert ACCOUNT.secret not in done.stderr


def test_without_an_account_the_command_says_what_to_set() -> None:
    done = bangban("menu", "show")
    assert done.returncode == 1
    assert "BANGBAN_WECHAT_APPID" in done.stderr


def test_of_several_accounts_one_must_be_named(platform: PlatformServer) -> None:
    tax = ACCOUNT.model_copy(update={"appid": "wxfedcba9876543210"})
    at = {**variables(platform), "BANGBAN_WECHAT_ACCOUNTS": json.dumps({"tax": tax.model_dump(mode="json")})}
    assert "--account" in bangban("menu", "apply", "--dry-run", **at).stderr
    assert "wechat/tax/go" in bangban("menu", "apply", "--dry-run", "--account", "tax", **at).stdout
    assert "wechat/go" in bangban("menu", "apply", "--dry-run", "--account", ACCOUNT.appid, **at).stdout
    assert "没有叫 water 的公众号" in bangban("menu", "apply", "--account", "water", **at).stderr
