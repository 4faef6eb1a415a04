"""A real browser follows a link from a message over the platform's page to ours."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from channels.app import create
from core import clock
from core.settings import Settings
from tests.channels.conftest import home
from tests.channels.town import PERSON, Town, rules
from tests.chromium import WATCH, browser
from tests.desk.conftest import THURSDAY, Watch
from tests.wechat.arriving import WECHAT
from tests.wechat.citizen import ACCOUNT
from tests.wechat.platform_server import PlatformServer

__all__ = ["browser"]  # fixtures


class Announced(uvicorn.Server):
    """Says when it serves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.serves = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.serves.set()


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory, platform: PlatformServer) -> Iterator[tuple[Town, str]]:
    """The town and its address. The platform is at another site: 127.0.0.1, not localhost."""
    with socket.socket() as listening:
        listening.bind(("localhost", 0))
        url = f"http://localhost:{listening.getsockname()[1]}"
        watch = Watch()
        watch.time = THURSDAY
        settings = Settings(
            home=home(tmp_path_factory.mktemp("town"), at=THURSDAY), rasa=False, encoder="none", log_level="ERROR", public_url=url,
            wechat_token=ACCOUNT.token, wechat_aes_key=ACCOUNT.aes_key, wechat_appid=ACCOUNT.appid,
            wechat_secret=ACCOUNT.secret, wechat_api_base=platform.base, wechat_open_base=platform.base,
        )  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "now", watch)
            app = create(settings)
            server = Announced(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
            running = threading.Thread(target=server.run, args=([listening],), daemon=True)
            running.start()
            assert server.serves.wait(60)
            town = Town(None, app.state.house, watch)  # type: ignore[arg-type]
            rules(town)
            yield town, url
            server.should_exit = True
            running.join(20)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """WeChat's browser on a phone."""
    profile = browser.new_context(viewport={"width": 360, "height": 740}, locale="zh-CN", user_agent=WECHAT)
    profile.add_init_script(WATCH)
    page = profile.new_page()
    page.set_default_timeout(8000)
    yield page
    assert page.evaluate("window.broken") == []
    profile.close()


def serious(page: Page) -> list[str]:
    """What axe-core finds that keeps people out."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['help']}" for one in found if one["impact"] in ("serious", "critical")]


def test_a_citizen_comes_by_a_link_books_sees_it_and_leaves(
    served: tuple[Town, str], phone: Page, platform: PlatformServer
) -> None:
    town, url = served
    platform.citizen("o-zhang")
    day = f"/book?guide={town.guide()}&window={town.window().id}&day={town.watch.tomorrow}"
    phone.goto(f"{url}/wechat/go?to={day.replace('&', '%26')}")
    expect(phone.get_by_role("heading", level=1)).to_contain_text("几点去")
    assert phone.evaluate("document.referrer") == ""
    assert serious(phone) == []
    expect(phone.get_by_role("checkbox", name="前一天在微信里提醒我")).to_be_checked()
    phone.get_by_role("radio", name=re.compile("^09:00")).check()
    for label, value in (("姓名", "name"), ("手机号", "phone"), ("身份证号", "identity")):
        phone.get_by_label(label, exact=True).fill(PERSON[value])
    phone.get_by_role("button", name="确定预约").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("预约好了")
    phone.goto(f"{url}/book/mine")
    own = phone.get_by_role("region", name="您在微信里约的")
    expect(own.get_by_role("link", name=re.compile("居民身份证丢失补领"))).to_be_visible()
    assert serious(phone) == []
    own.get_by_role("button", name="退出").click()
    expect(own).to_have_count(0)
    phone.goto(f"{url}/wechat/arrive?code=x&state=y")
    expect(phone.get_by_role("heading", level=1)).to_have_text("请回公众号再点一次")
    assert serious(phone) == []
