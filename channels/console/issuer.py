"""The issuer of single sign-on: its addresses and keys as it tells them, and what it gives for a code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from core import clock
from core.errors import Unauthorized, Unavailable
from core.settings import Settings

if TYPE_CHECKING:
    import httpx
    from joserfc.jwk import KeySet

PATIENCE = 5.0  # seconds it may take for one answer
KEPT = timedelta(minutes=10)  # what it tells of itself
AGAIN = timedelta(minutes=1)  # its keys, where it signed with another

log = structlog.get_logger()


class IssuerAway(Unavailable):
    """统一身份认证暂时连不上，请稍后再试，或者用密码登录。"""

    code = "issuer_away"


class NotProved(Unauthorized):
    """统一身份认证没有成功，请重新登录。还是不行的话，请联系管理员。"""

    code = "not_proved"


@dataclass(frozen=True, slots=True)
class Addresses:
    """What the issuer tells of itself."""

    name: str
    authorise: str
    token: str
    keys: str
    by_post: bool  # the client's secret goes into the body


class Issuer:
    """The one that the settings name, for the application's life. Making it reads all certificates: not in the event loop."""

    def __init__(self, settings: Settings) -> None:
        from http.cookiejar import CookieJar, DefaultCookiePolicy

        import httpx

        self._address = settings.oidc_issuer.rstrip("/")
        self._client = httpx.AsyncClient(
            timeout=PATIENCE,
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=0),  # people sign in seldom
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # nothing of one sign-in reaches another
        )
        self._addresses: tuple[datetime, Addresses] | None = None
        self._keys: tuple[datetime, KeySet] | None = None

    async def close(self) -> None:
        """Give back what is held."""
        await self._client.aclose()

    async def addresses(self) -> Addresses:
        """What its discovery document says, as of some minutes ago at most. Raises IssuerAway."""
        if self._addresses is None or clock.now() - self._addresses[0] >= KEPT:
            told = await self._told("GET", f"{self._address}/.well-known/openid-configuration")
            self._addresses = clock.now(), self._read(told)
        return self._addresses[1]

    async def keys(self, *, anew: bool = False) -> KeySet:
        """Its keys, as of some minutes ago at most; `anew`, of one minute ago at most. Raises IssuerAway."""
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        if self._keys is None or clock.now() - self._keys[0] >= (AGAIN if anew else KEPT):
            told = await self._told("GET", (await self.addresses()).keys)
            try:
                self._keys = clock.now(), KeySet.import_key_set(told)
            except (JoseError, KeyError, TypeError, ValueError) as error:
                log.error("oidc.no_keys", reason=type(error).__name__)
                raise IssuerAway() from error
        return self._keys[1]

    async def exchange(self, form: dict[str, str], auth: httpx.BasicAuth | None) -> dict[str, Any]:
        """What it gives for a code. Raises NotProved, IssuerAway."""
        told = await self._told("POST", (await self.addresses()).token, data=form, auth=auth)
        return dict(told) if isinstance(told, dict) else {}

    async def _told(self, method: str, url: str, **sent: Any) -> Any:
        import httpx

        try:
            answer = await self._client.request(method, url, headers={"Accept": "application/json"}, **sent)
            if method == "POST" and answer.is_client_error:
                raise NotProved()
            return answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("oidc.away", reason=type(error).__name__)
            raise IssuerAway() from error

    def _read(self, told: Any) -> Addresses:
        try:
            name, ways = str(told["issuer"]), told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
            made = Addresses(
                name, str(told["authorization_endpoint"]), str(told["token_endpoint"]), str(told["jwks_uri"]),
                "client_secret_basic" not in ways,
            )  # fmt: skip
        except (KeyError, TypeError, AttributeError) as error:
            raise IssuerAway() from error
        # An issuer that is reached safely does not send us where we are not.
        scheme = "https://" if self._address.startswith("https://") else "http"
        safe = all(url.startswith(scheme) for url in (made.authorise, made.token, made.keys))
        if name.rstrip("/") != self._address or not safe:
            log.error("oidc.another_issuer")
            raise IssuerAway()
        return made
