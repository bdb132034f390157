// @ts-check
/** The hash tree of RFC 6962 §2.1: roots of leaves, and what proves that they are in a tree. */

import { concat, equal, sha256 } from "./bytes.js";

export const HASH = 32;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** @param {Uint8Array} entry */
export const leafHash = (entry) => sha256(concat(LEAF, entry));

/** @param {Uint8Array} left @param {Uint8Array} right */
export const nodeHash = (left, right) => sha256(concat(NODE, left, right));

/** Hashes that stand one after the other. @param {Uint8Array} bytes */
export const split = (bytes) =>
  Array.from({ length: Math.floor(bytes.length / HASH) }, (_, n) => bytes.subarray(n * HASH, (n + 1) * HASH));

/** The largest power of two below a width of at least two. @param {number} width */
function half(width) {
  let power = 1;
  while (power * 2 < width) power *= 2;
  return power;
}

/**
 * The root to which leaves and the hashes beside them lead; null where there are too few hashes, or too many.
 * @param {number[][]} runs half-open ranges of indexes, ascending, with a gap between each two
 * @param {Uint8Array[]} leaves those of the runs, one after the other
 * @param {number} size
 * @param {Uint8Array[]} proof the roots of the widest ranges without any of them, from left to right
 * @returns {Promise<Uint8Array | null>}
 */
export async function rootOf(runs, leaves, size, proof) {
  if (!size) return proof.length ? null : sha256(new Uint8Array());
  let nextLeaf = 0;
  let nextHash = 0;
  /** @param {number} start @param {number} end @param {number[][]} met @returns {Promise<Uint8Array | null>} */
  async function range(start, end, met) {
    if (!met.length) return proof[nextHash++] ?? null;
    if (end - start === 1) return leaves[nextLeaf++];
    const middle = start + half(end - start);
    const left = await range(start, middle, met.filter(([first]) => first < middle));
    const right = left && (await range(middle, end, met.filter(([, last]) => last > middle)));
    return left && right && nodeHash(left, right);
  }
  const root = await range(0, size, runs);
  return nextHash === proof.length ? root : null;
}

/**
 * Whether a proof shows that a tree has a leaf there (RFC 9162 §2.1.3.2). Sizes can be beyond what a number holds.
 * @param {Uint8Array} leaf @param {bigint} index @param {bigint} size @param {Uint8Array[]} proof
 * @param {Uint8Array} root
 */
export async function isIncluded(leaf, index, size, proof, root) {
  if (index >= size) return false;
  let node = index;
  let last = size - 1n;
  let found = leaf;
  for (const hash of proof) {
    if (last === 0n) return false;
    if (node & 1n || node === last) {
      found = await nodeHash(hash, found);
      while (node && !(node & 1n)) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      found = await nodeHash(found, hash);
    }
    node >>= 1n;
    last >>= 1n;
  }
  return last === 0n && equal(found, root);
}

/**
 * Whether a proof shows that a tree began with a smaller one (RFC 9162 §2.1.4.2): neither is empty.
 * @param {bigint} first @param {bigint} second @param {Uint8Array} before the root of the first
 * @param {Uint8Array} after the root of the second @param {Uint8Array[]} proof
 */
export async function isConsistent(first, second, before, after, proof) {
  if (first === second) return !proof.length && equal(before, after);
  if (first > second || !proof.length) return false;
  const path = first & (first - 1n) ? [...proof] : [before, ...proof];
  let node = first - 1n;
  let last = second - 1n;
  while (node & 1n) {
    node >>= 1n;
    last >>= 1n;
  }
  let old = path[0];
  let now = path[0];
  for (const hash of path.slice(1)) {
    if (!last) return false;
    if (node & 1n || node === last) {
      old = await nodeHash(hash, old);
      now = await nodeHash(hash, now);
      while (node && !(node & 1n)) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      now = await nodeHash(now, hash);
    }
    node >>= 1n;
    last >>= 1n;
  }
  return !last && equal(old, before) && equal(now, after);
}
