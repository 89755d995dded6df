// SPDX-License-Identifier: Apache-2.0
// @digitalbazaar/vc and its cryptosuites (npm) as peer of run_proofs.py: one JSON request a line, one answer a line.
import {createRequire} from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import {pathToFileURL} from 'node:url';

const root = path.join(process.env.KEEL_INTEROP_PROOFS, 'node_modules', '@digitalbazaar');
const require = createRequire(path.join(root, 'peer.js'));
const load = (name) => import(pathToFileURL(require.resolve(`@digitalbazaar/${name}`)).href);
const [vc, {DataIntegrityProof}, ed25519, ecdsa, didKey, credentials, dataIntegrity] = await Promise.all(
    ['vc', 'data-integrity', 'ed25519-multikey', 'ecdsa-multikey', 'did-method-key', 'credentials-context',
      'data-integrity-context'].map(load));
const names = ['eddsa-rdfc-2022', 'eddsa-jcs-2022', 'ecdsa-rdfc-2019', 'ecdsa-jcs-2019', 'ecdsa-sd-2023'];
const suites = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await load(`${name}-cryptosuite`)])));

const listed = (module) => [...(module.contexts ?? module.default.contexts)];
const contexts = new Map([...listed(credentials), ...listed(dataIntegrity)]);
const driver = didKey.driver();
driver.use({multibaseMultikeyHeader: 'z6Mk', fromMultibase: ed25519.from});
for (const header of ['zDna', 'z82L']) driver.use({multibaseMultikeyHeader: header, fromMultibase: ecdsa.from});
async function documentLoader(url) {
  if (url.startsWith('did:')) return {contextUrl: null, documentUrl: url, document: await driver.get({did: url})};
  if (!contexts.has(url)) throw new Error(`no context ${url}`);
  return {contextUrl: null, documentUrl: url, document: contexts.get(url)};
}

const keys = new Map();
const messages = (error) => !error ? 'not verified' : [error, ...(error.errors ?? [])].map(
    ({message, cause}) => message + (cause ? ` (${cause.message})` : '')).join('; ');

async function answer({op, suite: name, curve, did, document, pointers, mandatory}) {
  const suite = suites[name];
  switch (op) {
    case 'key': {
      const made = await (curve === 'Ed25519' ? ed25519.generate() : ecdsa.generate({curve}));
      made.controller = `did:key:${made.publicKeyMultibase}`;
      made.id = `${made.controller}#${made.publicKeyMultibase}`;
      keys.set(made.controller, made);
      return {did: made.controller, method: made.id};
    }
    case 'issue': {
      const cryptosuite = suite.createSignCryptosuite?.({mandatoryPointers: mandatory ?? []}) ?? suite.cryptosuite;
      const proof = new DataIntegrityProof({signer: keys.get(did).signer(), cryptosuite});
      return {document: await vc.issue({credential: document, suite: proof, documentLoader})};
    }
    case 'derive': {
      const cryptosuite = suite.createDiscloseCryptosuite({selectivePointers: pointers});
      const proof = new DataIntegrityProof({cryptosuite});
      return {document: await vc.derive({verifiableCredential: document, suite: proof, documentLoader})};
    }
    case 'verify': {
      const cryptosuite = suite.createVerifyCryptosuite?.() ?? suite.cryptosuite;
      const proof = new DataIntegrityProof({cryptosuite});
      const {verified, error} = await vc.verifyCredential({credential: document, suite: proof, documentLoader});
      return {verified, reason: verified ? '' : messages(error)};
    }
  }
  throw new Error(`no such request: ${op}`);
}

for await (const line of readline.createInterface({input: process.stdin})) {
  let out;
  try {
    out = await answer(JSON.parse(line));
  } catch (error) {
    out = {error: messages(error)};
  }
  process.stdout.write(JSON.stringify(out) + '\n');
}
