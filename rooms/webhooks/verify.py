"""Is a webhook LiveKit's own word, and can it be read? The token first, then the body's hash, then the body.

`livekit.api.WebhookReceiver` does the same in one step after the whole body is there, and raises one kind of error for
a forgery and for a body that is broken; here the token is judged before a byte of the body is read.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import b64decode

import jwt
from google.protobuf.json_format import Parse, ParseError
from livekit import api

# Of a token that is not LiveKit's but correctly signed, or of a signed body that is no event.
_ODD = (ValueError, TypeError, AttributeError, KeyError, ParseError, RecursionError)


class Forged(Exception):
    """Not signed by who has the key, no longer good, or for another body."""


class Malformed(Exception):
    """Signed, and still not an event; the message says why."""


def signed_hash(authorization: str, verifier: api.TokenVerifier) -> bytes:
    """The SHA-256 that the token in the Authorization header vouches for. Raises Forged.

    LiveKit sends the token as it is, without "Bearer", good for five minutes.
    """
    try:
        claims = verifier.verify(authorization)
        digest = b64decode(claims.sha256 or "", validate=True)
    except jwt.ExpiredSignatureError:
        raise Forged("the token has expired") from None
    except (jwt.PyJWTError, binascii.Error, *_ODD):
        raise Forged("the token is not signed with this key") from None
    if not digest:
        raise Forged("the token vouches for no body")
    return digest


def read_event(body: bytes, digest: bytes) -> api.WebhookEvent:
    """The event in `body`. Raises Forged if `digest` is another body's, Malformed if there is none in it."""
    if not hmac.compare_digest(hashlib.sha256(body).digest(), digest):
        raise Forged("the token is for another body")
    event = api.WebhookEvent()
    try:
        Parse(body.decode(), event, ignore_unknown_fields=True)
    except _ODD:
        raise Malformed("the body is no WebhookEvent as JSON") from None
    for field, value in (("id", event.id), ("event", event.event), ("createdAt", event.created_at)):
        if not value:
            raise Malformed(f"{field} is missing")
    return event
