// Verifies a receipt: a JWT that joins one record with the proof that it is in the log. What it says is believed only as far as
// it follows from the signature of a key that is known from elsewhere.
import { BadCheckpoint, BadSignature, openCheckpoint, signedBy, type Checkpoint, type Key } from "./note";
import { decode64, HASH, leafOf, type Hash } from "./sha256";
import { included } from "./tree";
import { Fault } from "./verify";

/** The record as it was kept (docs/consent-record.md); the log proves its bytes, so only what is shown is named here. */
export type ConsentRecord = {
  action: string;
  at: number;
  categories: Record<string, boolean>;
  id: string;
  language: string;
  notice: string;
  refused?: string[];
  site: string;
  valid_until: number;
  visitor: string;
};

/** What a receipt has proven. checkpoint is null where it was made before the log had one with the record in it. */
export type Receipt = { record: ConsentRecord; seq: number; checkpoint: Checkpoint | null; key: string };

/** A receipt names its key and doesn't hold it, so without one nothing is known of it. */
export class NeedsKey extends Error {
  constructor(readonly kid: string) {
    super("needsKey");
  }
}

/** The most that is read as a receipt, in bytes. */
export const MAX_RECEIPT = 512 << 10;

const SALT = 16;
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Whether a text looks like a receipt rather than like an export. */
export const isReceipt = (text: string): boolean => TOKEN.test(text.trim());

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

/** base64url without padding, in its one spelling. */
function decodeUrl(part: string): Hash {
  const bytes = decode64(part.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat((4 - (part.length % 4)) % 4));
  if (!bytes) throw new Fault("noReceipt");
  return bytes;
}

type Fields = Record<string, unknown>;

function fieldsOf(x: unknown): Fields {
  if (typeof x !== "object" || x === null || Array.isArray(x)) throw new Fault("noReceipt");
  return x as Fields;
}

function parse(text: string): Fields {
  try {
    return fieldsOf(JSON.parse(text));
  } catch {
    throw new Fault("noReceipt");
  }
}

function textOf(bytes: Hash): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Fault("noReceipt");
  }
}

/** The one encoding of a record that is hashed: keys in order, no white space (RFC 8785 for the values that occur). */
function canonical(x: unknown): string {
  if (Array.isArray(x)) return `[${x.map(canonical).join()}]`;
  if (typeof x !== "object" || x === null) return JSON.stringify(x);
  const f = x as Fields;
  return `{${Object.keys(f).sort().map((k) => `${JSON.stringify(k)}:${canonical(f[k])}`).join()}}`;
}

/** Go escapes these two within JSON, except in what it takes over as it is. */
const escaped = (json: string): string => json.replace(/[\u2028\u2029]/g, (c) => "\\u" + c.charCodeAt(0).toString(16));

/** Checks a receipt, by the rules of server/receipt/verify.go. Throws a Fault, or NeedsKey. */
export async function verifyReceipt(file: string, keys: Key[]): Promise<Receipt> {
  const token = file.trim();
  if (!TOKEN.test(token)) throw new Fault("noReceipt");
  const [head, body, signature] = token.split(".") as [string, string, string];
  const header = parse(textOf(decodeUrl(head)));
  if (header.alg !== "EdDSA") throw new Fault("algorithm");
  if ("crit" in header) throw new Fault("noReceipt"); // it says that more is to be understood (RFC 7515)
  const kid = String(header.kid);
  if (keys.length === 0) throw new NeedsKey(kid);
  const key = await signer(keys.filter((k) => k.name === kid), kid, decodeUrl(signature), `${head}.${body}`);

  const payload = textOf(decodeUrl(body));
  const claims = parse(payload);
  // One spelling: no name twice, of which one reader takes the first and another the last.
  if (escaped(JSON.stringify(claims)) !== escaped(payload)) throw new Fault("noReceipt");
  const fields = fieldsOf(claims.record);
  const bytes = canonical(fields);
  if (bytes !== JSON.stringify(fields)) throw new Fault("recordSpelling");
  const record = fields as ConsentRecord;
  const [notice, texts, log] = [fieldsOf(claims.notice), fieldsOf(claims.texts), fieldsOf(claims.log)];
  const agrees = claims.jti === record.id && claims.sub === record.visitor && notice.hash === record.notice && texts.language === record.language;
  if (!agrees) throw new Fault("contradiction");
  const checkpoint = await place(log, record.site, keys, bytes);
  return { record, seq: log.seq as number, checkpoint, key: key.text };
}

/** The key that signed. */
async function signer(keys: Key[], kid: string, signature: Hash, text: string): Promise<Key> {
  if (keys.length === 0) throw new Fault("otherKey", [kid]);
  for (const key of keys) if (await signedBy(key, signature, utf8.encode(text))) return key;
  throw new Fault("receiptSignature");
}

/** Finds the record's leaf in the tree of the checkpoint, where the receipt has one. */
async function place(log: Fields, site: string, keys: Key[], record: string): Promise<Checkpoint | null> {
  const origin = "samtykke/" + site;
  const seq = log.seq as number;
  const salt = decode64(String(log.salt));
  if (!Number.isSafeInteger(seq) || salt?.length !== SALT) throw new Fault("noLog");
  if (log.origin !== origin) throw new Fault("receiptOrigin", [String(log.origin), site]);
  if (!log.checkpoint) return null;
  const checkpoint = await open(String(log.checkpoint), keys);
  if (checkpoint.origin !== origin) throw new Fault("receiptOrigin", [checkpoint.origin, site]);
  const proof = (Array.isArray(log.proof) ? log.proof : []).map((h) => decode64(String(h)) ?? new Uint8Array());
  const leaf = leafOf(salt, utf8.encode(record));
  if (!proof.every((h) => h.length === HASH) || !included(proof, checkpoint.size, checkpoint.root, seq, leaf)) throw new Fault("notInLog");
  return checkpoint;
}

/** Opens the checkpoint, which may be signed with another of the keys than the receipt. */
async function open(signed: string, keys: Key[]): Promise<Checkpoint> {
  for (const key of keys) {
    try {
      return await openCheckpoint(signed, key);
    } catch (e) {
      if (!(e instanceof BadSignature || e instanceof BadCheckpoint)) throw e;
    }
  }
  throw new Fault("receiptCheckpoint");
}
