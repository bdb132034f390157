// @ts-check
/** A checkpoint that somebody kept: the log goes on from there, and events stand between it and the newest. */

import { equal, sha256 } from "./bytes.js";
import { Fault, incomplete, tampered } from "./fault.js";
import { HASH, isConsistent, rootOf, split } from "./merkle.js";
import { parseCheckpoint, signersOf } from "./note.js";
import { metAt, witnessesOf } from "./policy.js";
import { contentOf } from "./zip.js";

/** @typedef {import("./note.js").Key} Key */
/** @typedef {import("./note.js").Note} Note */
/** @typedef {import("./policy.js").Policy} Policy */
/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {import("./zip.js").Archive} Archive */
/** @typedef {{checkpoint: import("./note.js").Checkpoint, at: bigint | null}} Kept */
/**
 * A checkpoint of so many events that was kept, and the one that seals all, each with the seconds since 1970 when
 * enough witnesses had cosigned it, if that is known; as entries write times, which are these bounds.
 * @typedef {{size: bigint, within: [string, string], behind: [string, string]}} Bracket
 */

const CONSISTENCY = "consistency";
/** Seconds by which clocks may differ, and which an event may have waited for to be sealed, both together. */
const SLACK = 300n;
const EVER = "9999-12-31T23:59:59.999999";
/** The last second of a year that is written so. */
const LAST = 253402300799n;

/** @param {bigint} at seconds since 1970 */
const written = (at) => (at > LAST ? EVER : new Date(Number(at) * 1000).toISOString().replace(/Z$/, "000"));

/** When witnesses enough had cosigned a note; null where that is not known. @param {Policy | null} policy
 * @param {Note} note */
const cosigned = async (policy, note) => policy && metAt(policy, await witnessesOf(policy, note));

/** What was kept, if anything: of this log, and signed by one of its keys. @param {Note | null} note
 * @param {string} origin @param {Key[]} keys @param {Policy | null} policy @returns {Promise<Kept | null>} */
export async function keptOf(note, origin, keys, policy) {
  if (!note) return null;
  const checkpoint = parseCheckpoint(note.text);
  /** @type {Key[]} */
  const signed = checkpoint.origin === origin ? await signersOf(note, keys).catch(() => []) : [];
  if (!signed.length) throw new Fault("UNKNOWN KEY", "key", "no trusted key of this log signed what was kept");
  return { checkpoint, at: await cosigned(policy, note) };
}

/** @param {Policy | null} policy @param {Note} note @param {Kept | null} kept @returns {Promise<Bracket>} */
export async function bracketOf(policy, note, kept) {
  const sealed = await cosigned(policy, note);
  const known = [kept && kept.at, sealed].filter((each) => each !== null);
  const first = known.reduce((one, other) => (one === null || (other !== null && other < one) ? other : one), null);
  /** @param {bigint | null} at */
  const latest = (at) => (at === null ? EVER : written(at + SLACK));
  const floor = kept && kept.at !== null ? written(kept.at - SLACK) : "";
  return { size: kept ? kept.checkpoint.size : 0n, within: ["", latest(first)], behind: [floor, latest(sealed)] };
}

/** From when at the earliest, and until when at the latest, an event was recorded. @param {Bracket} bracket
 * @param {number} position */
export const timesOf = ({ size, within, behind }, position) => (BigInt(position) <= size ? within : behind);

/** Hold the tree against that of an earlier size: the one that the bundle proves, and the one that was kept.
 * @param {Archive} archive @param {Manifest} manifest @param {Uint8Array} root @param {Kept | null} kept */
export async function goesOn(archive, manifest, root, kept) {
  const { size, since } = manifest;
  /** @type {Uint8Array | undefined} */
  let before;
  if (since !== undefined) {
    const given = contentOf(archive, CONSISTENCY);
    const [first, ...proof] = split(given);
    const isWhole = first && given.length % HASH === 0;
    if (!isWhole || !(await isConsistent(BigInt(since), BigInt(size), first, root, proof))) {
      throw tampered("consistency", "it is not proved that the log began as it says");
    }
    before = first;
  }
  if (!kept) return;
  const { checkpoint } = kept;
  if (checkpoint.size > BigInt(size)) throw new Fault("STALE", "age", "what was kept is a later checkpoint");
  const asked = Number(checkpoint.size);
  if (asked === size) before = root;
  else if (asked === 0) before = await sha256(new Uint8Array());
  else if (asked !== since) {
    if (manifest.kind !== "all") throw incomplete("consistency", "that the log goes on from what was kept is not proved");
    const leaves = split(contentOf(archive, "leaves")).slice(0, asked);
    before = /** @type {Uint8Array} */ (await rootOf([[0, asked]], leaves, asked, []));
  }
  if (!before || !equal(before, checkpoint.root)) throw tampered("consistency", "the log does not go on from what was kept");
}
