import { RE2JS } from 're2js';

/** Limit that the bootstrap of `binnacle bootstrap` sets. */
export const maxProgramSize = 32_768;

/** Limit of an Envoy without the runtime key. */
export const defaultProgramSize = 100;

/** Instructions of the costliest character without a repetition: `\\W` has five ranges of bytes. */
const largestCharacter = 4;

/** Returns an upper bound of `programSize` without compiling short expressions, and `programSize` for the others. */
export function programSizeAtMost(text: string): number {
  const isShort = text.length * largestCharacter <= defaultProgramSize && !text.includes('{');
  return isShort ? defaultProgramSize : programSize(text);
}

/**
 * Estimates how many instructions RE2 needs for an expression in Envoy: compiled byte by byte, with a loop in front
 * that searches for a match at any position. `test/interop/envoy-regex.test.ts` compares the result with Envoy's count.
 * The expression must be valid.
 *
 * RE2 flattens a program into lists. A list holds everything reachable from an instruction without reading a byte. A
 * part that several lists share becomes a list, and each of them gets an instruction that leads to it. This function
 * counts the lists without building them: https://github.com/google/re2/blob/main/re2/prog.cc (Flatten)
 */
export function programSize(text: string): number {
  const program = compile(text);
  if (program.inst.length > tooManyToCount) return program.inst.length;
  const graph = graphOf(program);
  const heads = listHeads(graph);
  let size = 1; // the fail instruction
  if (!graph.isAnchored) size += 2; // the loop: any byte, or the program
  for (const head of heads) size += lengthOfList(graph, head, heads);
  return size;
}

/** Number of re2js instructions above which RE2's count exceeds the limit, too. Counting further would take seconds. */
const tooManyToCount = 4 * maxProgramSize;

/** Compiles the UTF-8 bytes of the text, one instruction for each byte. */
function compile(text: string): Program {
  const { prog } = RE2JS.compile(Buffer.from(text).toString('latin1')).re2() as { prog: Program }; // re2js types it as `any`; its source has this shape
  return prog;
}

/** A program without no-op instructions. */
interface Graph {
  readonly nodes: readonly Node[];
  readonly start: number;
  readonly isAnchored: boolean;
}

/** An instruction: a choice of two, or one that adds `count` and leads to `next` (null for a match). */
type Node =
  | { readonly type: 'choice'; readonly next: readonly [number, number] }
  | { readonly type: 'step'; readonly count: number; readonly next: number | null };

/** https://github.com/le0pard/re2js: Prog and Inst. */
interface Program {
  readonly inst: readonly Instruction[];
  readonly start: number;
}

interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  readonly runes: readonly number[];
}

const op = {
  choice: 1,
  choiceMatch: 2,
  empty: 4,
  fail: 5,
  match: 6,
  nothing: 7,
  runes: 8,
  rune: 9,
  any: 10,
  anyButNewline: 11,
};

const beginText = 4;

function graphOf(prog: Program): Graph {
  const skip = (index: number): number => {
    let at = index;
    for (let it = prog.inst[at]; it?.op === op.nothing; it = prog.inst[at]) at = it.out;
    return at;
  };
  const nodes = prog.inst.map((it): Node => {
    if (it.op === op.choice || it.op === op.choiceMatch) return { type: 'choice', next: [skip(it.out), skip(it.arg)] };
    const isLast = it.op === op.match || it.op === op.fail;
    return { type: 'step', count: countOf(it), next: isLast ? null : skip(it.out) };
  });
  const start = skip(prog.start);
  const first = prog.inst[start];
  if (first?.op !== op.empty || (first.arg & beginText) === 0) return { nodes, start, isAnchored: false };
  return { nodes, start: skip(first.out), isAnchored: true }; // RE2 stores the anchor separately
}

/** Counts one instruction for each range of bytes. */
function countOf({ op: operation, runes }: Instruction): number {
  if (operation === op.anyButNewline) return 2;
  if (operation !== op.runes || runes.length < 2) return 1;
  const ranges: (readonly [number, number])[] = [];
  for (let index = 0; index < runes.length; index += 2) {
    const low = runes[index] ?? 0;
    if (low <= 255) ranges.push([low, Math.min(runes[index + 1] ?? low, 255)]);
  }
  const kept = foldsCase(ranges) ? ranges.filter(([low, high]) => low < 65 || high > 90) : ranges;
  return Math.max(1, kept.length);
}

/** Returns whether every letter occurs in both cases: RE2 then merges both into one range. */
function foldsCase(ranges: readonly (readonly [number, number])[]): boolean {
  const has = (byte: number) => ranges.some(([low, high]) => low <= byte && byte <= high);
  return Array.from({ length: 26 }, (_, index) => 65 + index).every((letter) => has(letter) === has(letter + 32));
}

/** Returns the heads of lists: the instructions after a read, and those that several lists share. */
function listHeads({ nodes, start }: Graph): ReadonlySet<number> {
  const heads = new Set([start]);
  const parents = new Map<number, number[]>();
  const seen = new Set<number>();
  const pending = [start];
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    if (seen.has(index)) continue;
    seen.add(index);
    const node = nodes[index];
    if (node === undefined) continue;
    if (node.type === 'step') {
      if (node.next === null) continue;
      heads.add(node.next);
      pending.push(node.next);
      continue;
    }
    for (const next of node.next) {
      parents.set(next, [...(parents.get(next) ?? []), index]);
      pending.push(next);
    }
  }
  for (const head of [...heads].sort((a, b) => b - a)) {
    if (head === start) continue;
    const within = reachable(nodes, head, heads);
    for (const index of within) {
      if (heads.has(index)) continue;
      if (parents.get(index)?.some((parent) => !within.has(parent))) heads.add(index);
    }
  }
  return heads;
}

/**
 * Returns the nodes reachable from `head` without reading a byte. Other heads are included, but not what follows them.
 */
function reachable(nodes: readonly Node[], head: number, heads: ReadonlySet<number>): ReadonlySet<number> {
  const reached = new Set<number>();
  const pending = [head];
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    if (reached.has(index)) continue;
    reached.add(index);
    if (index !== head && heads.has(index)) continue;
    const node = nodes[index];
    if (node?.type === 'choice') pending.push(...node.next);
  }
  return reached;
}

function lengthOfList(graph: Graph, head: number, heads: ReadonlySet<number>): number {
  let length = 0;
  for (const index of reachable(graph.nodes, head, heads)) {
    const node = graph.nodes[index];
    if (index !== head && heads.has(index)) length += 1;
    else if (node?.type === 'step') length += node.count;
  }
  return length;
}
