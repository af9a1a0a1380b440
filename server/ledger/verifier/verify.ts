// Verifies an export by the rules of server/ledger/verify.go: every byte of the file counts, and a fault is named by its line
// and entry. The file is read as it streams in, and memory doesn't grow with its length.
import { BadCheckpoint, BadRotation, BadSignature, OldBrowser, openCheckpoint, trust, Untrusted, type Checkpoint, type Key } from "./note";
import { BadProof, parseProof, parseRemoval, type Gap, type Head, type Late, type Removal } from "./proof";
import { leafOf, same, type Hash } from "./sha256";
import { cover, endOf, included, Tree, type Subtree } from "./tree";
import type { Words } from "./words";

/** What is wrong with a file: words are found by the code. Line 0 and entry -1 stand for none. */
export class Fault extends Error {
  constructor(
    readonly code: keyof Words,
    readonly args: (string | number)[] = [],
    readonly line = 0,
    readonly entry = -1,
  ) {
    super(code);
  }
}

/** What is known besides the file. */
export type Options = { keys: Key[]; earlier: string };

/** What a file that verifies has proven. */
export type Result = {
  records: number;
  removed: number;
  from: number;
  to: number;
  checkpoint: Checkpoint;
  key: string;
  known: boolean;
  earlier: number; // how many of the earlier checkpoints were met and agree
};

/** An earlier checkpoint that can't be used: no fault of the file. */
export class BadEarlier extends Error {
  constructor(readonly code: "earlierBad" | "earlierOther", readonly args: string[] = []) {
    super(code);
  }
}

const MAX_LINE = 64 << 20;
const MAX_BLOCKS = 512;
const PAUSE = 40; // milliseconds of work between two chances for the page to paint and hear

const NEWLINE = 10;
const COMMA = 44;
const BRACE = 125;
const SEPARATOR = new TextEncoder().encode(`,"proof":`);
const NO_SALT = new Uint8Array();

/** Where the record ends and its proof begins; -1: nowhere. No record has these bytes: within strings the quotes are escaped. */
function separator(line: Uint8Array): number {
  for (let at = line.indexOf(COMMA); at >= 0; at = line.indexOf(COMMA, at + 1)) {
    if (SEPARATOR.every((b, i) => line[at + i] === b)) return at;
  }
  return -1;
}

/** Lets the page paint and react. Timers would do, but browsers slow those of a page in the background down. */
export function pause(): Promise<void> {
  return new Promise((go) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      go();
    };
    port2.postMessage(0);
  });
}

/**
 * Reads an export to its end. Throws a Fault, a BadEarlier or an OldBrowser. progress hears of the bytes read now and then, and
 * may throw to end it.
 */
export async function verifyExport(file: Blob, options: Options, progress: (bytes: number) => void): Promise<Result> {
  const v = new Verifier(options);
  const reader = file.stream().getReader();
  let carried: Uint8Array[] = []; // the begin of a line whose end hasn't come yet
  let length = 0;
  let bytes = 0;
  let rest = performance.now() + PAUSE;
  try {
    for (;;) {
      const { done, value: chunk } = await reader.read();
      if (done) break;
      for (let from = 0; from < chunk.length; ) {
        const end = chunk.indexOf(NEWLINE, from);
        const part = chunk.subarray(from, end < 0 ? chunk.length : end);
        length += part.length;
        if (length + (end < 0 ? 0 : 1) > MAX_LINE) v.unreadable("long");
        from += part.length + 1;
        if (end < 0) {
          carried.push(part.slice());
          break;
        }
        const opening = v.take(carried.length ? join([...carried, part], length) : part);
        if (opening) await opening;
        carried = [];
        length = 0;
        if (performance.now() > rest) {
          progress(bytes + from);
          await pause();
          rest = performance.now() + PAUSE;
        }
      }
      bytes += chunk.length;
      progress(bytes);
    }
  } finally {
    reader.cancel().catch(() => {}); // nothing is left to be read, or nobody wants it
  }
  if (length > 0) v.unreadable("open");
  return v.finish();
}

