// Keys, signed notes and the checkpoints in them (golang.org/x/mod/sumdb/note, https://c2sp.org/tlog-checkpoint). Only one
// spelling of each is taken: a changed byte is a changed file, also where base64 would forgive it.
import { decode64, HASH, sha256, type Hash } from "./sha256";

const utf8 = new TextEncoder();

/** A public key: what it is called and how signatures name it. */
export type Key = { text: string; name: string; id: string; crypto: CryptoKey };

/** Why a key can't be had: it is none, or this browser knows no Ed25519. */
export class BadKey extends Error {}
export class OldBrowser extends Error {}

const ED25519 = 1;

const hex = (b: Uint8Array): string => Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");

const isName = (name: string): boolean => name !== "" && !/[\s\u0085+]/.test(name);

/** Reads a public key as ledger.Key.Public writes it: name+8 hex digits+base64. */
export async function parseKey(text: string): Promise<Key> {
  const [, name, id, data] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/.exec(text) ?? [];
  const bytes = decode64(data ?? "");
  if (!name || !id || !isName(name) || !bytes || bytes.length !== 1 + HASH || bytes[0] !== ED25519) throw new BadKey();
  const begin = utf8.encode(name + "\n");
  const all = new Uint8Array(begin.length + bytes.length);
  all.set(begin);
  all.set(bytes, begin.length);
  if (hex(sha256(all).subarray(0, 4)) !== id) throw new BadKey();
  return { text, name, id, crypto: await importKey(bytes.slice(1)) };
}

async function importKey(raw: Hash): Promise<CryptoKey> {
  if (!globalThis.crypto?.subtle) throw new OldBrowser();
  try {
    return await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  } catch (e) {
    if (e instanceof DOMException && e.name === "DataError") throw new BadKey(); // no point of the curve
    throw new OldBrowser();
  }
}

/** Whether the signature over the bytes is the key's. */
export function signedBy(key: Key, signature: Hash, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  return crypto.subtle.verify("Ed25519", key.crypto, signature, bytes);
}

/** No valid signature by a key that is trusted. */
export class BadSignature extends Error {}

/** What is no checkpoint. */
export class BadCheckpoint extends Error {}

const MAX_NOTE = 8 << 10;
const SIGNATURE = 64;

/** Checks a note that is signed by each of the keys in their order, and by nobody else, and returns its text. */
export async function openNote(signed: string, keys: Key[]): Promise<string> {
  if (utf8.encode(signed).length > MAX_NOTE) throw new BadCheckpoint();
  const split = signed.lastIndexOf("\n\n");
  const text = signed.slice(0, split + 1);
  const lines = signed.slice(split + 2).split("\n");
  if (split < 0 || lines.pop() !== "" || lines.length !== keys.length) throw new BadSignature();
  for (const [i, key] of keys.entries()) {
    const [dash, name, base64, ...more] = lines[i]!.split(" ");
    const bytes = decode64(base64 ?? "");
    const named = dash === "—" && name === key.name && more.length === 0 && !keys.slice(0, i).some((k) => k.text === key.text);
    if (!named || bytes?.length !== 4 + SIGNATURE || hex(bytes.subarray(0, 4)) !== key.id) throw new BadSignature();
    if (!(await signedBy(key, bytes.slice(4), utf8.encode(text)))) throw new BadSignature();
  }
  return text;
}

/** What a log held at a moment. */
export type Checkpoint = { origin: string; size: number; root: Hash; at: string };

/** Checks a signed checkpoint. */
export async function openCheckpoint(signed: string, key: Key): Promise<Checkpoint> {
  const [origin, size, root, at, end, ...more] = (await openNote(signed, [key])).split("\n");
  const hash = decode64(root ?? "");
  const whole = Number(size);
  if (!origin || !isCount(size) || hash?.length !== HASH || !isTime(at) || end !== "" || more.length > 0) throw new BadCheckpoint();
  return { origin, size: whole, root: hash, at };
}

/** No log has as many entries, and up to here numbers are exact. */
const MAX_SIZE = 2 ** 50;

const isCount = (s: string | undefined): boolean => /^(0|[1-9]\d*)$/.test(s ?? "") && Number(s) <= MAX_SIZE;

function isTime(s: string | undefined): s is string {
  const at = new Date(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(s ?? "") ? s! : NaN);
  return !isNaN(at.getTime()) && at.toISOString() === s;
}

const ROTATION = "samtykke key rotation";

/** What a rotation can't be read as. */
export class BadRotation extends Error {}

/** A file's key that nobody trusted has handed over to. */
export class Untrusted extends Error {}

/** Follows the rotations from the keys that are trusted, or else from the file's first one, to the file's. */
export async function trust(given: Key[], file: string, rotations: string[]): Promise<{ key: Key; keys: Key[]; known: boolean }> {
  const steps: { old: Key; next: Key }[] = [];
  for (const signed of rotations) {
    const lines = signed.split("\n");
    if (lines.length < 5 || lines[0] !== ROTATION) throw new BadRotation();
    const step = { old: await parseKey(lines[1]!), next: await parseKey(lines[2]!) };
    await openNote(signed, [step.old, step.next]);
    steps.push(step);
  }
  const keys = given.length ? given.slice() : [steps[0]?.old ?? (await parseKey(file))];
  for (const { old, next } of steps) if (keys.some((k) => k.text === old.text)) keys.push(next);
  const key = keys.find((k) => k.text === file);
  if (!key) throw new Untrusted();
  return { key, keys, known: given.length > 0 };
}
