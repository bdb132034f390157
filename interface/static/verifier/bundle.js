// @ts-check
/**
 * Verifying a bundle in a browser, or wherever WebCrypto is: written from docs/bundles.md, and sharing nothing with the
 * verifier in Python but that text. What the bundle itself says of keys is not believed.
 */

import { Unfit, equal, utf8 } from "./bytes.js";
import { Fault, held, incomplete, tampered } from "./fault.js";
import { follow } from "./history.js";
import { bracketOf, goesOn, keptOf } from "./kept.js";
import { parseManifest } from "./manifest.js";
import { HASH, rootOf, split } from "./merkle.js";
import { parseCheckpoint, parseKey, parseNote, signersOf } from "./note.js";
import { isQuorum, parsePolicy, witnessesOf } from "./policy.js";
import { walk } from "./walk.js";
import { Cut, contentOf, isEnded, isWhole, opened } from "./zip.js";

/** @typedef {import("./note.js").Key} Key */
/** @typedef {import("./note.js").Note} Note */
/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {import("./zip.js").Archive} Archive */
/** @typedef {import("./policy.js").Policy} Policy */
/** @typedef {{keys: string[], policy?: string, oldest?: number, kept?: string}} Trust what one has by another way */
/**
 * @typedef {{verdict: string, kind: string, position: number | null, detail: string, manifest?: Manifest,
 *   keys?: string[], redactions?: [number, number][]}} Report
 */

const NEEDED = ["bundle.json", "checkpoint", "leaves", "proof", "entries", "states"];
const ASKED = ["consistency", "timestamp.tsr"];
const PARTS = ["tlog-proof", "entry", "state"];
/** A rank behind every link of a key history. */
const LAST = NEEDED.length + 10000 * PARTS.length;

/**
 * Verify a bundle from its first byte to its last. What it holds, whatever it is, raises nothing; Unfit is raised for
 * keys, a policy and a checkpoint that make no sense.
 * @param {Uint8Array} bytes @param {Trust} trust @returns {Promise<Report>}
 */
export async function verify(bytes, trust) {
  const policy = trust.policy === undefined ? null : await parsePolicy(trust.policy);
  const keys = [...(await Promise.all(trust.keys.map(parseKey))), ...(policy ? policy.logs : [])];
  if (trust.oldest !== undefined && !policy) throw new Unfit("how old a checkpoint is, witnesses of a policy say");
  const kept = trust.kept === undefined ? null : parseNote(utf8(trust.kept));
  if (kept) parseCheckpoint(kept.text);
  /** @type {Report} */
  let report;
  let archive;
  try {
    archive = read(bytes);
    report = await judge(archive, keys, policy, trust.oldest, kept);
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
  if (ASKED.includes(name)) return LAST + ASKED.indexOf(name);
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

/**
 * @param {Archive} archive @param {Key[]} pinned @param {Policy | null} policy
 * @param {number | undefined} oldest @param {Note | null} before @returns {Promise<Report>}
 */
async function judge(archive, pinned, policy, oldest, before) {
  const links = linkNames(archive);
  /** @type {Manifest} */
  const manifest = await held("manifest", () => parseManifest(contentOf(archive, "bundle.json")));
  /** @type {Note} */
  const note = await held("checkpoint", () => parseNote(contentOf(archive, "checkpoint")));
  const checkpoint = await held("checkpoint", () => parseCheckpoint(note.text));
  if (checkpoint.origin !== manifest.origin || checkpoint.size !== BigInt(manifest.size)) {
    throw tampered("manifest", "the manifest names another log or size than the checkpoint");
  }
  if ((manifest.since === undefined) === archive.members.has("consistency")) {
    throw tampered("manifest", "the manifest does not say since when it is proved what is proved");
  }
  const trusted = await follow(archive, links, pinned.filter((key) => key.name === manifest.origin));
  /** @type {Key[]} */
  const signed = await held("checkpoint", () => signersOf(note, trusted));
  if (!signed.length) throw new Fault("UNKNOWN KEY", "key", "no trusted key signed the checkpoint");
  const kept = await keptOf(before, manifest.origin, trusted, policy);
  const redactions = await events(archive, manifest, checkpoint.root, await bracketOf(policy, note, kept));
  await goesOn(archive, manifest, checkpoint.root, kept);
  if (policy) await witnessed(note, policy, oldest);
  const detail = `${manifest.count} events are as the log sealed them`;
  const verdict = redactions.length ? "REDACTED" : "VERIFIED";
  return { verdict, kind: "", position: null, detail, manifest, keys: signed.map((key) => key.line), redactions };
}

/** The names of the key history's files; every file that a bundle needs is there. @param {Archive} archive */
function linkNames({ members }) {
  const names = [...members.keys()].filter((name) => !ASKED.includes(name));
  const count = Math.max(0, Math.ceil((names.length - NEEDED.length) / PARTS.length));
  const links = Array.from({ length: count }, (_, n) =>
    PARTS.map((part) => `keys/${String(n + 1).padStart(4, "0")}.${part}`),
  );
  const missing = [...NEEDED, ...links.flat()].find((name) => !members.has(name));
  if (missing) throw incomplete("member", `the file ${missing} is not in the archive`);
  return links;
}

/** Hold the leaves against the root and the events against the leaves; return what was removed, and by which event.
 * @param {Archive} archive @param {Manifest} manifest @param {Uint8Array} root
 * @param {import("./kept.js").Bracket} bracket @returns {Promise<[number, number][]>} */
async function events(archive, manifest, root, bracket) {
  const leaves = split(contentOf(archive, "leaves"));
  const whole = contentOf(archive, "leaves").length;
  if (whole > HASH * manifest.count) throw tampered("manifest", "there are more sealed leaves than the manifest says");
  if (whole < HASH * manifest.count) throw incomplete("events", "there are fewer sealed leaves than there should be");
  const proof = contentOf(archive, "proof");
  const redactions = await walk(archive, manifest, leaves, bracket);
  const runs = manifest.positions.map(([first, last]) => [first - 1, last]);
  const found = proof.length % HASH ? null : await rootOf(runs, leaves, manifest.size, split(proof));
  if (!found || !equal(found, root)) throw tampered("root", "leaves and proof do not lead to the checkpoint's root");
  return redactions;
}

/** Judge the cosignatures. @param {Note} note @param {Policy} policy
 * @param {number | undefined} oldest */
async function witnessed(note, policy, oldest) {
  const found = await witnessesOf(policy, note);
  if (!isQuorum(policy, found.keys())) throw incomplete("quorum", "too few witnesses cosigned the checkpoint");
  if (oldest === undefined) return;
  const newest = [...found.values()].reduce((one, other) => (one > other ? one : other), -1n);
  if (newest < BigInt(oldest)) throw new Fault("STALE", "age", "no witness cosigned the checkpoint lately enough");
}
