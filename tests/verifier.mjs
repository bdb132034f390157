/** Judges cases, one in each line of standard input, with the verifier of the console's static page. */

import { createInterface } from "node:readline";

import { verify } from "../interface/static/verifier/bundle.js";
import { equal, hex } from "../interface/static/verifier/bytes.js";
import { isConsistent, isIncluded, leafHash, rootOf } from "../interface/static/verifier/merkle.js";
import { parseKey, parseNote, signersOf, cosignedAt } from "../interface/static/verifier/note.js";
import { isQuorum, parsePolicy, witnessesOf } from "../interface/static/verifier/policy.js";

const bytes = (given) => new Uint8Array(Buffer.from(given, "base64"));

const JUDGES = {
  bundle: async ({ bundle, keys, policy, oldest, kept }) => {
    const { verdict, kind, position } = await verify(bytes(bundle), { keys, policy, oldest, kept });
    return { verdict, kind, index: position === null ? null : position - 1 };
  },
  root: async ({ runs, leaves, size, proof }) => {
    const root = await rootOf(runs, leaves.map(bytes), size, proof.map(bytes));
    return root && hex(root);
  },
  leaf: async ({ entry }) => hex(await leafHash(bytes(entry))),
  included: async ({ leaf, index, size, proof, root }) =>
    isIncluded(bytes(leaf), BigInt(index), BigInt(size), proof.map(bytes), bytes(root)),
  consistent: async ({ first, second, before, after, proof }) =>
    isConsistent(BigInt(first), BigInt(second), bytes(before), bytes(after), proof.map(bytes)),
  note: async ({ note, key }) => {
    const [parsed, read] = [parseNote(bytes(note)), await parseKey(key)];
    return { signed: (await signersOf(parsed, [read])).length > 0, text: parsed.text };
  },
  cosigned: async ({ note, key }) => {
    const at = await cosignedAt(parseNote(bytes(note)), await parseKey(key));
    return at === null ? null : Number(at);
  },
  policy: async ({ policy, note }) => {
    const read = await parsePolicy(policy);
    return isQuorum(read, (await witnessesOf(read, parseNote(bytes(note)))).keys());
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { judge, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = await JUDGES[judge](given);
  } catch (error) {
    answer = { unfit: error.name === "Error" ? error.message : `${error.stack}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
