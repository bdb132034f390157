// @ts-check
/** What a bundle says of itself: canonical JSON, whose members agree with each other. */

import { Unfit, equal, text, utf8 } from "./bytes.js";

/**
 * @typedef {{kind: "record" | "range" | "all", origin: string, size: number, positions: [number, number][],
 *   count: number, record?: string, from?: number, to?: number, covering: number[], since?: number}} Manifest
 */

const LONGEST = 1 << 26;
/** @type {Record<string, string[]>} */
const MORE = { record: ["record"], range: ["from", "to"], all: [] };
const MEMBERS = ["count", "kind", "origin", "positions", "size", "v"];
const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** JSON with sorted members, without blanks, in ASCII. @param {any} value @returns {string} */
function canonical(value) {
  if (typeof value === "string") {
    const plain = JSON.stringify(value);
    return plain.replace(/[^\x00-\x7f]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value && typeof value === "object") {
    return `{${Object.keys(value).sort().map((name) => `${canonical(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  return String(value);
}

/** @param {boolean} holds */
function must(holds) {
  if (!holds) throw new Unfit("the manifest is none");
}

/** @param {unknown} value */
const isWhole = (value) => Number.isSafeInteger(value);

/** @param {Uint8Array} given @returns {Manifest} */
export function parseManifest(given) {
  must(given.length <= LONGEST);
  let said;
  try {
    said = JSON.parse(text(given));
  } catch {
    throw new Unfit("the manifest is no JSON");
  }
  must(said && typeof said === "object" && said.v === 1 && Object.hasOwn(MORE, said.kind));
  const { kind, origin, size, positions, count, record, from, to, covering = [], since } = said;
  const members = Object.keys(said).filter((name) => name !== "covering" && name !== "since");
  must(members.sort().join() === [...MEMBERS, ...MORE[kind]].sort().join());
  must(!("covering" in said) || (Array.isArray(covering) && covering.length > 0));
  must(!("since" in said) || (isWhole(since) && since >= 1 && since <= size));
  must(equal(utf8(canonical(said)), given));
  must(Array.isArray(positions) && positions.every((span) => Array.isArray(span) && span.length === 2));
  must([size, count, ...positions.flat(), ...covering].every(isWhole) && size >= 0);
  must(typeof origin === "string" && /^[^\p{C}\p{Z}+]+$/u.test(origin));
  must(record === undefined || UUID.test(record));
  must(positions.every(([first, last]) => first <= last));
  must(positions.every(([first], n) => !n || first - positions[n - 1][1] >= 2));
  must(!positions.length || (positions[0][0] >= 1 && positions[positions.length - 1][1] <= size));
  must(count === positions.reduce((sum, [first, last]) => sum + last - first + 1, 0));
  must(covering.every((position, n) => !n || covering[n - 1] < position));
  must(covering.every((position) => spanOf(positions, position)));
  if (kind === "all") {
    must(!covering.length && String(positions) === (size ? `1,${size}` : "") && positions.length === (size ? 1 : 0));
  } else if (kind === "record") {
    must(count > covering.length);
  } else {
    must(isWhole(from) && isWhole(to) && 1 <= from && from <= to);
    must(!covering.some((position) => from <= position && position <= to));
    const span = spanOf(positions, from);
    must(span !== undefined && span[1] >= to && count === to - from + 1 + covering.length);
  }
  return { kind, origin, size, positions, count, record, from, to, covering, since };
}

/** The range that holds a position. @param {[number, number][]} positions @param {number} position */
function spanOf(positions, position) {
  return positions.find(([first, last]) => first <= position && position <= last);
}
