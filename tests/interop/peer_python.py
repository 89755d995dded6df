# SPDX-License-Identifier: Apache-2.0
"""didcomm (PyPI 0.3.2) as a peer: one JSON request a line on stdin, one JSON answer a line on stdout.

  {"documents": [...], "secrets": [...]}             first line: whom it knows, and whose keys it holds
  {"op": "plaintext|signed|encrypted", "message", "to", "from", "sign_by", "enc", "protect_sender", "forward",
   "from_prior", "from_prior_kid"}                   -> {"packed"}
  {"op": "unpack", "packed"}                         -> {"message", "metadata"}
  {"op": "forward_step", "packed"}                   -> {"next", "packed"}: as a mediator
  {"op": "post", "url", "packed"}                    -> {"status", "body"}
Anything that goes wrong: {"error": "Kind: text"}.
"""
import asyncio
import json
import sys
import urllib.request

import attr
from authlib.common.encoding import json_dumps
from didcomm.common.algorithms import AnonCryptAlg
from didcomm.common.resolvers import ResolversConfig
from didcomm.common.types import VerificationMaterial, VerificationMaterialFormat
from didcomm.did_doc.did_doc import DIDDoc
from didcomm.did_doc.did_resolver import DIDResolver
from didcomm.message import Attachment, FromPrior, Message
from didcomm.pack_encrypted import PackEncryptedConfig, PackEncryptedParameters, pack_encrypted
from didcomm.pack_plaintext import PackPlaintextParameters, pack_plaintext
from didcomm.pack_signed import pack_signed
from didcomm.protocols.routing.forward import unpack_forward
from didcomm.secrets.secrets_resolver import Secret
from didcomm.secrets.secrets_resolver_in_memory import SecretsResolverInMemory
from didcomm.unpack import unpack

ENCS = {"A256CBC-HS512": AnonCryptAlg.A256CBC_HS512_ECDH_ES_A256KW, "XC20P": AnonCryptAlg.XC20P_ECDH_ES_A256KW,
        "A256GCM": AnonCryptAlg.A256GCM_ECDH_ES_A256KW}
FORMS = {"privateKeyJwk": VerificationMaterialFormat.JWK, "privateKeyBase58": VerificationMaterialFormat.BASE58,
         "privateKeyMultibase": VerificationMaterialFormat.MULTIBASE}


class Resolver(DIDResolver):
    def __init__(self, documents):
        self.documents = {d["id"]: DIDDoc.deserialize(d) for d in documents}
        for document in self.documents.values():
            for method in document.verification_method:
                object.__setattr__(method, "type", sys.intern(str(method.type)))

    async def resolve(self, did):
        return self.documents.get(did)


def secret(entry):
    for name, form in FORMS.items():
        if name in entry:
            value = json_dumps(entry[name]) if name == "privateKeyJwk" else entry[name]
            # Interned: the package compares types by identity.
            return Secret(entry["id"], sys.intern(entry["type"]), VerificationMaterial(form, value))
    raise ValueError(entry["id"])


def message_of(request):
    fields = dict(request["message"])
    fields["frm"] = fields.pop("from", None)
    fields.setdefault("body", {})
    if "attachments" in fields:
        fields["attachments"] = [Attachment.from_dict(a) for a in fields["attachments"]]
    known = {f.name for f in attr.fields(Message)}
    fields["custom_headers"] = {k: fields.pop(k) for k in list(fields) if k not in known} or None
    if "from_prior" in request:
        fields["from_prior"] = FromPrior(**request["from_prior"])
    return Message(**fields)


def plain(value):
    """Metadata as JSON: enum members by the names that all implementations share."""
    return value.name if hasattr(value, "name") and hasattr(value, "value") else value


async def answer(request, config):
    op = request["op"]
    if op == "plaintext":
        params = PackPlaintextParameters(from_prior_issuer_kid=request.get("from_prior_kid"))
        return {"packed": (await pack_plaintext(config, message_of(request), params)).packed_msg}
    if op == "signed":
        return {"packed": (await pack_signed(config, message_of(request), request["sign_by"])).packed_msg}
    if op == "encrypted":
        pack = PackEncryptedConfig(protect_sender_id=request.get("protect_sender", False),
                                   forward=request.get("forward", False))
        if request.get("enc"):
            pack.enc_alg_anon = ENCS[request["enc"]]
        params = PackEncryptedParameters(from_prior_issuer_kid=request.get("from_prior_kid"))
        result = await pack_encrypted(config, message_of(request), to=request["to"], frm=request.get("from"),
                                      sign_frm=request.get("sign_by"), pack_config=pack, pack_params=params)
        return {"packed": result.packed_msg}
    if op == "unpack":
        result = await unpack(config, request["packed"])
        message = result.message.as_dict() if hasattr(result.message, "as_dict") else result.message
        metadata = {k: plain(v) for k, v in vars(result.metadata).items()}
        return {"message": json.loads(json_dumps(message)), "metadata": metadata}
    if op == "forward_step":
        result = await unpack_forward(config, request["packed"], True)
        return {"next": result.forward_msg.body.next, "packed": json.dumps(result.forwarded_msg)}
    if op == "post":
        http = urllib.request.Request(request["url"], request["packed"].encode(), method="POST",
                                      headers={"Content-Type": "application/didcomm-encrypted+json"})
        with urllib.request.urlopen(http, timeout=20) as response:
            return {"status": response.status, "body": response.read().decode()}
    raise ValueError("unknown op " + op)


def main():
    world = json.loads(sys.stdin.readline())
    config = ResolversConfig(SecretsResolverInMemory([secret(s) for s in world["secrets"]]),
                             Resolver(world["documents"]))
    loop = asyncio.new_event_loop()
    for line in sys.stdin:
        try:
            result = loop.run_until_complete(answer(json.loads(line), config))
        except Exception as error:  # a peer's refusal is a result
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