function join(parts: Uint8Array[], length: number): Uint8Array {
  const out = new Uint8Array(length);
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

class Verifier {
  private line = 0;
  private done = false;
  private readonly result = { records: 0, removed: 0, earlier: 0, known: false };
  private head!: Head; // from the first line on
  private checkpoint!: Checkpoint;
  private subtrees: Subtree[] = []; // what the head's nodes are
  private at = 0; // which of them is being built
  private whole = new Tree(); // out of subtrees that were found right
  private block = new Tree(); // the one being built, from its own begin
  private next = 0;
  private readonly gaps: [number, number][] = [];
  private readonly gone: [number, number][] = [];
  private readonly locked = new Map<string, [number, number]>();
  private earlier: Checkpoint | null = null;

  constructor(private readonly options: Options) {}

  private fault(entry: number, code: keyof Words, ...args: (string | number)[]): Fault {
    return new Fault(code, args, this.line, entry);
  }

  unreadable(code: "long" | "open"): never {
    this.line++;
    throw this.fault(-1, code);
  }

  /** Checks one line. It is asynchronous only where it opens the log. */
  take(line: Uint8Array): void | Promise<void> {
    this.line++;
    if (this.done) throw this.fault(-1, "more");
    const end = separator(line);
    if (end < 0 || line.at(-1) !== BRACE) throw this.fault(-1, "noRecord");
    const proof = this.parse(line, end + SEPARATOR.length, line.length - 1);
    if ((this.line === 1) !== (proof.log !== null)) throw this.fault(-1, "head");
    if (proof.log) return this.open(proof.log).then(() => this.record(line, end, proof));
    this.record(line, end, proof);
  }

  private parse(line: Uint8Array, from: number, to: number): ReturnType<typeof parseProof> {
    try {
      return parseProof(line, from, to);
    } catch (e) {
      throw e instanceof BadProof ? this.fault(-1, "proof") : e;
    }
  }

  private record(line: Uint8Array, end: number, p: ReturnType<typeof parseProof>): void {
    for (const g of p.before) this.gap(g, p.seq);
    const { seq } = p;
    if (seq < this.next) throw this.fault(seq, "order", this.next);
    if (seq > this.next) throw this.fault(seq, "before", this.next, seq - 1);
    if (seq >= this.head.to) throw this.fault(seq, "behind");
    // For HMAC a key of zeros is none: a removal would pass for a record, and what it says would be lost.
    if (!p.salt?.some((b) => b !== 0)) throw this.fault(seq, "salt");
    line[end] = BRACE; // the record's own end, in the place of the separator
    const leaf = leafOf(p.salt, line, 0, end + 1);
    if (this.head.most > 0 ? !p.leaf || !same(p.leaf, leaf) : p.leaf) throw this.fault(seq, "changed");
    this.add(0, leaf);
    this.result.records++;
    this.done = this.next === this.head.to;
    if (p.after.length === 0 && p.later.length === 0) return;
    for (const g of p.after) this.gap(g, this.head.to);
    if (this.next !== this.head.to) throw this.fault(this.next, "cut", this.next, this.head.to - 1);
    this.done = true;
    let after = this.head.to - 1;
    for (const l of p.later) {
      this.late(l, after);
      after = l.seq;
    }
  }

  /** Takes the head: the checkpoint's signature, and that the hashes given are the whole tree behind it. */
  private async open(h: Head): Promise<void> {
    const { key, keys, known } = await this.trusted(h);
    const c = await openCheckpoint(h.checkpoint, key).catch((e: unknown) => {
      throw e instanceof BadSignature ? this.fault(-1, "signature") : e instanceof BadCheckpoint ? this.fault(-1, "checkpoint") : e;
    });
    if (c.origin !== h.origin) throw this.fault(-1, "origin", c.origin);
    const ordered = h.from >= 0 && h.from < h.to && h.to <= c.size && h.most >= 0 && h.most <= 62;
    if (!ordered || Math.floor((h.to - h.from) / 2 ** h.most) > MAX_BLOCKS) throw this.fault(-1, "range");
    this.head = h;
    this.checkpoint = c;
    this.result.known = known;
    this.subtrees = [...cover(0, h.from, 62), ...cover(h.from, h.to, h.most), ...cover(h.to, c.size, 62)];
    if (this.subtrees.length !== h.nodes.length) throw this.fault(-1, "nodes");
    const all = new Tree();
    this.subtrees.forEach((s, i) => {
      all.add(s.level, h.nodes[i]!);
      if (endOf(s) === h.from) {
        this.whole = all.copy();
        this.at = i + 1;
      }
    });
    if (!same(all.root(), c.root)) throw this.fault(-1, "root");
    this.next = h.from;
    if (this.options.earlier) await this.remember(keys);
    this.meet();
  }

  private async trusted(h: Head): ReturnType<typeof trust> {
    try {
      return await trust(this.options.keys, h.key, h.rotations);
    } catch (e) {
      if (e instanceof Untrusted) throw this.fault(-1, "untrusted");
      if (e instanceof BadRotation) throw this.fault(-1, "rotation");
      if (e instanceof OldBrowser) throw e;
      throw this.fault(-1, h.rotations.length > 0 ? "handover" : "signature");
    }
  }

  /** Opens the earlier checkpoint, which may be signed with a key of before. */
  private async remember(keys: Key[]): Promise<void> {
    let found: Checkpoint | null = null;
    for (const k of keys) found ??= await openCheckpoint(this.options.earlier, k).catch(() => null);
    if (!found) throw new BadEarlier("earlierBad");
    if (found.origin !== this.checkpoint.origin) throw new BadEarlier("earlierOther", [found.origin]);
    if (found.size > this.checkpoint.size) throw new Fault("shorter", [found.size, found.at, this.checkpoint.size]);
    this.earlier = found;
  }

  /** Takes entries that are not shown, or one that says why. */
  private gap(g: Gap, limit: number): void {
    if (g.to <= this.next || g.to > Math.min(limit, this.head.to)) throw this.fault(this.next, "overlap");
    if (g.removal !== "") {
      const r = parseRemoval(g.removal);
      if (!r || g.to !== this.next + 1 || g.nodes.length > 0 || !isBehind(r, this.next)) throw this.fault(this.next, "removal");
      this.explain(r);
      return this.add(0, leafOfRemoval(g.removal));
    }
    const from = this.next;
    const subtrees = cover(from, g.to, this.head.most);
    if (subtrees.length !== g.nodes.length) throw this.fault(from, "hidden");
    subtrees.forEach((s, i) => this.add(s.level, g.nodes[i]!));
    // Memory grows with the gaps between records, which removals make, not with the records.
    const last = this.gaps.at(-1);
    if (last && last[1] + 1 === from) last[1] = g.to - 1;
    else this.gaps.push([from, g.to - 1]);
    this.result.removed += g.to - from;
  }

  /** Puts a leaf or a subtree behind what is there and compares each block when it is whole. */
  private add(level: number, hash: Hash): void {
    const begin = this.next;
    if (!this.block.add(level, hash)) throw this.fault(begin, "misplaced");
    this.next += 2 ** level;
    for (let s; (s = this.subtrees[this.at]) && endOf(s) <= this.next; this.at++) {
      const node = this.head.nodes[this.at]!;
      if (this.block.size !== 2 ** s.level || !same(this.block.root(), node)) {
        if (s.level === 0) throw this.fault(begin, "changed");
        throw this.fault(begin, "part", s.index * 2 ** s.level, endOf(s) - 1);
      }
      this.whole.add(s.level, node);
      this.block = new Tree();
    }
    this.meet();
  }

  /** Compares the tree with the earlier checkpoint where it has that size. */
  private meet(): void {
    const e = this.earlier;
    if (!e || e.size !== this.next) return;
    const root = new Tree(0, [...this.whole.nodes, ...this.block.nodes]).root();
    if (!same(root, e.root)) throw this.fault(-1, "forked", e.size, e.at);
    this.result.earlier++;
  }

  /** Takes a removal behind the range and behind the one before it. */
  private late(l: Late, after: number): void {
    const r = parseRemoval(l.removal);
    if (!r || l.seq <= after || !isBehind(r, l.seq)) throw this.fault(l.seq, "removal");
    const { size, root } = this.checkpoint;
    if (!included(l.proof, size, root, l.seq, leafOfRemoval(l.removal))) throw this.fault(l.seq, "removalOut");
    this.explain(r);
  }

  private explain(r: Removal): void {
    for (const e of r.entries) {
      if (r.type === "locked") this.locked.set(e.join(), e);
      else if (r.type === "unlocked") this.locked.delete(e.join());
      else this.gone.push(e);
    }
  }

  /** The first number of the gaps that no removal explains, or -1. */
  private unexplained(): number {
    const known = [...this.gone, ...this.locked.values()].sort((a, b) => a[0] - b[0]);
    let end = -1; // everything known up to here has been looked at
    let i = 0;
    for (const [from, to] of this.gaps) {
      for (let n = from; n <= to; n = end + 1) {
        for (let k; (k = known[i]) && k[0] <= n; i++) end = Math.max(end, k[1]);
        if (end < n) return n;
      }
    }
    return -1;
  }

  finish(): Result {
    if (this.line === 0) throw new Fault("empty");
    if (!this.done && this.next < this.head.to) throw new Fault("cut", [this.next, this.head.to - 1], 0, this.next);
    const missing = this.unexplained();
    if (missing >= 0) throw new Fault("unexplained", [missing], 0, missing);
    return { ...this.result, from: this.head.from, to: this.head.to, checkpoint: this.checkpoint, key: this.head.key };
  }
}

/** Whether a removal is about entries before its own number only: nothing can be said to be gone before it was there. */
const isBehind = (r: Removal, seq: number): boolean => (r.entries.at(-1)?.[1] ?? -1) < seq;

const leafOfRemoval = (text: string): Hash => leafOf(NO_SALT, new TextEncoder().encode(text));
