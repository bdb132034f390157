// @ts-check
/** The key history: how, from a pinned key of the log, one comes to trust those that were added later. */

import { Unfit } from "./bytes.js";
import { DIGEST, SALT, States, UUID, commitment, isDay, json, parseEntry } from "./event.js";
import { held } from "./fault.js";
import { parseManifest } from "./manifest.js";
import { isIncluded, leafHash } from "./merkle.js";
import { ED25519, LARGEST, parseCheckpoint, parseKey, parseProof, signersOf } from "./note.js";
import { contentOf } from "./zip.js";

/** @typedef {import("./note.js").Key} Key */
/** @typedef {import("./zip.js").Archive} Archive */

/** From the pinned keys, those that the key history leads to. @param {Archive} archive @param {string[][]} links
 * @param {Key[]} pinned */
export async function follow(archive, links, pinned) {
  const keys = [...pinned];
  for (const names of links) {
    /** @type {number | null} */
    let position = null;
    await held(
      "key",
      async () => {
        const [proof, entry, state] = names.map((name) => contentOf(archive, name));
        if ([proof, entry, state].some((part) => part.length > LARGEST)) throw new Unfit("a link is too long");
        const parsed = parseProof(proof);
        position = Number(parsed.index) + 1;
        const added = await addedBy(parsed, entry, state, archive);
        const known = keys.some((key) => added && key.line === added.line);
        if ((await signersOf(parsed.checkpoint, keys)).length && added && !known) keys.push(added);
      },
      () => position,
    );
  }
  return keys;
}

/** The key that a link's event adds to the log's; null for a key of another role.
 * @param {import("./note.js").Proof} proof @param {Uint8Array} entry @param {Uint8Array} written
 * @param {Archive} archive */
async function addedBy(proof, entry, written, archive) {
  const { origin } = parseManifest(contentOf(archive, "bundle.json"));
  const sealed = parseCheckpoint(proof.checkpoint.text);
  const leaf = parseEntry(entry);
  if (!leaf || !DIGEST.test(leaf.commitment) || !UUID.test(leaf.stream) || !isDay(leaf.day)) {
    throw new Unfit("a link's entry is none");
  }
  if ([leaf.position, leaf.version].some((each) => each > BigInt(Number.MAX_SAFE_INTEGER))) {
    throw new Unfit("a link's entry is none");
  }
  const states = new States(written);
  const salted = states.next();
  if (salted === undefined || states.next() !== undefined || sealed.origin !== origin) throw new Unfit("a link is none");
  if (!(await isIncluded(await leafHash(entry), proof.index, sealed.size, proof.hashes, sealed.root))) {
    throw new Unfit("a link's proof does not lead to its root");
  }
  if (leaf.position !== proof.index + 1n || leaf.topic !== "keyring.KeyAdded") throw new Unfit("a link adds no key");
  if (!salted || (await commitment(origin, salted)) !== leaf.commitment) throw new Unfit("a link's state is another");
  const event = json(salted.slice(SALT))?.event;
  if (typeof event?.vkey !== "string" || event.role === undefined) throw new Unfit("a link's state names no key");
  const key = await parseKey(event.vkey);
  if (key.kind !== ED25519) throw new Unfit("a link adds a witness's key");
  if (event.role !== "log") return null;
  if (key.name !== origin) throw new Unfit("a link adds a key of another log");
  return key;
}
