// What a line of an export says beside its record, read in its one spelling: that of server/ledger/export.go, fields in that
// order, what is absent left out, strings as Go writes them in JSON.
import { decode64, fromBase64, HASH, type Hash } from "./sha256";

/** What an export says of its log in its first line. */
export type Head = {
  origin: string;
  checkpoint: string;
  key: string;
  rotations: string[];
  from: number;
  to: number;
  most: number;
  nodes: Hash[];
};

/** Entries that are not shown, or one that says why others aren't. */
export type Gap = { to: number; nodes: Hash[]; removal: string };

/** A removal behind the export's range. */
export type Late = { seq: number; removal: string; proof: Hash[] };

export type Proof = {
  log: Head | null;
  before: Gap[];
  leaf: Hash | null;
  salt: Uint8Array | null; // null: it isn't one
  seq: number;
  after: Gap[];
  later: Late[];
};

/** Entries that were removed, and why: erased, purged, locked or unlocked. */
export type Removal = { entries: [number, number][]; type: string };

/** The length of a salt in bytes. */
const SALT = 16;
const SALT64 = 24;
const HASH64 = 44;

const utf8 = new TextEncoder();
const reader = new TextDecoder("utf-8", { ignoreBOM: true });
const bytesOf = (s: string): Uint8Array => utf8.encode(s);

const LEAF = bytesOf(`{"leaf":"`);
const SALT_BEHIND = bytesOf(`","salt":"`);
const SALT_FIRST = bytesOf(`{"salt":"`);
const SEQ = bytesOf(`","seq":`);

function stands(what: Uint8Array, line: Uint8Array, at: number): boolean {
  for (let i = 0; i < what.length; i++) if (line[at + i] !== what[i]) return false;
  return true;
}

/** A proof that isn't one or isn't spelled as it was. */
export class BadProof extends Error {}

/** Reads the proof that is this part of a line. */
export function parseProof(line: Uint8Array, from: number, to: number): Proof {
  return plain(line, from, to) ?? full(line.subarray(from, to));
}

/** The usual proof has nothing but its entry, and is read without JSON: most of the time would go there. */
function plain(line: Uint8Array, from: number, to: number): Proof | null {
  let at = from;
  let leaf: Hash | null = null;
  if (stands(LEAF, line, at)) {
    at += LEAF.length;
    leaf = fromBase64(line, at, at + HASH64);
    at += HASH64;
    if (leaf?.length !== HASH || !stands(SALT_BEHIND, line, at)) return null;
    at += SALT_BEHIND.length;
  } else if (stands(SALT_FIRST, line, at)) {
    at += SALT_FIRST.length;
  } else {
    return null;
  }
  const salt = fromBase64(line, at, at + SALT64);
  at += SALT64;
  // Without a leaf before it, as the Go verifier has it too, a salt that is none is a fault of its own.
  if ((leaf && salt?.length !== SALT) || !stands(SEQ, line, at)) return null;
  at += SEQ.length;
  let seq = 0;
  const first = at;
  for (let digit; at < to && (digit = line[at]! - 48) >= 0 && digit <= 9; at++) seq = seq * 10 + digit;
  const digits = at - first;
  if (digits === 0 || digits > 15 || (line[first] === 48 && digits > 1) || at !== to - 1 || line[at] !== 125) return null;
  return { log: null, before: [], leaf, salt: salt?.length === SALT ? salt : null, seq, after: [], later: [] };
}

function full(raw: Uint8Array): Proof {
  const text = reader.decode(raw);
  let spelled: string;
  let value: Proof;
  try {
    [value, spelled] = proof(JSON.parse(text));
  } catch {
    throw new BadProof();
  }
  const again = bytesOf(spelled);
  if (again.length !== raw.length || !stands(again, raw, 0)) throw new BadProof();
  return value;
}

// Each reader below takes a value of JSON and gives what it means and how it is spelled; what has the wrong type throws.

type Read<T> = (x: unknown) => [T, string];
type Fields = Record<string, unknown>;

function fields(x: unknown): Fields {
  if (typeof x !== "object" || x === null || Array.isArray(x)) throw new BadProof();
  return x as Fields;
}

const int: Read<number> = (x) => {
  if (!Number.isSafeInteger(x)) throw new BadProof();
  return [x as number, String(x)];
};

const escapes = /[<>&\u2028\u2029]/g;

