// @ts-check
/** C2SP signed-note, tlog-checkpoint, tlog-cosignature and tlog-proof. */

import { Unfit, base64, concat, sha256, text, utf8 } from "./bytes.js";
import { HASH } from "./merkle.js";

export const ED25519 = 1;
export const COSIGNATURE = 4;
/** Bytes of a note at most. */
export const LARGEST = 1 << 20;
const MOST = 100;
const DEEPEST = 64;

// Unicode's spaces, which separate nothing here, a plus sign and control characters stand in no name.
const NAMED = "[^+\\x00-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const NAME = new RegExp(`^${NAMED}$`, "u");
const KEY = new RegExp(`^(${NAMED})\\+([0-9a-f]{8})\\+([A-Za-z0-9+/]+=*)$`, "u");
// eslint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x09\x0b-\x1f]/;

/** @typedef {{name: string, id: number, kind: number, bytes: Uint8Array, line: string}} Key */
/** @typedef {{name: string, id: number, signature: Uint8Array}} Signature */
/** @typedef {{text: string, signatures: Signature[]}} Note */
/** @typedef {{origin: string, size: bigint, root: Uint8Array}} Checkpoint */
/** @typedef {{index: bigint, hashes: Uint8Array[], checkpoint: Note}} Proof */

/** @param {Uint8Array} bytes */
const number = (bytes) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);

/** Read a verifier key, NAME+ID+BASE64. @param {string} line @returns {Promise<Key>} */
export async function parseKey(line) {
  const found = KEY.exec(line);
  const held = found ? base64(found[3]) : new Uint8Array();
  if (!found || held.length !== 33 || ![ED25519, COSIGNATURE].includes(held[0])) throw new Unfit(`${line} is no key`);
  const id = (await sha256(concat(utf8(`${found[1]}\n`), held))).slice(0, 4);
  if (number(id) !== parseInt(found[2], 16)) throw new Unfit(`the id of ${line} does not fit its key`);
  return { name: found[1], id: number(id), kind: held[0], bytes: held.slice(1), line };
}

/** @param {Uint8Array} given @returns {Note} */
export function parseNote(given) {
  if (given.length > LARGEST) throw new Unfit("the note is too long");
  const whole = text(given);
  const gap = whole.lastIndexOf("\n\n");
  const lines = whole.slice(gap + 2).split("\n");
  if (CONTROL.test(whole) || gap < 0 || lines.pop() !== "" || !lines.length || lines.length > MOST) {
    throw new Unfit("the note is none");
  }
  return { text: whole.slice(0, gap + 1), signatures: lines.map(parseSignature) };
}

/** @param {string} line @returns {Signature} */
function parseSignature(line) {
  const [dash, name, encoded, ...more] = line.split(" ");
  if (dash !== "—" || encoded === undefined || more.length || !NAME.test(name)) throw new Unfit("it is no signature");
  const held = base64(encoded);
  if (held.length < 5) throw new Unfit("a signature is too short");
  return { name, id: number(held), signature: held.slice(4) };
}

/** @param {string} given @returns {Checkpoint} */
export function parseCheckpoint(given) {
  const [origin, size, root, rest, ...more] = given.split("\n");
  if (rest !== "" || more.length || !NAME.test(origin) || !/^(0|[1-9][0-9]{0,18})$/.test(size)) {
    throw new Unfit("the checkpoint is none");
  }
  const held = base64(root);
  if (held.length !== HASH) throw new Unfit("its root is none");
  return { origin, size: BigInt(size), root: held };
}

/** @param {Uint8Array} given @returns {Proof} */
export function parseProof(given) {
  let gap = 0;
  while (gap < given.length && !(given[gap] === 10 && given[gap + 1] === 10)) gap++;
  const lines = text(given.slice(0, gap)).split("\n");
  const first = lines.shift();
  const extra = lines[0]?.startsWith("extra ") ? lines.shift() : undefined;
  if (extra) base64(extra.slice("extra ".length));
  const index = /^index (0|[1-9][0-9]{0,18})$/.exec(lines.shift() ?? "");
  const hashes = lines.map(base64);
  if (first !== "c2sp.org/tlog-proof@v1" || !index || gap === given.length || hashes.length > DEEPEST) {
    throw new Unfit("the proof is none");
  }
  if (hashes.some((hash) => hash.length !== HASH)) throw new Unfit("a hash of the proof is none");
  return { index: BigInt(index[1]), hashes, checkpoint: parseNote(given.slice(gap + 2)) };
}

/** Those lines of a note that say they are a key's. @param {Note} note @param {Key} key */
const linesOf = (note, key) => note.signatures.filter(({ name, id }) => name === key.name && id === key.id);

/** Whether the key made the signature of a message (RFC 8032). @param {Key} key @param {Uint8Array} message
 * @param {Uint8Array} signature */
async function isSigned(key, message, signature) {
  try {
    const bytes = /** @type {BufferSource} */ (key.bytes);
    const imported = await crypto.subtle.importKey("raw", bytes, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify(
      { name: "Ed25519" }, imported, /** @type {BufferSource} */ (signature), /** @type {BufferSource} */ (message),
    );
  } catch {
    return false;
  }
}

/**
 * Those keys that signed a note; Unfit if a line that is one's does not hold.
 * @param {Note} note @param {Key[]} keys @returns {Promise<Key[]>}
 */
export async function signersOf(note, keys) {
  const own = keys.filter((key) => linesOf(note, key).length);
  for (const key of own) {
    for (const { signature } of linesOf(note, key)) {
      if (key.kind !== ED25519 || signature.length !== 64 || !(await isSigned(key, utf8(note.text), signature))) {
        throw new Unfit(`the signature of ${key.line} does not hold`);
      }
    }
  }
  return own;
}

/**
 * When a witness cosigned a note last, in seconds since 1970; null unless every line of its own holds.
 * @param {Note} note @param {Key} key @returns {Promise<bigint | null>}
 */
export async function cosignedAt(note, key) {
  let newest = null;
  for (const { signature } of linesOf(note, key)) {
    if (signature.length !== 72) return null;
    const at = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
    const message = utf8(`cosignature/v1\ntime ${at}\n${note.text}`);
    if (!(await isSigned(key, message, signature.slice(8)))) return null;
    if (newest === null || at > newest) newest = at;
  }
  return newest;
}
