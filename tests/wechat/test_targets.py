"""Where a link in a message may lead."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from channels.wechat.targets import link, read_target

HOSTS = ["apply.example", "Forms.Example:8443"]
OURS = "https://bangban.example"
PATH = "/wechat/yunqiao"


@pytest.mark.parametrize(
    "page",
    [
        "/",
        "/?from=menu",
        "/book",
        "/book?guide=12&window=ab",
        "/book/mine",
        "/book/slip/gAAAAABm-_x=",
        "/guides/12",
        "/guides/12#materials",
        "/search?q=身份证//丢了/../x",
    ],
)
def test_our_own_pages_are_led_to(page: str) -> None:
    found = read_target(page, HOSTS)
    assert found is not None
    assert (found.url, found.host) == (page, "")


@pytest.mark.parametrize("host", ["apply.example", "APPLY.example", "forms.example:8443"])
@pytest.mark.parametrize("rest", ["", "/", "/form?a=1&b=2", "/#/step/1", "?x=//y"])
def test_online_applications_that_settings_name_are_led_to(host: str, rest: str) -> None:
    found = read_target(f"https://{host}{rest}", HOSTS)
    assert found is not None
    assert found.host == host.lower()


@pytest.mark.parametrize(
    "tricky",
    [
        "",
        "book",
        "//evil.example",
        "//evil.example/book",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        " /book",
        "/book\r\nSet-Cookie: a=b",
        "/book\x00",
        "/book\x85",
        "/bookmark",
        "/booking/x",
        "/guides",
        "/searching",
        "/api/appointments",
        "/wechat/go?to=/book",
        "/metrics",
        "/book//evil.example",
        "/book/../metrics",
        "/book/./x",
        "/book/%2e%2e/metrics",
        "/book/%2E./metrics",
        "/book/..%2fmetrics",
        "/book/%5cx",
        "/guides/%00",
        "/book" + "x" * 1000,
        "/book?" + "x" * 1000,
        "javascript:alert(1)",
        "data:text/html,x",
        "http://apply.example/",
        "HTTPS:/apply.example/",
        "https:apply.example",
        "https:/apply.example",
        "https:///apply.example",
        "https://",
        "https://apply.example@evil.example/",
        "https://evil.example@apply.example/",
        "https://apply.example:pass@evil.example/",
        "https://apply.example\\@evil.example/",
        "https://evil.example\\.apply.example/",
        "https://apply.example.evil.example/",
        "https://evilapply.example/",
        "https://sub.apply.example/",
        "https://apply.example./",
        "https://apply.example:443/",
        "https://apply.example:8443/",
        "https://forms.example/",
        "https://apply.example%2eevil.example/",
        "https://apply%2eexample/",
        "https://ａpply.example/",
        "https://apply。example/",
        "https://evil.example?https://apply.example/",
        "https://evil.example#@apply.example/",
        "https://[apply.example/",
        "https://apply.example/ x",
        "https://bangban.example/book",
        "https://apply.example/?ticket=of-somebody-else",
        "https://apply.example/?a=1&Ticket=",
        "https://apply.example/?%74icket=x",
        "weixin://bizmsgmenu",
    ],
)
def test_nobody_is_led_anywhere_else(tricky: str) -> None:
    assert read_target(tricky, HOSTS) is None


def test_where_no_application_is_named_none_is_led_to() -> None:
    assert read_target("https://apply.example/", []) is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://apply.example", "https://apply.example/?ticket=t-1"),
        ("https://apply.example/form", "https://apply.example/form?ticket=t-1"),
        ("https://apply.example/form?a=1&b=%26", "https://apply.example/form?a=1&b=%26&ticket=t-1"),
        ("https://apply.example/?#/step/1?x=2", "https://apply.example/?ticket=t-1#/step/1?x=2"),
    ],
)
def test_a_ticket_is_added_to_the_query_and_nothing_else_changes(url: str, shown: str) -> None:
    found = read_target(url, HOSTS)
    assert found is not None
    assert found.with_ticket("t-1") == shown


def where(text: str | None) -> str:
    """Where a link leads in the end."""
    assert text is not None
    parts = urlsplit(text)
    assert (f"{parts.scheme}://{parts.netloc}", parts.path) == (OURS, "/wechat/yunqiao/go")
    ((to,),) = parse_qs(parts.query).values()
    return to


def test_a_link_carries_its_target_whole() -> None:
    assert where(link(PATH, OURS, "/book?guide=12&q=身份证")) == "/book?guide=12&q=身份证"
    assert where(link(PATH, f"{OURS}/", "/guides/12#fee")) == "/guides/12#fee"
    outside = "https://apply.example/form?a=1&b=2"
    assert where(link(PATH, OURS, outside, hosts=HOSTS)) == outside


def test_a_whole_address_of_ours_is_a_page_of_ours() -> None:
    assert where(link(PATH, OURS, f"{OURS}/book/mine")) == "/book/mine"
    assert where(link(PATH, OURS, OURS)) == "/"
    assert where(link(PATH, OURS, f"{OURS}?a=1")) == "/?a=1"
    assert link(PATH, OURS, f"{OURS}.evil.example/book") is None
    assert link(PATH, OURS, f"{OURS}@evil.example/book") is None


def test_what_is_no_target_has_no_link() -> None:
    assert link(PATH, OURS, "tel:12345") is None
    assert link(PATH, OURS, "https://www.gov.example/") is None
    assert link(PATH, "", "/book/mine") is None