/** A string as Go's encoding/json writes it. */
const str: Read<string> = (x) => {
  if (typeof x !== "string") throw new BadProof();
  const well = x.replace(/\p{Surrogate}/gu, "\ufffd");
  return [well, JSON.stringify(well).replace(escapes, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"))];
};

const hash: Read<Hash> = (x) => {
  const h = typeof x === "string" ? decode64(x) : null;
  if (h?.length !== HASH) throw new BadProof();
  return [h, `"${x}"`];
};

function list<T>(read: Read<T>, x: unknown): [T[], string] {
  if (x === null || x === undefined) return [[], "null"];
  if (!Array.isArray(x)) throw new BadProof();
  const all = x.map(read);
  return [all.map((a) => a[0]), `[${all.map((a) => a[1]).join()}]`];
}

/** An object of these fields, those that are absent left out. */
const object = (...parts: (string | false)[]): string => `{${parts.filter(Boolean).join()}}`;

const head: Read<Head> = (x) => {
  const f = fields(x);
  const [origin, origin_] = str(f.origin);
  const [checkpoint, checkpoint_] = str(f.checkpoint);
  const [key, key_] = str(f.key);
  const [rotations, rotations_] = list(str, f.rotations);
  const [from, from_] = int(f.from);
  const [to, to_] = int(f.to);
  const [most, most_] = int(f.most);
  const [nodes, nodes_] = list(hash, f.nodes);
  return [
    { origin, checkpoint, key, rotations, from, to, most, nodes },
    object(
      `"origin":${origin_}`,
      `"checkpoint":${checkpoint_}`,
      `"key":${key_}`,
      rotations.length > 0 && `"rotations":${rotations_}`,
      `"from":${from_}`,
      `"to":${to_}`,
      `"most":${most_}`,
      `"nodes":${nodes_}`,
    ),
  ];
};

const gap: Read<Gap> = (x) => {
  const f = fields(x);
  const [to, to_] = int(f.to);
  const [nodes, nodes_] = list(hash, f.nodes);
  const [removal, removal_] = str(f.removal ?? "");
  return [{ to, nodes, removal }, object(`"to":${to_}`, nodes.length > 0 && `"nodes":${nodes_}`, removal !== "" && `"removal":${removal_}`)];
};

const late: Read<Late> = (x) => {
  const f = fields(x);
  const [seq, seq_] = int(f.seq);
  const [removal, removal_] = str(f.removal);
  const [proof, proof_] = list(hash, f.proof);
  return [{ seq, removal, proof }, object(`"seq":${seq_}`, `"removal":${removal_}`, `"proof":${proof_}`)];
};

const proof: Read<Proof> = (x) => {
  const f = fields(x);
  const [log, log_] = f.log == null ? [null, ""] : head(f.log);
  const [before, before_] = list(gap, f.before);
  const [leaf64, leaf_] = str(f.leaf ?? "");
  const [salt64, salt_] = str(f.salt);
  const [seq, seq_] = int(f.seq);
  const [after, after_] = list(gap, f.after);
  const [later, later_] = list(late, f.later);
  const salt = decode64(salt64);
  return [
    // A leaf that is no base64 is no leaf of this record: an empty one differs from every leaf.
    { log, before, leaf: leaf64 === "" ? null : (decode64(leaf64) ?? new Uint8Array()), salt: salt?.length === SALT ? salt : null, seq, after, later },
    object(
      log !== null && `"log":${log_}`,
      before.length > 0 && `"before":${before_}`,
      leaf64 !== "" && `"leaf":${leaf_}`,
      `"salt":${salt_}`,
      `"seq":${seq_}`,
      after.length > 0 && `"after":${after_}`,
      later.length > 0 && `"later":${later_}`,
    ),
  ];
};

const TYPES = ["erased", "purged", "locked", "unlocked"];

const range: Read<[number, number]> = (x) => {
  if (!Array.isArray(x) || x.length !== 2) throw new BadProof();
  const [first, last] = [int(x[0])[0], int(x[1])[0]];
  return [[first, last], `[${first},${last}]`];
};

/** Reads the canonical bytes of a removal; null where they aren't. */
export function parseRemoval(text: string): Removal | null {
  try {
    const f = fields(JSON.parse(text));
    const [, at_] = int(f.at);
    const [entries, entries_] = list(range, f.entries);
    const [type, type_] = str(f.type);
    const ascending = entries.every(([a, b], i) => a >= 0 && b >= a && (i === 0 || a > entries[i - 1]![1]));
    const right = object(`"at":${at_}`, `"entries":${entries_}`, `"type":${type_}`, `"v":1`) === text;
    return right && ascending && TYPES.includes(type) ? { entries, type } : null;
  } catch {
    return null;
  }
}
