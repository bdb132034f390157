// @ts-check
/** Trust policies, C2SP tlog-policy. */

import { Unfit } from "./bytes.js";
import { COSIGNATURE, ED25519, cosignedAt, parseKey } from "./note.js";

/** @typedef {import("./note.js").Key} Key */
/** @typedef {{name: string, threshold: number, members: string[]}} Group */
/** @typedef {{quorum: string, logs: Key[], witnesses: {name: string, key: Key}[], groups: Group[]}} Policy */

const NONE = "none";

/** @param {string} text @returns {Promise<Policy>} */
export async function parsePolicy(text) {
  if (!text.endsWith("\n")) throw new Unfit("the policy is cut short");
  /** @type {Policy} */
  const policy = { quorum: "", logs: [], witnesses: [], groups: [] };
  /** Every name, and whether it is no group's member yet. @type {Map<string, boolean>} */
  const free = new Map();

  /** @param {string} name */
  function define(name) {
    if (name === NONE || free.has(name)) throw new Unfit(`the name ${name} is taken`);
    free.set(name, true);
    return name;
  }
  /** @param {string} line @param {number} kind @param {Key[]} before */
  async function read(line, kind, before) {
    const key = await parseKey(line);
    if (key.kind !== kind) throw new Unfit("a key is of another type");
    if (before.some((each) => String(each.bytes) === String(key.bytes))) throw new Unfit("a key is given twice");
    return key;
  }
  for (const line of text.split("\n")) {
    // eslint-disable-next-line no-control-regex
    if (/[\x00-\x08\x0b-\x1f\x7f]/.test(line)) throw new Unfit("the policy has control characters");
    const words = line.replace(/^[ \t]+|[ \t]+$/g, "").split(/[ \t]+/);
    const [kind, name, third, ...more] = words;
    if (kind === "" || kind.startsWith("#")) continue;
    if (kind === "log" && (words.length === 2 || words.length === 3)) {
      policy.logs.push(await read(name, ED25519, policy.logs));
    } else if (kind === "witness" && (words.length === 3 || words.length === 4)) {
      const key = await read(third, COSIGNATURE, policy.witnesses.map((each) => each.key));
      policy.witnesses.push({ name: define(name), key });
    } else if (kind === "group" && more.length) {
      for (const member of more) {
        if (!free.get(member)) throw new Unfit(`${member} is no name, or a member already`);
        free.set(member, false);
      }
      const asked = { any: 1, all: more.length }[third] ?? (/^[1-9][0-9]{0,8}$/.test(third) ? Number(third) : 0);
      if (asked < 1 || asked > more.length) throw new Unfit("so many members cannot be asked for");
      policy.groups.push({ name: define(name), threshold: asked, members: more });
    } else if (kind === "quorum" && words.length === 2) {
      if (policy.quorum || (name !== NONE && !free.has(name))) throw new Unfit("the quorum is none, or a second one");
      policy.quorum = name;
    } else {
      throw new Unfit(`${line} is no line of a policy`);
    }
  }
  if (!policy.quorum) throw new Unfit("the policy has no quorum");
  return policy;
}

/**
 * Which witnesses of the policy cosigned a note, and when.
 * @param {Policy} policy @param {import("./note.js").Note} note @returns {Promise<Map<string, bigint>>}
 */
export async function witnessesOf(policy, note) {
  const found = new Map();
  for (const { name, key } of policy.witnesses) {
    const at = await cosignedAt(note, key);
    if (at !== null) found.set(name, at);
  }
  return found;
}

/** When the last of the first witnesses that are enough cosigned; null if too few did, or none need to.
 * @param {Policy} policy @param {Map<string, bigint>} times */
export function metAt(policy, times) {
  if (isQuorum(policy, [])) return null;
  const sorted = [...times].sort(([, one], [, other]) => (one < other ? -1 : one > other ? 1 : 0));
  for (const [n, [, by]] of sorted.entries()) {
    const after = sorted[n + 1]?.[1];
    if (after !== by && isQuorum(policy, sorted.slice(0, n + 1).map(([name]) => name))) return by;
  }
  return null;
}

/** Whether these witnesses are enough. @param {Policy} policy @param {Iterable<string>} names */
export function isQuorum(policy, names) {
  const met = new Set([NONE, ...names]);
  for (const { name, threshold, members } of policy.groups) {
    if (members.filter((member) => met.has(member)).length >= threshold) met.add(name);
  }
  return met.has(policy.quorum);
}
