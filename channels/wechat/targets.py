"""Where citizens may be handed to: our own pages, and the online applications that settings name. Nowhere else."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

LONGEST = 1000  # characters
TICKET = "ticket"  # the query by which an online application is told who arrives
PAGES = ("/", "/search", "/book")
BELOW = ("/book/", "/guides/")
# Browsers take a backslash for a slash and leave control characters out: what is checked must be what they open.
_TRICKS = re.compile(r"[\x00-\x20\x7f-\x9f\\]")


def path_of(name: str) -> str:
    """Where the account called `name` is served: /wechat, or /wechat/{name}."""
    return f"/wechat/{name}" if name else "/wechat"


@dataclass(frozen=True, slots=True)
class Target:
    """An address found to be in order; `host` is empty for a page of ours, whose address is its path and query."""

    url: str
    host: str = ""

    def with_ticket(self, ticket: str) -> str:
        """The address of an online application by which it learns who arrives."""
        parts = urlsplit(self.url)
        query = "&".join(filter(None, (parts.query, urlencode({TICKET: ticket}))))
        return parts._replace(path=parts.path or "/", query=query).geturl()


def read_target(text: str, hosts: Collection[str]) -> Target | None:
    """The target that `text` names; None where nobody is handed there. `hosts` are those of online applications."""
    if len(text) > LONGEST or _TRICKS.search(text):
        return None
    if text.startswith("/"):
        return Target(text) if _is_page(re.split("[?#]", text, maxsplit=1)[0]) else None
    found = re.match(r"https://([^/?#]+)", text)
    if found is None or found[1].lower() not in {host.lower() for host in hosts}:
        return None
    asked = parse_qsl(urlsplit(text).query, keep_blank_values=True)
    # With a ticket of somebody else's in it, the citizen would arrive as somebody else.
    return None if any(name.lower() == TICKET for name, _ in asked) else Target(text, found[1].lower())


def link(path: str, public_url: str, target: str, *, hosts: Collection[str] = ()) -> str | None:
    """The address to put into a message so that the citizen arrives known at `target`, a path or a whole address.

    `path` is where the account is served.

    None where nobody is handed there, or no `public_url` is set: then `target` is shown as it is.
    """
    base = public_url.rstrip("/")
    if base and re.match(re.escape(base) + "([/?#]|$)", target):
        target = target.removeprefix(base)
        target = target if target.startswith("/") else f"/{target}"
    found = read_target(target, hosts) if base else None
    return f"{base}{path}/go?to={quote(found.url, safe='/')}" if found else None


def _is_page(path: str) -> bool:
    parts = [unquote(part) for part in path.split("/")]
    if any(part in (".", "..") or "/" in part or _TRICKS.search(part) for part in parts) or "" in parts[1:-1]:
        return False
    return path in PAGES or path.startswith(BELOW)
