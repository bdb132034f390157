// @ts-check
/** The zip that a bundle is: its bytes follow from its files' names and contents alone. */

import { Unfit, concat, equal, hex, sha256, utf8 } from "./bytes.js";

/** @typedef {{name: string, place: number, length: number, crc: number}} Member */
/** @typedef {{bytes: Uint8Array, members: Map<string, Member>, end: number}} Archive */

/** The archive ends too early; or, where its end is there, within. */
export class Cut extends Error {}

const COMMENT = "taizhang-bundle/v1 sha256:";
const COMMENT_LENGTH = COMMENT.length + 64 + 1;
const HEADER = 30;
const LONGEST_NAME = 100;
const [VERSION, DATE, FULL, SHORT] = [45, 0x21, 0xffffffff, 0xffff];

/** Write numbers as a zip has them, each with its number of bytes. @param {...[number, number]} fields */
function packed(...fields) {
  const bytes = new Uint8Array(fields.reduce((length, [size]) => length + size, 0));
  let place = 0;
  for (const [size, value] of fields) {
    let rest = BigInt(value);
    for (let n = 0; n < size; n++, rest >>= 8n) bytes[place++] = Number(rest & 255n);
  }
  return bytes;
}

/** @param {Member} member */
function headerOf({ name, length, crc }) {
  return concat(
    packed([4, 0x04034b50], [2, VERSION], [2, 0], [2, 0], [2, 0], [2, DATE], [4, crc], [4, FULL], [4, FULL]),
    packed([2, name.length], [2, 20]),
    utf8(name),
    packed([2, 1], [2, 16], [8, length], [8, length]),
  );
}

/** What stands behind the members. @param {Member[]} members @param {number} start */
function endingOf(members, start) {
  const entries = members.map((member) => {
    const { name, place, length, crc } = member;
    return concat(
      packed([4, 0x02014b50], [2, VERSION], [2, VERSION], [2, 0], [2, 0], [2, 0], [2, DATE]),
      packed([4, crc], [4, FULL], [4, FULL], [2, name.length], [2, 28], [2, 0], [2, 0], [2, 0], [4, 0], [4, FULL]),
      utf8(name),
      packed([2, 1], [2, 24], [8, length], [8, length], [8, place - headerOf(member).length]),
    );
  });
  const directory = concat(...entries);
  const [count, size] = [members.length, directory.length];
  return concat(
    directory,
    packed([4, 0x06064b50], [8, 44], [2, VERSION], [2, VERSION], [4, 0], [4, 0]),
    packed([8, count], [8, count], [8, size], [8, start]),
    packed([4, 0x07064b50], [4, 0], [8, start + size], [4, 1]),
    packed([4, 0x06054b50], [2, 0], [2, 0], [2, SHORT], [2, SHORT], [4, FULL], [4, FULL], [2, COMMENT_LENGTH]),
  );
}

/** @param {Uint8Array} bytes @param {number} place @param {Uint8Array} begin as far as there are bytes */
const begins = (bytes, place, begin) => {
  const found = bytes.subarray(place, place + begin.length);
  return equal(found, begin.subarray(0, found.length));
};

/**
 * Read an archive; Cut where it ends too early, Unfit for what is none.
 * @param {Uint8Array} bytes @param {(name: string) => number} rank the place of a file among all; -1 for none
 * @returns {Archive}
 */
export function opened(bytes, rank) {
  const members = new Map();
  const fixed = packed([4, 0x04034b50], [2, VERSION], [2, 0], [2, 0], [2, 0], [2, DATE]);
  const directory = packed([4, 0x02014b50]);
  let [end, last] = [0, -1];
  while (!(end && bytes.length - end >= directory.length && begins(bytes, end, directory))) {
    if (!begins(bytes, end, fixed)) throw new Unfit(`nothing that a bundle has begins at byte ${end}`);
    if (bytes.length < end + HEADER) throw new Cut();
    const view = new DataView(bytes.buffer, bytes.byteOffset + end);
    const [crc, named, more] = [view.getUint32(14, true), view.getUint16(26, true), view.getUint16(28, true)];
    const name = bytes.subarray(end + HEADER, end + HEADER + named);
    if (named > LONGEST_NAME || more !== 20 || name.some((byte) => byte > 127)) throw new Unfit("a header is none");
    const place = end + HEADER + named + more;
    if (bytes.length < place) throw new Cut();
    const length = Number(view.getBigUint64(HEADER + named + 12, true));
    const member = { name: String.fromCharCode(...name), place, length, crc };
    if (!equal(headerOf(member), bytes.subarray(end, place))) throw new Unfit(`the header of ${member.name} is none`);
    if (length > bytes.length - place) throw new Cut();
    const found = rank(member.name);
    if (found <= last) throw new Unfit(`the archive has a file ${member.name} where a bundle has none`);
    members.set(member.name, member);
    [end, last] = [place + length, found];
  }
  if (bytes.length < end + endingOf([...members.values()], end).length + COMMENT_LENGTH) throw new Cut();
  return { bytes, members, end };
}

/** Whether the comment with which an archive ends is there. @param {Uint8Array} bytes */
export function isEnded(bytes) {
  const last = bytes.slice(-COMMENT_LENGTH);
  return /^taizhang-bundle\/v1 sha256:[0-9a-f]{64}\n$/.test(String.fromCharCode(...last));
}

/** A member's content. @param {Archive} archive @param {string} name */
export function contentOf({ bytes, members }, name) {
  const member = members.get(name);
  if (!member) throw new Unfit(`there is no ${name}`);
  return bytes.subarray(member.place, member.place + member.length);
}

/** Whether every byte is as it was written. @param {Archive} archive */
export async function isWhole({ bytes, members, end }) {
  const ending = endingOf([...members.values()], end);
  const behind = end + ending.length;
  const sums = [...members.values()].map(({ place, length }) => crc32(bytes.subarray(place, place + length)));
  const comment = utf8(`${COMMENT}${hex(await sha256(bytes.subarray(0, behind)))}\n`);
  return (
    begins(bytes, end, ending) &&
    [...members.values()].every(({ crc }, n) => crc === sums[n]) &&
    equal(bytes.subarray(behind), comment)
  );
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let n = 0; n < 8; n++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  return sum;
});

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let sum = FULL;
  for (const byte of bytes) sum = (sum >>> 8) ^ TABLE[(sum ^ byte) & 255];
  return (sum ^ FULL) >>> 0;
}
