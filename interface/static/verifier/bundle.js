// @ts-check
/**
 * Verifying a bundle in a browser, or wherever WebCrypto is: written from docs/bundles.md, and sharing nothing with the
 * verifier in Python but that text. What the bundle itself says of keys is not believed.
 */

import { Unfit, concat, equal, hex, sha256, text, utf8 } from "./bytes.js";
import { HASH, isIncluded, leafHash, rootOf } from "./merkle.js";
import { parseManifest } from "./manifest.js";
import { ED25519, LARGEST, parseCheckpoint, parseKey, parseNote, parseProof, signersOf } from "./note.js";
import { isQuorum, parsePolicy, witnessesOf } from "./policy.js";
import { Cut, contentOf, isEnded, isWhole, opened } from "./zip.js";

/** @typedef {import("./note.js").Key} Key */
/** @typedef {import("./note.js").Note} Note */
/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {import("./zip.js").Archive} Archive */
/** @typedef {{keys: string[], policy?: string, oldest?: number}} Trust keys and policy that one has by another way */
/**
 * @typedef {{verdict: string, kind: string, position: number | null, detail: string, manifest?: Manifest,
 *   keys?: string[], redactions?: [number, number][]}} Report
 */

const NEEDED = ["bundle.json", "checkpoint", "leaves", "proof", "entries", "states"];
const TIMESTAMP = "timestamp.tsr";
const PARTS = ["tlog-proof", "entry", "state"];
const SALT = 32;
const REMOVED = concat(new Uint8Array(SALT), Uint8Array.of(255, 255, 255, 255));
const ENTRY = new RegExp(
  '^\\{"c":"([^\\n]{64})","id":"([^\\n]{36})",(?:"kc":"[0-9a-f]{64}",)?"p":([1-9][0-9]{0,15}),' +
    '"t":"([ !#-\\[\\]-~]+)","ts":"(([0-9]{4})-([0-9]{2})-([0-9]{2})T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]' +
    '\\.[0-9]{6})Z","v":1,"ver":([1-9][0-9]{0,15})\\}$',
);
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
const DIGEST = /^[0-9a-f]{64}$/;

/** What ends a verification. */
class Fault extends Error {
  /** @param {string} verdict @param {string} kind @param {string} detail @param {number | null} position */
  constructor(verdict, kind, detail, position = null) {
    super(detail);
    this.report = { verdict, kind, position, detail };
  }
}

/** @param {string} kind @param {string} detail @param {number | null} [position] */
const tampered = (kind, detail, position = null) => new Fault("TAMPERED", kind, detail, position);
/** @param {string} kind @param {string} detail @param {number | null} [position] */
const incomplete = (kind, detail, position = null) => new Fault("INCOMPLETE", kind, detail, position);

/**
 * Verify a bundle from its first byte to its last. What it holds, whatever it is, raises nothing; Unfit is raised for
 * keys and a policy that make no sense.
 * @param {Uint8Array} bytes @param {Trust} trust @returns {Promise<Report>}
 */
export async function verify(bytes, trust) {
  const policy = trust.policy === undefined ? null : await parsePolicy(trust.policy);
  const keys = [...(await Promise.all(trust.keys.map(parseKey))), ...(policy ? policy.logs : [])];
  if (trust.oldest !== undefined && !policy) throw new Unfit("how old a checkpoint is, witnesses of a policy say");
  /** @type {Report} */
  let report;
  let archive;
  try {
    archive = read(bytes);
    report = await judge(archive, keys, policy, trust.oldest);
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    report = fault.report;
  }
  if (archive && report.verdict !== "TAMPERED" && !(await isWhole(archive))) {
    return { ...report, ...tampered("file", "the file is not, to the byte, as it was written").report };
  }
  return report;
}

/** @param {string} name */
function rank(name) {
  if (NEEDED.includes(name)) return NEEDED.indexOf(name);
  if (name === TIMESTAMP) return Infinity;
  const found = /^keys\/([0-9]{4})\.(tlog-proof|entry|state)$/.exec(name);
  return found && Number(found[1]) ? NEEDED.length + Number(found[1]) * PARTS.length + PARTS.indexOf(found[2]) : -1;
}

/** @param {Uint8Array} bytes */
function read(bytes) {
  try {
    return opened(bytes, rank);
  } catch (error) {
    if (error instanceof Cut) {
      throw isEnded(bytes)
        ? tampered("file", "a part of the file is missing before its end")
        : incomplete("file", "the file is cut short");
    }
    throw error instanceof Unfit ? tampered("file", error.message) : error;
  }
}

/** Run what may find that something is unfit, and have that end with a kind. @param {string} kind
 * @param {() => any} run @param {() => number | null} position */
async function held(kind, run, position = () => null) {
  try {
    return await run();
  } catch (error) {
    throw error instanceof Unfit ? tampered(kind, error.message, position()) : error;
  }
}

/**
 * @param {Archive} archive @param {Key[]} pinned @param {import("./policy.js").Policy | null} policy
 * @param {number | undefined} oldest @returns {Promise<Report>}
 */
