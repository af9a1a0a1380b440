// SHA-256 and HMAC-SHA-256, synchronous: an export asks for a dozen short hashes a line, and WebCrypto's promises would cost
// far more than the hashing (FIPS 180-4, RFC 2104). Signatures are left to WebCrypto.

/** A node of the tree: 32 bytes. */
export type Hash = Uint8Array<ArrayBuffer>;

/** The length of a hash in bytes. */
export const HASH = 32;

const BLOCK = 64;

/** The first 32 bits of the fractional part of the root of each of the first primes: what FIPS 180-4 takes its constants from. */
function fractions(count: number, root: (x: number) => number): Int32Array {
  const out = new Int32Array(count);
  for (let n = 2, at = 0; at < count; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) prime &&= n % d !== 0;
    if (prime) out[at++] = (root(n) % 1) * 2 ** 32;
  }
  return out;
}

const K = fractions(64, Math.cbrt);
const START = fractions(8, Math.sqrt);
const W = new Int32Array(64);

/** One hash in the making. It is kept and begun anew, so that a long file makes no garbage. */
class Sha256 {
  private readonly state = new Int32Array(8);
  private readonly rest = new Uint8Array(BLOCK);
  private length = 0;

  begin(): this {
    this.state.set(START);
    this.length = 0;
    return this;
  }

  add(bytes: Uint8Array, from = 0, to = bytes.length): this {
    let filled = this.length % BLOCK;
    this.length += to - from;
    if (filled > 0) {
      while (filled < BLOCK && from < to) this.rest[filled++] = bytes[from++]!;
      if (filled < BLOCK) return this;
      this.compress(this.rest, 0);
    }
    for (; to - from >= BLOCK; from += BLOCK) this.compress(bytes, from);
    for (let at = 0; from < to; ) this.rest[at++] = bytes[from++]!;
    return this;
  }

  end(out: Hash = new Uint8Array(HASH)): Hash {
    const { state, rest, length } = this;
    let filled = length % BLOCK;
    rest[filled++] = 0x80;
    if (filled > BLOCK - 8) {
      rest.fill(0, filled);
      this.compress(rest, 0);
      filled = 0;
    }
    rest.fill(0, filled);
    for (let i = 0, bits = length * 8; i < 8; i++, bits = Math.floor(bits / 256)) rest[BLOCK - 1 - i] = bits % 256;
    this.compress(rest, 0);
    for (let i = 0; i < HASH; i++) out[i] = state[i >> 2]! >>> (24 - 8 * (i & 3));
    return out;
  }

  private compress(bytes: Uint8Array, at: number): void {
    for (let i = 0; i < 16; i++, at += 4) {
      W[i] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    }
    for (let i = 16; i < 64; i++) {
      const x = W[i - 15]!;
      const y = W[i - 2]!;
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      W[i] = (W[i - 16]! + s0 + W[i - 7]! + s1) | 0;
    }
    const s = this.state;
    let a = s[0]!, b = s[1]!, c = s[2]!, d = s[3]!, e = s[4]!, f = s[5]!, g = s[6]!, h = s[7]!;
    for (let i = 0; i < 64; i++) {
      const e1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t = (h + e1 + ((e & f) ^ (~e & g)) + K[i]! + W[i]!) | 0;
      const a2 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const u = (a2 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t) | 0; d = c; c = b; b = a; a = (t + u) | 0;
    }
    s[0] = s[0]! + a; s[1] = s[1]! + b; s[2] = s[2]! + c; s[3] = s[3]! + d;
    s[4] = s[4]! + e; s[5] = s[5]! + f; s[6] = s[6]! + g; s[7] = s[7]! + h;
  }
}

const one = new Sha256();

/** SHA-256 of bytes. */
export function sha256(bytes: Uint8Array): Hash {
  return one.begin().add(bytes).end();
}

const pad = new Uint8Array(BLOCK);
const inner: Hash = new Uint8Array(HASH);

/** HMAC-SHA-256 with a key of at most one block over a part of bytes. */
export function hmac(key: Uint8Array, bytes: Uint8Array, from = 0, to = bytes.length, out?: Hash): Hash {
  pad.fill(0x36);
  for (let i = 0; i < key.length; i++) pad[i]! ^= key[i]!;
  one.begin().add(pad).add(bytes, from, to).end(inner);
  for (let i = 0; i < BLOCK; i++) pad[i]! ^= 0x36 ^ 0x5c;
  return one.begin().add(pad).add(inner).end(out);
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const mac: Hash = new Uint8Array(HASH);

/** The leaf of an entry: over a zero byte and the HMAC with its salt. */
export function leafOf(salt: Uint8Array, bytes: Uint8Array, from = 0, to = bytes.length): Hash {
  hmac(salt, bytes, from, to, mac);
  return one.begin().add(LEAF).add(mac).end();
}

/** The node above two (RFC 6962). */
export function nodeOf(left: Hash, right: Hash): Hash {
  return one.begin().add(NODE).add(left).add(right).end();
}

/** Whether two hashes are the same. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < 64; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

/** Reads base64 that is written in its one way: padded, no white space, no unused bits. null where it isn't. */
export function fromBase64(text: Uint8Array, from = 0, to = text.length): Hash | null {
  let end = to;
  while (end > from && to - end < 2 && text[end - 1] === 61) end--; // "="
  if ((to - from) % 4 > 0) return null;
  const out = new Uint8Array(Math.floor(((end - from) * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (; from < end; from++) {
    const value = VALUES[text[from]!] ?? -1;
    if (value < 0) return null;
    held = (held << 6) | value;
    if ((bits += 6) >= 8) {
      out[at++] = held >> (bits -= 8);
      held &= (1 << bits) - 1;
    }
  }
  return held === 0 ? out : null;
}

const utf8 = new TextEncoder();

/** The same for a string. */
export const decode64 = (text: string): Hash | null => fromBase64(utf8.encode(text));
