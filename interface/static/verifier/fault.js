// @ts-check
/** What ends a verification, with a verdict. */

import { Unfit } from "./bytes.js";

/** What ends a verification. */
export class Fault extends Error {
  /** @param {string} verdict @param {string} kind @param {string} detail @param {number | null} position */
  constructor(verdict, kind, detail, position = null) {
    super(detail);
    this.report = { verdict, kind, position, detail };
  }
}

/** @param {string} kind @param {string} detail @param {number | null} [position] */
export const tampered = (kind, detail, position = null) => new Fault("TAMPERED", kind, detail, position);
/** @param {string} kind @param {string} detail @param {number | null} [position] */
export const incomplete = (kind, detail, position = null) => new Fault("INCOMPLETE", kind, detail, position);

/** Run what may find that something is unfit, and have that end with a kind. @param {string} kind
 * @param {() => any} run @param {() => number | null} position */
export async function held(kind, run, position = () => null) {
  try {
    return await run();
  } catch (error) {
    throw error instanceof Unfit ? tampered(kind, error.message, position()) : error;
  }
}
