// @ts-check
/** An event as the tree knows it, and salts and states as a bundle has them. */

import { Unfit, concat, equal, hex, sha256, text, utf8 } from "./bytes.js";

export const SALT = 32;
const REMOVED = concat(new Uint8Array(SALT), Uint8Array.of(255, 255, 255, 255));
const ENTRY = new RegExp(
  '^\\{"c":"([^\\n]{64})","id":"([^\\n]{36})",(?:"kc":"[0-9a-f]{64}",)?"p":([1-9][0-9]{0,15}),' +
    '"t":"([ !#-\\[\\]-~]+)","ts":"(([0-9]{4})-([0-9]{2})-([0-9]{2})T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]' +
    '\\.[0-9]{6})Z","v":1,"ver":([1-9][0-9]{0,15})\\}$',
);
export const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
export const DIGEST = /^[0-9a-f]{64}$/;

/** @param {string} origin @param {Uint8Array} salted salt and state */
export const commitment = async (origin, salted) => hex(await sha256(concat(utf8(`${origin}/state/v1\n`), salted)));

/** @param {Uint8Array} bytes @returns {any} */
export function json(bytes) {
  try {
    return JSON.parse(text(bytes));
  } catch {
    return null;
  }
}

/** @param {Uint8Array} bytes */
export function parseEntry(bytes) {
  const found = ENTRY.exec(String.fromCharCode(...bytes));
  if (!found) return null;
  const [, digest, stream, position, topic, at, year, month, day, version] = found;
  return {
    commitment: digest, stream, position: BigInt(position), topic, at, day: [year, month, day].map(Number),
    version: BigInt(version),
  };
}

/** Whether there is such a day. @param {number[]} day */
export function isDay([year, month, day]) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day && month > 0;
}

/** A member ends within an entry, or within a state. */
export class Within extends Unfit {
  /** @param {string} kind */
  constructor(kind) {
    super();
    this.kind = kind;
  }
}

/** Where one is in what a member holds. */
class Place {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.place = 0;
  }
}

/** Entries, each after its length in two bytes. */
export class Entries extends Place {
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
export class States extends Place {
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
