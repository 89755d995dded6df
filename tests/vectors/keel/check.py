#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks Keel's test vectors with the standard library alone, from docs/formats and not from Keel's code."""
import base64
import hashlib
import hmac
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
checked = 0


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def u(n, value):
    return value.to_bytes(n, "big")


def load(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        return json.load(f)


def equal(what, found, wanted):
    global checked
    checked += 1
    if found != wanted:
        sys.exit(f"{what}: computed {found!r}, the file says {wanted!r}")


def h(text):
    return bytes.fromhex(text)


def b64u(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


B58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58(octets):
    n, out = int.from_bytes(octets, "big"), ""
    while n:
        n, r = divmod(n, 58)
        out = B58[r] + out
    return "1" * (len(octets) - len(octets.lstrip(b"\0"))) + out


def unbase58(text):
    n = 0
    for c in text:
        n = n * 58 + B58.index(c)
    body = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return b"\0" * (len(text) - len(text.lstrip("1"))) + body


# --- Ed25519 (RFC 8032 section 6), verification only
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def point_add(a, b):
    aa, bb = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    cc, dd = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, i = bb - aa, dd - cc, dd + cc, bb + aa
    return (e * f % P, g * i % P, f * g % P, e * i % P)


def point_mul(s, p):
    q = (0, 1, 1, 0)
    while s:
        if s & 1:
            q = point_add(q, p)
        p = point_add(p, p)
        s >>= 1
    return q


def decompress(octets):
    y = int.from_bytes(octets, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P:
        raise ValueError("not a point")
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = decompress(u(32, 4 * pow(5, P - 2, P) % P)[::-1])


def ed25519(key, message, signature):
    r, s = decompress(signature[:32]), int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    a, b = point_mul(s, BASE), point_add(r, point_mul(k, decompress(key)))
    return s < L and (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def ed_key(multikey):
    octets = unbase58(multikey[1:])
    equal("multikey", (multikey[0], octets[:2]), ("z", b"\xed\x01"))
    return octets[2:]


# --- RFC 9162
def leaf(entry):
    return sha(b"\0", entry)


def tree(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha(b"\1", tree(leaves[:k]), tree(leaves[k:]))


# --- the map
EMPTY = b"\0" * 32


def bit(key, depth):
    return key[depth // 8] >> (7 - depth % 8) & 1


def map_root(leaves, depth=0):
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return sha(b"\x10", leaves[0][0], sha(leaves[0][1]))
    halves = [[x for x in leaves if bit(x[0], depth) == side] for side in (0, 1)]
    return sha(b"\x11", map_root(halves[0], depth + 1), map_root(halves[1], depth + 1))


def proof_root(proof, key, value):
    """The root that a proof leads to; value None for absence."""
    kind, depth = proof[0], proof[1]
    at = 2 + (depth + 7) // 8
    bitmap = proof[2:at]
    siblings = []
    for i in range(depth):
        if bit(bitmap, i):
            siblings.append(proof[at:at + 32])
            at += 32
        else:
            siblings.append(EMPTY)
    node = EMPTY
    if kind == 1:
        node = sha(b"\x10", key, sha(value))
    elif kind == 2:
        other, other_hash = proof[at:at + 32], proof[at + 32:at + 64]
        at += 64
        equal("other key's bits", [bit(other, i) for i in range(depth)], [bit(key, i) for i in range(depth)])
        assert other != key
        node = sha(b"\x10", other, other_hash)
    equal("proof's end", at, len(proof))
    for i, sibling in enumerate(siblings):
        pair = (sibling, node) if bit(key, depth - 1 - i) else (node, sibling)
        node = sha(b"\x11", *pair)
    return node


def hkdf(ikm, salt, info):
    prk = hmac.new(salt, ikm, hashlib.sha256).digest()
    return hmac.new(prk, info + b"\1", hashlib.sha256).digest()


def check_did():
    v = load("did.json")
    head, prev, next_hashes = EMPTY, None, None
    for number, op in enumerate(v["operations"]):
        jws = op["jws"].encode()
        protected, payload_text, signature = op["jws"].split(".")
        payload = json.loads(b64u(payload_text))
        equal("header", b64u(protected), b'{"alg":"EdDSA"}')
        if number == 0:
            scid = "z" + base58(b"\x12\x20" + sha(b64u(payload_text)))
            equal("did", f"did:keel:{v['label']}:{scid}", v["did"])
            signer = payload["keys"][0]["key"]
        else:
            equal("prev", b64u(payload["prev"]), prev)
            equal("seq", payload["seq"], number)
            signer = payload["by"][0]
            equal("next key", sha(signer.encode()), next_hashes[0])
        equal("signature", ed25519(ed_key(signer), f"{protected}.{payload_text}".encode(), b64u(signature)), True)
        prev = sha(jws)
        equal("operation hash", prev, h(op["hash"]))
        head = sha(b"\1", head, u(8, op["index"]), prev)
        flags = b"\1" if payload["op"] == "deactivate" else b"\0"
        equal("map value", head + flags, h(op["map_value"]))
        next_hashes = [b64u(x) for x in payload.get("next", {}).get("h", [])]
    equal("map key", sha(b"keel-map/1\n", b"\1", v["did"].encode()), h(v["map_key"]))


def check_map():
    v = load("map.json")
    leaves = []
    for x in v["leaves"]:
        equal("key", sha(b"keel-map/1\n", u(1, x["type"]), h(x["id"])), h(x["key"]))
        leaves.append((h(x["key"]), h(x["value"])))
    equal("map root", map_root(leaves), h(v["root"]))
    values = dict(leaves)
    kinds = set()
    for x in v["proofs"]:
        proof = h(x["proof"])
        kinds.add(proof[0])
        equal("kind", proof[0] == 1, x["present"])
        equal("proof", proof_root(proof, h(x["key"]), values.get(h(x["key"]))), h(v["root"]))
    equal("kinds of proof", kinds, {0, 1, 2})


def check_checkpoint():
    v = load("checkpoint.json")
    equal("net", sha(v["descriptor"].encode()), h(v["net"]))
    entries = [h(x) for x in v["entries"]]
    root = tree([leaf(x) for x in entries])
    equal("root", root, h(v["root"]))
    note = f"keel/{v['net']}\n{len(entries)}\n{base64.b64encode(root).decode()}\n"
    equal("note", note, v["note"])
    equal("cosign", f"cosignature/v1\ntime 1790000000\n{note}", v["cosign_message"])
    ckpt = h(v["ckpt"])
    equal("ckpt head", ckpt[:44], u(4, 0) + u(8, len(entries)) + root)
    members = json.loads(v["descriptor"])
    equal("quorum", (ckpt[44], members["q"]), (3, 3))
    for i in range(ckpt[44]):
        one = ckpt[45 + 73 * i:45 + 73 * (i + 1)]
        message = f"cosignature/v1\ntime {int.from_bytes(one[1:9], 'big')}\n{note}".encode()
        equal("member", members["members"][one[0]]["key"], v["members"][one[0]])
        equal("cosignature", ed25519(ed_key(v["members"][one[0]]), message, one[9:]), True)
    equal("length", len(ckpt), 45 + 73 * ckpt[44])
    state = h(v["state"])
    equal("state leaf", b"keel-state/1\n" + state[:48], entries[-1])


def check_seals():
    v = load("seals.json")
    net, policy, seal = h(v["net"]), h(v["policy"]), h(v["seal"])
    equal("seal", sha(b"keel-seal/1\n", policy), seal)
    equal("seal0", sha(b"keel-seal0/1\n", h(v["salt"]), seal), h(v["seal0"]))
    tag = sha(b"keel-dev/1\n", v["device"].encode())
    link = b"keel-link/1\n" + net + tag + u(4, 1) + seal + h(v["next_seal"]) + sha(v["credential"].encode())
    equal("link", link, h(v["link"]))
    equal("link size", len(link), 176)
    equal("link hash", sha(link), h(v["link_hash"]))
    message = b"keel-spend/1\n" + net + seal + sha(link)
    equal("spend", message, h(v["spend_message"]))
    sigs = h(v["sigs"])
    equal("sigs", sigs[:4], b"\1\0" + u(2, 64))
    equal("policy", policy[:6], b"\1\1" + u(2, 34) + b"\xed\1")
    equal("spend signature", ed25519(policy[6:], message, sigs[4:]), True)
    info = b"keel-seal-key/1\n"
    equal("key", hkdf(h(v["batch_seed"]), net, info + sha(v["device"].encode()) + u(4, 1)), h(v["seal_key_seed_1"]))
    equal("request key", hkdf(h(v["batch_seed"]), net, info + sha(b"request\n", u(4, 5)) + u(4, 1)), h(v["request_seed_5_1"]))


def check_misc():
    v = load("misc.json")
    leaves = [leaf(b"keel-batch/1\n" + h(x["salt"]) + sha(x["credential"].encode())) for x in v["batch"]]
    equal("batch root", tree(leaves), h(v["batch_root"]))
    net = h(v["net"])
    equal("index", hmac.new(h(v["rs"]), b"keel-rv-index/1\n" + net, hashlib.sha256).digest(), h(v["index"]))
    equal("value size", (len(h(v["rendezvous_value"])), h(v["rendezvous_value"])[0]), (1073, 1))
    message = b"keel-time/1\n" + net + u(8, 3) + leaf(h(v["nonce"])) + u(8, 1790000000)
    equal("time", message, h(v["time_message"]))


def check_transcript():
    v = load("transcript.json")
    th = sha(b"keel-onb/1\n", sha(v["invitation"].encode()))
    equal("th0", th, h(v["th"][0]))
    for i, message in enumerate(v["messages"]):
        th = sha(th, sha(message.encode()))
        equal(f"th{i + 1}", th, h(v["th"][i + 1]))
    ev = sha(b"keel-ev/1\n", h(v["th"][2]), sha(v["device"].encode()), sha(v["attested"].encode()))
    equal("evidence", ev, h(v["evidence"]))


for check in (check_did, check_map, check_checkpoint, check_seals, check_misc, check_transcript):
    check()
print(f"{checked} values of Keel's test vectors are right")
