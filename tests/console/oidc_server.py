"""A small OpenID Connect issuer: it knows one person, who is signed in there already, and says of them what a test wants."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import FastAPI, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import RSAKey

from core import clock

CLIENT, SECRET = "bangban", "a secret: 100% ours"


@dataclass
class Issuer:
    """What it says next: `claims` in place of its own (None leaves one out), `signed` by which key or none at all."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    signed: str = "RS256"
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)  # the addresses and the keys, each time it was asked for them
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, private=True))

    def id_token(self, asked: dict[str, str]) -> str:
        now = int(clock.now().timestamp())
        own = {
            "iss": self.url, "sub": "person-1", "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"],
            "preferred_username": "person",
        }  # fmt: skip
        claims = {name: value for name, value in (own | self.claims).items() if value is not None}
        if self.signed == "none":
            return ".".join((_encoded({"alg": "none", "typ": "JWT"}), _encoded(claims), ""))
        if self.signed == "HS256":  # with what everybody can read, in the hope that it is taken for a secret
            return _forged(claims, self.key)
        key = self.key if self.signed == "RS256" else RSAKey.generate_key(2048, {"kid": "one"}, private=True)
        return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)


def _forged(claims: dict[str, Any], key: RSAKey) -> str:
    import hmac

    told = f"{_encoded({'alg': 'HS256', 'kid': 'one'})}.{_encoded(claims)}"
    seal = hmac.new(key.as_pem(private=False), told.encode(), hashlib.sha256).digest()
    return f"{told}.{_plain(seal)}"


def _encoded(part: dict[str, Any]) -> str:
    return _plain(json.dumps(part).encode())


def _plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def make_app(issuer: Issuer) -> FastAPI:
    """Its pages."""
    app = FastAPI()

    @app.get("/.well-known/openid-configuration")
    def discovery() -> dict[str, Any]:
        issuer.told.append("addresses")
        return {
            "issuer": issuer.url, "authorization_endpoint": f"{issuer.url}/authorise",
            "token_endpoint": f"{issuer.url}/token", "jwks_uri": f"{issuer.url}/keys",
        }  # fmt: skip

    @app.get("/keys")
    def keys() -> dict[str, Any]:
        issuer.told.append("keys")
        return {"keys": [issuer.key.as_dict(private=False)]}

    @app.get("/authorise")
    def authorise(request: Request) -> Response:
        asked = dict(request.query_params)
        issuer.asked.append(asked)
        code = secrets.token_urlsafe(16)
        issuer.codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", status_code=302)

    @app.post("/token")
    def token(
        request: Request,
        code: Annotated[str, Form()],
        code_verifier: Annotated[str, Form()],
        redirect_uri: Annotated[str, Form()],
    ) -> Response:
        asked = issuer.codes.pop(code, None)
        proof = _plain(hashlib.sha256(code_verifier.encode()).digest())
        # Both parts are encoded as in forms before they are joined: RFC 6749, 2.3.1.
        basic = base64.b64encode(f"{CLIENT}:a+secret%3A+100%25+ours".encode()).decode()
        known = request.headers.get("authorization") == f"Basic {basic}"
        if not asked or not known or asked["redirect_uri"] != redirect_uri or asked["code_challenge"] != proof:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": issuer.id_token(asked)})

    return app
