# SPDX-License-Identifier: Apache-2.0
"""Who takes part: fresh keys for each run, as JWKs that every implementation reads, and DID documents.

alice and bob have a key of each kind; carol is who alice was before (from_prior); dora's document is written in the suites of
2018 to 2020; erin sits behind two mediators.
"""
import base64
import json

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

import base58

CURVES = {"P-256": (ec.SECP256R1, 32), "P-384": (ec.SECP384R1, 48), "P-521": (ec.SECP521R1, 66),
          "secp256k1": (ec.SECP256K1, 32)}
ED25519_PUB, ED25519_PRIV = b"\xed\x01", b"\x80\x26"
X25519_PUB, X25519_PRIV = b"\xec\x01", b"\x82\x26"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def raw(key):
    return (key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()),
            key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def new_jwk(crv):
    """A private JWK."""
    if crv in ("Ed25519", "X25519"):
        d, x = raw((ed25519.Ed25519PrivateKey if crv == "Ed25519" else x25519.X25519PrivateKey).generate())
        return {"kty": "OKP", "crv": crv, "x": b64(x), "d": b64(d)}
    curve, size = CURVES[crv]
    numbers = ec.generate_private_key(curve()).private_numbers()
    point = numbers.public_numbers
    return {"kty": "EC", "crv": crv, "x": b64(point.x.to_bytes(size, "big")), "y": b64(point.y.to_bytes(size, "big")),
            "d": b64(numbers.private_value.to_bytes(size, "big"))}


def public(jwk):
    return {k: v for k, v in jwk.items() if k != "d"}


class Person:
    """A DID with its document and secrets. services: as they stand in the document, for each peer its own shape."""

    def __init__(self, name):
        self.did = f"did:example:{name}"
        self.methods, self.secrets = [], []
        self.uses = {"authentication": [], "keyAgreement": []}
        self.services = []

    def add(self, fragment, crv, use, suite="JsonWebKey2020"):
        kid = f"{self.did}#{fragment}"
        jwk = new_jwk(crv)
        method = {"id": kid, "type": suite, "controller": self.did}
        secret = {"id": kid, "type": suite}
        if suite == "JsonWebKey2020":
            method["publicKeyJwk"] = public(jwk)
            secret["privateKeyJwk"] = jwk
        else:
            x, d = unb64(jwk["x"]), unb64(jwk["d"])
            pub, priv = (ED25519_PUB, ED25519_PRIV) if crv == "Ed25519" else (X25519_PUB, X25519_PRIV)
            if suite.endswith("2020"):
                method["publicKeyMultibase"] = "z" + base58.b58encode(pub + x).decode()
                # Ed25519 with its public half, as the suites have it; one peer takes nothing else.
                both = d + x if crv == "Ed25519" else d
                secret["privateKeyMultibase"] = "z" + base58.b58encode(priv + both).decode()
            else:
                method["publicKeyBase58"] = base58.b58encode(x).decode()
                secret["privateKeyBase58"] = base58.b58encode(d + x if crv == "Ed25519" else d).decode()
        self.methods.append(method)
        self.secrets.append(secret)
        self.uses[use].append(kid)
        return self

    def kid(self, fragment):
        return f"{self.did}#{fragment}"

    def document(self, services=True):
        # No "@context": every implementation must do without one, and one of them refuses none.
        document = {"@context": ["https://www.w3.org/ns/did/v1"], "id": self.did, "verificationMethod": self.methods,
                    **self.uses, "service": self.services if services else []}
        return document


SIGNERS = {"ed25519": "Ed25519", "p256": "P-256", "secp256k1": "secp256k1"}
AGREERS = {"x25519": "X25519", "p256": "P-256", "p384": "P-384", "p521": "P-521"}
SIGN_ALGS = {"ed25519": "EdDSA", "p256": "ES256", "secp256k1": "ES256K"}


def everybody():
    people = {}
    for name in ("alice", "bob"):
        person = people[name] = Person(name)
        for short, crv in SIGNERS.items():
            person.add("sign-" + short, crv, "authentication")
        for short, crv in AGREERS.items():
            person.add("agree-" + short, crv, "keyAgreement")
    people["carol"] = Person("carol").add("sign-ed25519", "Ed25519", "authentication") \
        .add("agree-x25519", "X25519", "keyAgreement")
    people["dora2018"] = Person("dora2018") \
        .add("sign-ed25519", "Ed25519", "authentication", "Ed25519VerificationKey2018") \
        .add("agree-x25519", "X25519", "keyAgreement", "X25519KeyAgreementKey2019")
    people["dora2020"] = Person("dora2020") \
        .add("sign-ed25519", "Ed25519", "authentication", "Ed25519VerificationKey2020") \
        .add("agree-x25519", "X25519", "keyAgreement", "X25519KeyAgreementKey2020")
    for name in ("mediator1", "mediator2"):
        people[name] = Person(name).add("agree-x25519", "X25519", "keyAgreement")
    people["erin"] = Person("erin").add("agree-x25519", "X25519", "keyAgreement")
    return people


def sign_compact(jwk, header, payload):
    """A compact EdDSA JWS by hand: what no honest implementation would make."""
    key = ed25519.Ed25519PrivateKey.from_private_bytes(unb64(jwk["d"]))
    text = b64(json.dumps(header).encode()) + "." + b64(json.dumps(payload).encode())
    return text + "." + b64(key.sign(text.encode()))
