// @ts-check
/** The walk over a bundle's events, that holds each against its sealed leaf, those before it, and its time. */

import { equal } from "./bytes.js";
import { DIGEST, Entries, SALT, States, UUID, Within, commitment, isDay, json, parseEntry } from "./event.js";
import { incomplete, tampered } from "./fault.js";
import { timesOf } from "./kept.js";
import { leafHash } from "./merkle.js";
import { contentOf } from "./zip.js";

/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {import("./zip.js").Archive} Archive */

/** Go over every event in order. @param {Archive} archive @param {Manifest} manifest @param {Uint8Array[]} leaves
 * @param {import("./kept.js").Bracket} bracket @returns {Promise<[number, number][]>} */
export async function walk(archive, manifest, leaves, bracket) {
  const [entries, states] = [new Entries(contentOf(archive, "entries")), new States(contentOf(archive, "states"))];
  const covering = new Set(manifest.covering);
  /** Of each stream the version seen last, and in which range. @type {Map<string, [bigint, number]>} */
  const versions = new Map();
  /** @type {Map<number, number | null>} */
  const removed = new Map();
  let [number, last] = [0, ""];
  for (const [run, [first, end]] of manifest.positions.entries()) {
    for (let position = first; position <= end; position++) {
      /** @type {(kind: string, detail: string) => Fault} */
      const bad = (kind, detail) => tampered(kind, `position ${position}: ${detail}`, position);
      let [entry, salted] = [/** @type {Uint8Array | undefined} */ (undefined), states.bytes.subarray(0, 0)];
      try {
        entry = entries.next();
        salted = entry && /** @type {any} */ (states.next());
      } catch (error) {
        throw error instanceof Within ? bad(error.kind, "the file ends within") : error;
      }
      if (entry === undefined || salted === undefined) {
        throw incomplete("events", `the events from position ${position} on are missing`, position);
      }
      if (!equal(await leafHash(entry), leaves[number++])) throw bad("leaf", "the entry does not fit the sealed leaf");
      const leaf = parseEntry(entry);
      if (!leaf || leaf.position !== BigInt(position)) throw bad("entry", "the entry is none, or of another position");
      if (manifest.record && (leaf.stream === manifest.record) === covering.has(position)) {
        throw bad("entry", "the entry is of another record");
      }
      if (!isDay(leaf.day)) throw bad("entry", "the entry has a time that never was");
      const [floor, ceiling] = timesOf(bracket, position);
      if (leaf.at < floor) throw bad("time", "it was recorded before the checkpoint in front of it was cosigned");
      if (leaf.at > ceiling) throw bad("time", "it was recorded after a checkpoint that holds it was cosigned");
      if (leaf.at < last) throw bad("time", "it was recorded before the event in front of it");
      last = leaf.at;
      judgeVersion(leaf, versions, run, manifest, bad);
      versions.set(leaf.stream, [leaf.version, run]);
      if (salted === null) {
        if (!DIGEST.test(leaf.commitment)) throw bad("entry", "the entry has a commitment that is none");
        removed.set(position, null);
      } else if ((await commitment(manifest.origin, salted)) !== leaf.commitment) {
        throw bad("state", "the state does not fit the commitment in its entry");
      } else if (leaf.topic === "redaction.PayloadRemoved") {
        const positions = json(salted.slice(SALT))?.event?.positions;
        for (const each of Array.isArray(positions) ? positions : []) {
          if (removed.get(each) === null) removed.set(each, position);
        }
      }
    }
  }
  if (entries.place < entries.bytes.length || states.place < states.bytes.length) {
    throw tampered("manifest", "there are more events than the manifest says");
  }
  for (const [position, by] of removed) {
    if (by === null) throw tampered("redaction", "a payload is removed, and no later event covers that", position);
  }
  return /** @type {[number, number][]} */ ([...removed]);
}

/** Whether a version may follow. @param {NonNullable<ReturnType<typeof parseEntry>>} leaf
 * @param {Map<string, [bigint, number]>} versions @param {number} run @param {Manifest} manifest
 * @param {(kind: string, detail: string) => Fault} bad */
function judgeVersion(leaf, versions, run, manifest, bad) {
  const [before, seen] = versions.get(leaf.stream) ?? [0n, -1];
  const isWholeStream = manifest.kind === "all" || leaf.stream === manifest.record;
  // In ranges that do not touch, events of another stream than the record's may be missing in between.
  if (seen === run || (before && leaf.stream === manifest.record)) {
    if (leaf.version !== before + 1n) throw bad("version", "it is not the next of its stream");
    return;
  }
  if (leaf.version > BigInt(Number.MAX_SAFE_INTEGER) || !UUID.test(leaf.stream)) {
    throw bad("entry", "the entry has a stream or a version that are none");
  }
  if (isWholeStream ? leaf.version !== 1n : leaf.version <= before) throw bad("version", "it does not follow");
}
