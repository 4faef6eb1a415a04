"""Single sign-on: the code flow of OpenID Connect with PKCE."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from channels.console.invited import bind
from channels.console.issuer import Issuer, NotProved
from channels.console.signing import Next, agent, local, sign_in_form, welcome
from channels.house import House
from channels.web import cookies, limits
from core import clock
from core.errors import BangbanError, NotFound, Unauthorized
from staff import signing

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

COOKIE = "bangban_oidc"
WAITS = 600  # seconds that somebody may take at the issuer's
LEEWAY = 60  # seconds by which the issuer's clock may differ
SIGNED_WITH = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]

log = structlog.get_logger()


class UnknownKey(NotProved):
    """统一身份认证没有成功，请重新登录。还是不行的话，请联系管理员。"""  # told alike: its keys may be new


class NotBegun(Unauthorized):
    """这次登录已经过期，或者不是在这个浏览器里开始的，请重新登录。"""

    code = "not_begun"


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in under way: what its id_token and its browser must show, and where to go afterwards."""

    nonce: str
    verifier: str
    browser: str
    next: str


async def _visited(request: Request) -> None:
    """Refuse what a page loads as a picture or a frame: nobody signs in so, and it would count for a whole office."""
    if request.headers.get("sec-fetch-dest", "document") != "document":
        raise NotBegun()


router = APIRouter(prefix="/console/oidc", dependencies=[Depends(_visited)])


@router.get("")
async def begin(request: Request, next: Next = "") -> Response:
    """On to the issuer. Raises NotFound where none is set."""
    from authlib.common.urls import add_params_to_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    house, issuer = House.of(request), _issuer(request)
    try:
        await limits.single_sign_on(house, request)
        addresses = await issuer.addresses()
    except BangbanError as problem:
        return await asyncio.to_thread(sign_in_form, request, next, problem)
    state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    begun = Begun(secrets.token_urlsafe(32), secrets.token_urlsafe(48), _digest(browser), local(request, next))
    await house.cache.set(_kept(state), json.dumps(asdict(begun)), WAITS)
    asked = {
        "response_type": "code", "client_id": house.settings.oidc_client_id, "redirect_uri": _back(request),
        "scope": "openid profile", "state": state, "nonce": begun.nonce,
        "code_challenge": create_s256_code_challenge(begun.verifier), "code_challenge_method": "S256",
    }  # fmt: skip
    url = add_params_to_uri(addresses.authorise, list(asked.items()))
    response = RedirectResponse(url, status_code=303)
    cookies.keep(request, response, COOKIE, browser, WAITS)
    return response


@router.get("/return")
async def returned(request: Request, code: str = "", state: str = "") -> Response:
    """Back from the issuer: signed in, or told on the sign-in page why not."""
    house, issuer = House.of(request), _issuer(request)
    await limits.check_sign_in(house, request)
    try:
        await limits.single_sign_on(house, request)
        begun = await _begun(request, state)
        claims = await _claims(request, issuer, begun, code)
        token = await asyncio.to_thread(_sign_in, request, claims)
        response: Response = await asyncio.to_thread(welcome, request, token, begun.next)
    except BangbanError as problem:
        # What another page or an issuer that is away brings about locks nobody out of signing in by password.
        if isinstance(problem, NotProved | signing.NotInvited):
            await limits.wrong_sign_in(house, request)
        response = await asyncio.to_thread(sign_in_form, request, "", problem)
    cookies.drop(request, response, COOKIE)
    return response


async def _begun(request: Request, state: str) -> Begun:
    """The sign-in that this browser began, once. Raises NotBegun."""
    kept = await House.of(request).cache.take(_kept(state)) if state else None
    begun = Begun(**json.loads(kept)) if kept else None
    if begun is None or not hmac.compare_digest(_digest(cookies.read(request, COOKIE)), begun.browser):
        raise NotBegun()
    return begun


