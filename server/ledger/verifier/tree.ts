// The tree of RFC 6962, as server/ledger/ledger.go builds it. Numbers are whole and below 2^53, and beyond 2^31, so nothing
// here may use JavaScript's bit operators on them.
import { nodeOf, same, sha256, type Hash } from "./sha256";

/** 2^level leaves, the index-th such group. */
export type Subtree = { level: number; index: number };

/** The number of the first leaf behind a subtree. */
export const endOf = (s: Subtree): number => (s.index + 1) * 2 ** s.level;

/** Builds a root from the left to the right, out of leaves or of whole subtrees, in memory of the tree's height. */
export class Tree {
  constructor(
    public size = 0,
    readonly nodes: { level: number; hash: Hash }[] = [],
  ) {}

  copy(): Tree {
    return new Tree(this.size, this.nodes.slice());
  }

  /** Appends a subtree. false where one of that size can't begin. */
  add(level: number, hash: Hash): boolean {
    if (this.size % 2 ** level !== 0) return false;
    this.size += 2 ** level;
    for (let last; (last = this.nodes.at(-1)) && last.level === level; level++) {
      hash = nodeOf(last.hash, hash);
      this.nodes.pop();
    }
    this.nodes.push({ level, hash });
    return true;
  }

  root(): Hash {
    return this.nodes.length ? this.nodes.map((n) => n.hash).reduceRight((right, left) => nodeOf(left, right)) : sha256(new Uint8Array());
  }
}

/** The fewest subtrees of at most 2^most leaves that are the leaves from inclusive to exclusive. */
export function cover(from: number, to: number, most: number): Subtree[] {
  const out: Subtree[] = [];
  while (from < to) {
    let level = 0;
    let width = 1;
    while (level < most && width * 2 <= to - from && from % (width * 2) === 0) {
      level++;
      width *= 2;
    }
    out.push({ level, index: from / width });
    from += width;
  }
  return out;
}

/** Whether a proof of inclusion leads from the leaf to the root. Its hashes go from the bottom to the top. */
export function included(proof: Hash[], size: number, root: Hash, seq: number, leaf: Hash): boolean {
  if (!(seq >= 0 && seq < size)) return false;
  const got = climb(proof, proof.length, 0, size, seq, leaf);
  return got !== null && same(got, root);
}

function climb(proof: Hash[], left: number, from: number, to: number, seq: number, leaf: Hash): Hash | null {
  if (from + 1 === to) return left === 0 ? leaf : null;
  const beside = proof[left - 1];
  if (!beside) return null;
  let width = 1;
  while (width * 2 < to - from) width *= 2;
  const middle = from + width;
  const mine = seq < middle ? climb(proof, left - 1, from, middle, seq, leaf) : climb(proof, left - 1, middle, to, seq, leaf);
  return mine && (seq < middle ? nodeOf(mine, beside) : nodeOf(beside, mine));
}
