// @ts-check
/** Bytes and text, read strictly: what could have been written otherwise is refused. */

/** What a bundle, or a part of it, is not. */
export class Unfit extends Error {}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @param {string} text @returns {Uint8Array} */
export const utf8 = (text) => encoder.encode(text);

/** @param {Uint8Array} bytes @returns {string} */
export function text(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Unfit("it is not UTF-8");
  }
}

/** @param {...Uint8Array} parts @returns {Uint8Array} */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}

/** @param {Uint8Array} one @param {Uint8Array} other */
export const equal = (one, other) => one.length === other.length && one.every((byte, place) => byte === other[place]);

/** @param {Uint8Array} bytes @returns {string} */
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Base64 (RFC 4648 §4), with its padding and no other bits. @param {string} written @returns {Uint8Array} */
export function base64(written) {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(written) || written.length % 4) throw new Unfit("it is not base64");
  const binary = atob(written);
  if (btoa(binary) !== written) throw new Unfit("it is not base64");
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** @param {Uint8Array} bytes @returns {Promise<Uint8Array>} */
export const sha256 = async (bytes) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", /** @type {BufferSource} */ (bytes)));
