// SPDX-License-Identifier: Apache-2.0
// jose, @sd-jwt/sd-jwt-vc and @auth0/cose (npm) as peers of run_credentials.py: one JSON request a line, one answer a line.
import {createRequire} from 'node:module';
import crypto from 'node:crypto';
import path from 'node:path';
import readline from 'node:readline';
import {pathToFileURL} from 'node:url';

const root = path.join(process.env.KEEL_INTEROP_CREDENTIALS, 'node_modules');
const require = createRequire(path.join(root, 'peer.js'));
const jose = await import(pathToFileURL(require.resolve('jose')).href);
const {SDJwtVcInstance} = require('@sd-jwt/sd-jwt-vc');
const {Sign1} = require('@auth0/cose');

const hashes = {EdDSA: null, ES256: 'sha256', ES384: 'sha384', ES256K: 'sha256'};
const curves = {EdDSA: 'Ed25519', ES256: 'P-256', ES384: 'P-384', ES256K: 'secp256k1'};
const numbers = {EdDSA: -8, ES256: -7, ES384: -35};

const privateKey = (jwk) => crypto.createPrivateKey({key: jwk, format: 'jwk'});
const publicKey = ({d, ...jwk}) => crypto.createPublicKey({key: jwk, format: 'jwk'});
const signer = (jwk, alg) => (data) =>
    crypto.sign(hashes[alg], Buffer.from(data), {key: privateKey(jwk), dsaEncoding: 'ieee-p1363'}).toString('base64url');
const verifier = (jwk, alg) => (data, signature) => crypto.verify(
    hashes[alg], Buffer.from(data), {key: publicKey(jwk), dsaEncoding: 'ieee-p1363'}, Buffer.from(signature, 'base64url'));
const hasher = (data, alg) => new Uint8Array(crypto.createHash(alg.replace('sha-', 'sha')).update(data).digest());

function instance(request) {
  const config = {
    hasher,
    hashAlg: request.hash ?? 'sha-256',
    saltGenerator: (length) => crypto.randomBytes(length).toString('base64url'),
    signAlg: request.alg,
  };
  if (request.key?.d && !request.holderKey) config.signer = signer(request.key, request.alg);
  if (request.key) config.verifier = verifier(request.key, request.alg);
  if (request.holderKey) {
    config.kbSigner = signer(request.holderKey, request.holderAlg);
    config.kbSignAlg = request.holderAlg;
  }
  // The key is the one that the verified SD-JWT names, never one of the test's.
  config.kbVerifier = (data, signature, payload) =>
      verifier(payload.cnf.jwk, request.holderAlg)(data, signature);
  return new SDJwtVcInstance(config);
}

async function answer(request) {
  switch (request.op) {
    case 'key': {
      const pair = request.alg === 'EdDSA' ? crypto.generateKeyPairSync('ed25519')
                                           : crypto.generateKeyPairSync('ec', {namedCurve: curves[request.alg]});
      return {key: pair.privateKey.export({format: 'jwk'})};
    }
    case 'sd_jwt_issue':
      return {token: await instance(request).issue(request.claims, request.frame, {header: request.header})};
    case 'sd_jwt_present': {
      const kb = request.holderKey ? {payload: {iat: request.iat, aud: request.audience, nonce: request.nonce}} : undefined;
      return {token: await instance(request).present(request.token, request.frame, kb && {kb})};
    }
    case 'sd_jwt_json': {
      const value = instance(request);
      return {flattened: value.toFlattenJSON(request.token).toJson(), general: value.toGeneralJSON(request.token).toJson()};
    }
    case 'sd_jwt_verify': {
      const options = {currentDate: request.now, keyBindingNonce: request.nonce};
      const result = await instance(request).verify(request.token, options);
      return {document: result.payload, kb: result.kb?.payload};
    }
    case 'jwt_issue': {
      const payload = new TextEncoder().encode(JSON.stringify(request.credential));
      const key = await jose.importJWK(request.key, request.alg);
      return {token: await new jose.CompactSign(payload).setProtectedHeader(request.header).sign(key)};
    }
    case 'jwt_verify': {
      const {d, ...jwk} = request.key;
      const {payload, protectedHeader} =
          await jose.compactVerify(request.token, await jose.importJWK(jwk, request.alg));
      return {document: JSON.parse(new TextDecoder().decode(payload)), header: protectedHeader};
    }
    case 'cose_issue': {
      const headers = new Map([[1, numbers[request.alg]], [3, 'application/vc'], [4, Buffer.from(request.kid)],
                               [16, 'application/vc+cose']]);
      const message = await Sign1.sign(headers, undefined, Buffer.from(JSON.stringify(request.credential)),
                                       privateKey(request.key));
      return {token: Buffer.from(message.encode()).toString('base64')};
    }
    case 'cose_verify': {
      const message = Sign1.decode(Buffer.from(request.token, 'base64'));
      await message.verify(publicKey(request.key));
      return {
        document: JSON.parse(Buffer.from(message.payload).toString()),
        kid: Buffer.from(message.protectedHeaders.get(4)).toString(),
        typ: message.protectedHeaders.get(16),
      };
    }
    default: throw new Error(`no operation '${request.op}'`);
  }
}

for await (const line of readline.createInterface({input: process.stdin})) {
  let out;
  try {
    out = await answer(JSON.parse(line));
  } catch (error) {
    out = {error: String(error?.message ?? error) || 'refused'};
  }
  process.stdout.write(JSON.stringify(out) + '\n');
}