async function judge(archive, pinned, policy, oldest) {
  const links = linkNames(archive);
  /** @type {Manifest} */
  const manifest = await held("manifest", () => parseManifest(contentOf(archive, "bundle.json")));
  /** @type {Note} */
  const note = await held("checkpoint", () => parseNote(contentOf(archive, "checkpoint")));
  const checkpoint = await held("checkpoint", () => parseCheckpoint(note.text));
  if (checkpoint.origin !== manifest.origin || checkpoint.size !== BigInt(manifest.size)) {
    throw tampered("manifest", "the manifest names another log or size than the checkpoint");
  }
  const trusted = await follow(archive, links, pinned.filter((key) => key.name === manifest.origin));
  /** @type {Key[]} */
  const signed = await held("checkpoint", () => signersOf(note, trusted));
  if (!signed.length) throw new Fault("UNKNOWN KEY", "key", "no trusted key signed the checkpoint");
  const redactions = await events(archive, manifest, checkpoint.root);
  if (policy) await witnessed(note, policy, oldest);
  const detail = `${manifest.count} events are as the log sealed them`;
  const verdict = redactions.length ? "REDACTED" : "VERIFIED";
  return { verdict, kind: "", position: null, detail, manifest, keys: signed.map((key) => key.line), redactions };
}

/** The names of the key history's files; every file that a bundle needs is there. @param {Archive} archive */
function linkNames({ members }) {
  const names = [...members.keys()].filter((name) => name !== TIMESTAMP);
  const count = Math.max(0, Math.ceil((names.length - NEEDED.length) / PARTS.length));
  const links = Array.from({ length: count }, (_, n) =>
    PARTS.map((part) => `keys/${String(n + 1).padStart(4, "0")}.${part}`),
  );
  const missing = [...NEEDED, ...links.flat()].find((name) => !members.has(name));
  if (missing) throw incomplete("member", `the file ${missing} is not in the archive`);
  return links;
}

/** From the pinned keys, those that the key history leads to. @param {Archive} archive @param {string[][]} links
 * @param {Key[]} pinned */
async function follow(archive, links, pinned) {
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

/** @param {string} origin @param {Uint8Array} salted salt and state */
const commitment = async (origin, salted) => hex(await sha256(concat(utf8(`${origin}/state/v1\n`), salted)));

/** @param {Uint8Array} bytes @returns {any} */
function json(bytes) {
  try {
    return JSON.parse(text(bytes));
  } catch {
    return null;
  }
}

/** @param {Uint8Array} bytes */
function parseEntry(bytes) {
  const found = ENTRY.exec(String.fromCharCode(...bytes));
  if (!found) return null;
  const [, digest, stream, position, topic, at, year, month, day, version] = found;
  return {
    commitment: digest, stream, position: BigInt(position), topic, at, day: [year, month, day].map(Number),
    version: BigInt(version),
  };
}

/** Whether there is such a day. @param {number[]} day */
function isDay([year, month, day]) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day && month > 0;
}

/** A member ends within an entry, or within a state. */
class Within extends Unfit {
  /** @param {string} kind */
  constructor(kind) {
    super();
    this.kind = kind;
  }
}

/** Entries, each after its length in two bytes. */
class Entries {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.place = 0;
  }

  /** The next; undefined at the end. */
  next() {
    const { bytes, place } = this;
    if (place === bytes.length) return undefined;
    const end = place + 2 + ((bytes[place] << 8) | bytes[place + 1]);
    if (place + 2 > bytes.length || end > bytes.length) throw new Within("entry");
    this.place = end;
    return bytes.subarray(place + 2, end);
  }
}

/** Salts and states, each salt with the state's length in four bytes behind it. */
class States {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.place = 0;
  }

  /** The next salt and state; null for one that was removed, undefined at the end. */
  next() {
    const { bytes, place } = this;
    if (place === bytes.length) return undefined;
    const start = place + REMOVED.length;
    if (start > bytes.length) throw new Within("state");
    const head = bytes.subarray(place, start);
    if (equal(head, REMOVED)) {
      this.place = start;
      return null;
    }
    const end = start + new DataView(head.buffer, head.byteOffset).getUint32(SALT);
    if (end > bytes.length) throw new Within("state");
    this.place = end;
    return concat(head.subarray(0, SALT), bytes.subarray(start, end));
  }
}

/** Hold the leaves against the root and the events against the leaves; return what was removed, and by which event.
 * @param {Archive} archive @param {Manifest} manifest @param {Uint8Array} root @returns {Promise<[number, number][]>} */
async function events(archive, manifest, root) {
  const leaves = split(contentOf(archive, "leaves"));
  const whole = contentOf(archive, "leaves").length;
  if (whole > HASH * manifest.count) throw tampered("manifest", "there are more sealed leaves than the manifest says");
  if (whole < HASH * manifest.count) throw incomplete("events", "there are fewer sealed leaves than there should be");
  const proof = contentOf(archive, "proof");
  const redactions = await walk(archive, manifest, leaves);
  const runs = manifest.positions.map(([first, last]) => [first - 1, last]);
  const found = proof.length % HASH ? null : await rootOf(runs, leaves, manifest.size, split(proof));
  if (!found || !equal(found, root)) throw tampered("root", "leaves and proof do not lead to the checkpoint's root");
  return redactions;
}

/** @param {Uint8Array} bytes */
const split = (bytes) =>
  Array.from({ length: Math.floor(bytes.length / HASH) }, (_, n) => bytes.subarray(n * HASH, (n + 1) * HASH));

/** Go over every event in order. @param {Archive} archive @param {Manifest} manifest @param {Uint8Array[]} leaves
 * @returns {Promise<[number, number][]>} */
async function walk(archive, manifest, leaves) {
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

/** Judge the cosignatures. @param {Note} note @param {import("./policy.js").Policy} policy
 * @param {number | undefined} oldest */
async function witnessed(note, policy, oldest) {
  const found = await witnessesOf(policy, note);
  if (!isQuorum(policy, found.keys())) throw incomplete("quorum", "too few witnesses cosigned the checkpoint");
  if (oldest === undefined) return;
  const newest = [...found.values()].reduce((one, other) => (one > other ? one : other), -1n);
  if (newest < BigInt(oldest)) throw new Fault("STALE", "age", "no witness cosigned the checkpoint lately enough");
}
