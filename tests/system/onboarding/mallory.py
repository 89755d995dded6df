# SPDX-License-Identifier: Apache-2.0
"""Mallory's side of a wire: she speaks DIDComm with keys of her own (`keel didcomm`) and opens and seals rendezvous values with
what she copied (keel-mallory)."""
import json
import struct
import urllib.request

import proxies

MESSAGE = "application/didcomm-encrypted+json"
ONBOARDING = "https://keel-protocol.org/device-onboarding/1.0/"


class Party:
    """A did:peer of Mallory's."""

    def __init__(self, world, name):
        self.world, self.key = world, world.path(name + ".key")
        self.did = json.loads(world.tool("keel", "did", "create", "--method", "peer", "-o", self.key, "--json"))["did"]

    def open(self, envelope):
        return json.loads(self.world.tool("keel", "didcomm", "unpack", "--key", self.key, stdin=envelope))["message"]

    def seal(self, message, to):
        message = dict(message, **{"from": self.did, "to": [to]})
        return self.world.tool("keel", "didcomm", "pack", "--mode", "authcrypt", "--key", self.key, "--to", to,
                               stdin=json.dumps(message).encode())

    def ask(self, url, message, to):
        """The opened answer of a DIDComm endpoint."""
        request = urllib.request.Request(url + "/didcomm", self.seal(message, to), {"content-type": MESSAGE})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return self.open(answer.read())


def items(answer):
    """(tag, whole item) of a registry's answer to R0."""
    at = 0
    while at < len(answer):
        tag, length = struct.unpack_from(">BH", answer, at)
        yield tag, answer[at:at + 3 + length]
        at += 3 + length


VALUE = 0x12


def with_value(answer, value):
    """The answer with one value more, before the others: the one that a device tries first."""
    out, put = b"", False
    for tag, item in items(answer):
        if tag == VALUE and not put:
            out, put = out + struct.pack(">BH", VALUE, len(value)) + value, True
        out += item
    return out


class Relay:
    """Between a device and its owner, with the owner's invitation in hand: opens every message and sends on, under keys of its
    own, what was in it. `device_side` is the invitation's verifier for the device, `owner_side` the device for the owner."""

    def __init__(self, world, device):
        self.world, self.device, self.opened = world, device, []
        self.device_side, self.owner_side = Party(world, "mallory-v-" + device.serial), Party(world, "mallory-d-" + device.serial)
        self.server = world.http_proxy()
        self.server.hook = self._message
        self.invitation, self.device_did = None, None

    def rendezvous(self, exchange):
        """A hook for the registry's line: the device finds the relay first."""
        status, kind, body = exchange.forward()
        if exchange.path != "/v1/r0" or status != 200:
            return status, kind, body
        values = [item[3:] for tag, item in items(body) if tag == VALUE]
        if not values:
            return status, kind, body
        for value in values:
            try:
                self.invitation = json.loads(self.world.tool("keel-mallory", "open-value", self.folder, stdin=value))
            except AssertionError:
                continue  # random octets, or somebody else's
            own = dict(self.invitation, pv=self.device_side.did, url=[self.server.url])
            sealed = self.world.tool("keel-mallory", "seal-value", self.folder,
                                     stdin=json.dumps(own, separators=(",", ":")).encode())
            return status, kind, with_value(body, sealed)
        return status, kind, body

    @property
    def folder(self):
        return self.device.folder

    def _message(self, exchange):
        if exchange.path != "/didcomm":
            raise proxies.Drop
        message = self.device_side.open(exchange.body)
        self.opened.append(message)
        self.device_did = message["from"]
        answer = self.owner_side.ask(self.invitation["url"][0], message, self.invitation["pv"])
        self.opened.append(answer)
        return 200, MESSAGE, self.device_side.seal(answer, self.device_did)
