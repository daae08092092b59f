import type { Result } from '../../lib/result.ts';

/** One view below `/debug`. Adding one is a file and a line in views.ts. */
export interface DebugView {
  /** `/debug/configz`. */
  readonly path: string;
  /** One line for `/debug/list`. */
  readonly about: string;
  /** Query parameters, with what they mean. */
  readonly parameters?: Readonly<Record<string, string>>;
  /**
   * The answer, JSON text in pieces: a dump of a large mesh is never in memory as a whole, and others get their turn
   * between its pieces. Or why the question cannot be answered, and what to ask.
   */
  read(query: Query): Result<Iterable<string>, ViewProblem>;
}

/** The query parameters of a request, by name. */
export type Query = Readonly<Record<string, string | undefined>>;

/** Why a view cannot answer. */
export interface ViewProblem {
  /** The HTTP status. */
  readonly status: 400 | 404;
  readonly message: string;
}

/** A JSON array, an element at a time. */
export function* jsonArray(items: Iterable<unknown>): Generator<string> {
  let separator = '[\n';
  for (const item of items) {
    yield separator + JSON.stringify(item);
    separator = ',\n';
  }
  yield separator === '[\n' ? '[]\n' : '\n]\n';
}

/** A JSON object whose values are arrays, an element at a time. */
export function* jsonObject(parts: Readonly<Record<string, Iterable<string>>>): Generator<string> {
  let separator = '{\n';
  for (const [key, chunks] of Object.entries(parts)) {
    yield `${separator}${JSON.stringify(key)}: `;
    yield* chunks;
    separator = ',\n';
  }
  yield '}\n';
}
