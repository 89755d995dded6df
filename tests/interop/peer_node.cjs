// SPDX-License-Identifier: Apache-2.0
// didcomm-node (npm 0.4.1, didcomm-rust as WebAssembly) as a peer; the requests are peer_python.py's.
'use strict';
const readline = require('node:readline');
const path = require('node:path');
const {Message, FromPrior} = require(path.join(process.env.KEEL_INTEROP_NODE, 'node_modules', 'didcomm-node'));

const kEncs = {
  'A256CBC-HS512': 'A256cbcHs512EcdhEsA256kw',
  'XC20P': 'Xc20pEcdhEsA256kw',
  'A256GCM': 'A256gcmEcdhEsA256kw',
};

async function answer(request, dids, secrets) {
  const fields = () => ({typ: 'application/didcomm-plain+json', body: {}, ...request.message});
  async function message() {
    const value = fields();
    if (request.from_prior) {
      const [jwt] = await new FromPrior(request.from_prior).pack(request.from_prior_kid ?? null, dids, secrets);
      value.from_prior = jwt;
    }
    return new Message(value);
  }
  switch (request.op) {
    case 'plaintext': return {packed: await (await message()).pack_plaintext(dids)};
    case 'signed': return {packed: (await (await message()).pack_signed(request.sign_by, dids, secrets))[0]};
    case 'encrypted': {
      const options = {protect_sender: request.protect_sender ?? false, forward: request.forward ?? false};
      if (request.enc) options.enc_alg_anon = kEncs[request.enc];
      const packed = await (await message()).pack_encrypted(
          request.to, request.from ?? null, request.sign_by ?? null, dids, secrets, options);
      return {packed: packed[0]};
    }
    case 'unpack': {
      const [got, metadata] = await Message.unpack(request.packed, dids, secrets, {});
      return {message: got.as_value(), metadata};
    }
    case 'forward_step': {
      const [got] = await Message.unpack(request.packed, dids, secrets, {});
      const forward = got.try_parse_forward();  // a plain value, whatever its types say
      if (!forward) throw new Error('no forward');
      return {next: forward.next, packed: JSON.stringify(forward.forwarded_msg)};
    }
    case 'post': {
      const response = await fetch(request.url, {
        method: 'POST', body: request.packed, headers: {'Content-Type': 'application/didcomm-encrypted+json'},
        redirect: 'error', signal: AbortSignal.timeout(20000),
      });
      return {status: response.status, body: await response.text()};
    }
  }
  throw new Error('unknown op ' + request.op);
}

async function main() {
  let dids, secrets;
  for await (const line of readline.createInterface({input: process.stdin})) {
    const request = JSON.parse(line);
    if (!dids) {
      const documents = new Map(request.documents.map((d) => [d.id, d]));
      const held = new Map(request.secrets.map((s) => [s.id, s]));
      dids = {resolve: async (did) => documents.get(did) ?? null};
      secrets = {
        get_secret: async (id) => held.get(id) ?? null,
        find_secrets: async (ids) => ids.filter((id) => held.has(id)),
      };
      continue;
    }
    let result;
    try {
      result = await answer(request, dids, secrets);
    } catch (error) {  // a peer's refusal is a result
      result = {error: String(error && error.name ? error.name + ': ' + error.message : error)};
    }
    process.stdout.write(JSON.stringify(result) + '\n');
  }
}
main();
