# SPDX-License-Identifier: Apache-2.0
"""An application that reads devices' data, written from the pages alone: a did:key, and presentations for the broker.

Ed25519 after RFC 8032, section 5.1, with Python's integers: slow and not constant-time; for tests only.
"""
import base64
import hashlib
import json
import os
import time

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
BASE = (15112221349535400772501151409588531511454012693041857206046113283949847762202,
        46316835694926478169428394003475163141307993866256225615783033603165251855960)
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _add(p, q):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = p, q
    a, b, c, d = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P, 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(n):
    out, power = (0, 1, 1, 0), (BASE[0], BASE[1], 1, BASE[0] * BASE[1] % P)
    while n:
        if n & 1:
            out = _add(out, power)
        power = _add(power, power)
        n >>= 1
    x, y, z, _ = out
    inverse = pow(z, P - 2, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def base58(octets):
    number, out = int.from_bytes(octets, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        out = ALPHABET[rest] + out
    return "1" * (len(octets) - len(octets.lstrip(b"\0"))) + out


class Reader:
    def __init__(self):
        half = hashlib.sha512(os.urandom(32)).digest()
        self.scalar = (int.from_bytes(half[:32], "little") & ~7 & ((1 << 255) - 1) | 1 << 254)
        self.prefix, self.public = half[32:], _times(self.scalar)
        self.key = "z" + base58(b"\xed\x01" + self.public)
        self.did = "did:key:" + self.key

    def sign(self, message):
        r = _number(self.prefix, message) % L
        point = _times(r)
        s = (r + _number(point, self.public, message) % L * self.scalar) % L
        return point + s.to_bytes(32, "little")

    def jwt(self, typ, payload):
        header = {"alg": "EdDSA", "kid": f"{self.did}#{self.key}", "typ": typ}
        text = ".".join(b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, payload))
        return text + "." + b64(self.sign(text.encode()))

    def presentation(self, credential, audience, **other):
        now = int(time.time())
        return self.jwt("vp+jwt", dict({"iss": self.did, "aud": audience, "iat": now, "exp": now + 120,
                                        "credential": credential}, **other))