async def _claims(request: Request, issuer: Issuer, begun: Begun, code: str) -> dict[str, Any]:
    """What the issuer says of who signed in, verified. Raises NotProved, IssuerAway."""
    try:
        if not code:  # the issuer refused, or somebody changed their mind
            raise NotProved()
        answer = await _exchange(request, issuer, begun, code)
        client, name = House.of(request).settings.oidc_client_id, (await issuer.addresses()).name
        try:
            return _verified(answer, await issuer.keys(), name, client, begun.nonce)
        except UnknownKey:
            return _verified(answer, await issuer.keys(anew=True), name, client, begun.nonce)
    except NotProved:
        await asyncio.to_thread(_put_on_record, request)
        raise


async def _exchange(request: Request, issuer: Issuer, begun: Begun, code: str) -> dict[str, Any]:
    """What the issuer gives for the code. Raises NotProved, IssuerAway."""
    import httpx

    settings = House.of(request).settings
    who = (settings.oidc_client_id, settings.oidc_client_secret)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": _back(request)}
    form["code_verifier"] = begun.verifier
    by_post = (await issuer.addresses()).by_post
    if by_post:
        form |= dict(zip(("client_id", "client_secret"), who, strict=True))
    # RFC 6749, 2.3.1: both are encoded as in forms first.
    basic = None if by_post else httpx.BasicAuth(quote_plus(who[0]), quote_plus(who[1]))
    return await issuer.exchange(form, basic)


def _verified(answer: dict[str, Any], keys: KeySet, issuer: str, client: str, nonce: str) -> dict[str, Any]:
    """The claims of the id_token: signed by `issuer`, for us, for this sign-in, and fresh. Raises NotProved, which is
    UnknownKey where none of the keys signed it.
    """
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError

    expected = {
        "iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client},
        "sub": {"essential": True},
    }  # fmt: skip
    proof = {"nonce": nonce, "client_id": client, "access_token": answer.get("access_token")}
    try:
        token = jwt.decode(str(answer.get("id_token")), keys, algorithms=SIGNED_WITH)
        claims = CodeIDToken(token.claims, token.header, options=expected, params=proof)
        claims.validate(now=int(clock.now().timestamp()), leeway=LEEWAY)
    except (BadSignatureError, InvalidKeyIdError) as error:
        log.warning("oidc.unknown_key", reason=type(error).__name__)
        raise UnknownKey() from error
    except (JoseError, ValueError, TypeError, KeyError) as error:
        log.warning("oidc.not_proved", reason=type(error).__name__)
        raise NotProved() from error
    return dict(claims)


def _sign_in(request: Request, claims: dict[str, Any]) -> str:
    """The token of a session of whose identity it is. Raises NotInvited."""
    house, address, now = House.of(request), limits.address(request), clock.now()
    subject = f"{claims['iss']} {claims['sub']}"
    with house.writing.begin() as session:
        bind(session, house.audit, subject, str(claims.get("preferred_username", "")), now=now)
    token, _ = signing.sign_in_by(
        house.writing, house.audit, subject, address=address, agent=agent(request), now=now,
        hours=house.settings.staff_hours_signed_in,
    )  # fmt: skip
    return token


def _put_on_record(request: Request) -> None:
    house = House.of(request)
    detail = {"address": limits.address(request), "by": "oidc"}
    with house.writing.begin() as session:
        house.audit.record(
            session, who=signing.NOBODY, act="sign.failed", subject="account:", detail=detail, at=clock.now()
        )


def _issuer(request: Request) -> Issuer:
    """Raises NotFound where none is set."""
    issuer = House.of(request).issuer
    if issuer is None:
        raise NotFound()
    return issuer


def _back(request: Request) -> str:
    """Where the issuer sends people back to, as it is registered there."""
    base = House.of(request).settings.public_url.rstrip("/")
    if not base:
        base = f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"
    return f"{base}/console/oidc/return"


def _kept(state: str) -> str:
    return f"oidc:{_digest(state)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
