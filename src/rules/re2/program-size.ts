import { RE2JS } from 're2js';

/** What `binnacle bootstrap` lets an expression have. */
export const maxProgramSize = 32_768;

/** What an Envoy without its runtime key lets an expression have. */
export const defaultProgramSize = 100;

/** Instructions for the costliest character without a repetition: `\\W` has five ranges of bytes. */
const largestCharacter = 4;

/** As `programSize` for texts that may be large; cheap for those that cannot be, of which it is an upper bound. */
export function programSizeAtMost(text: string): number {
  const isShort = text.length * largestCharacter <= defaultProgramSize && !text.includes('{');
  return isShort ? defaultProgramSize : programSize(text);
}

/**
 * Estimates how many instructions RE2 has for an expression as Envoy compiles it: byte by byte, with the loop in front that looks
 * for a match anywhere. `test/interop/envoy-regex.test.ts` compares it with what Envoy counts. The expression must be valid.
 *
 * RE2 lays a program out as lists: what can be reached from an instruction without reading anything. A part that
 * several lists share is a list of its own, with an instruction in each of them that leads to it. Here the lists are
 * counted, and not made: https://github.com/google/re2/blob/main/re2/prog.cc (Flatten)
 */
export function programSize(text: string): number {
  const program = compile(text);
  if (program.inst.length > tooManyToCount) return program.inst.length;
  const graph = graphOf(program);
  const heads = listHeads(graph);
  let size = 1; // the instruction that fails
  if (!graph.isAnchored) size += 2; // the loop: any byte, or the program
  for (const head of heads) size += lengthOfList(graph, head, heads);
  return size;
}

/** Instructions of re2js from which on RE2 has too many as well: counting would take seconds. */
const tooManyToCount = 4 * maxProgramSize;

/** A character of several bytes is as many instructions. */
function compile(text: string): Program {
  const { prog } = RE2JS.compile(Buffer.from(text).toString('latin1')).re2() as { prog: Program }; // its types say `any`; its source has this
  return prog;
}

/** A program without instructions that do nothing. */
interface Graph {
  readonly nodes: readonly Node[];
  readonly start: number;
  readonly isAnchored: boolean;
}

/** An instruction: a choice of two, or one that counts and leads on to `next` (none for a match). */
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
  return { nodes, start: skip(first.out), isAnchored: true }; // RE2 keeps the anchor apart
}

/** One for each range of bytes. */
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

/** Whether each letter is there in both cases: RE2 then has one range of both. */
function foldsCase(ranges: readonly (readonly [number, number])[]): boolean {
  const has = (byte: number) => ranges.some(([low, high]) => low <= byte && byte <= high);
  return Array.from({ length: 26 }, (_, index) => 65 + index).every((letter) => has(letter) === has(letter + 32));
}

/** Where lists begin: at what is read next, and at what several lists share. */
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

/** Without reading anything; what begins a list is reached, and not what comes after it. */
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
