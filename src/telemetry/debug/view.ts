import type { Result } from '../../lib/result.ts';

/** View under `/debug`. To add one, write a file and add a line to views.ts. */
export interface DebugView {
  /** Path, `/debug/configz` for example. */
  readonly path: string;
  /** Line in `/debug/list`. */
  readonly about: string;
  /** Query parameters and their meaning. */
  readonly parameters?: Readonly<Record<string, string>>;
  /**
   * Answers as JSON text in pieces: a dump of a large mesh is never in memory as a whole, and other work runs between
   * pieces. A failure names the valid parameters.
   */
  read(query: ViewQuery): Result<Iterable<string>, ViewProblem>;
  /** Does what a POST asks for, and answers as `read` does. Absent for views that only read. */
  act?(query: ViewQuery): Result<Iterable<string>, ViewProblem>;
}

/** Query parameters of a request, by name. */
export type ViewQuery = Readonly<Record<string, string | undefined>>;

/** Reason why a view cannot answer. */
export interface ViewProblem {
  /** HTTP status. */
  readonly status: 400 | 404;
  readonly message: string;
}

/** Yields a JSON array element by element. */
export function* jsonArray(items: Iterable<unknown>): Generator<string> {
  let separator = '[\n';
  for (const item of items) {
    yield separator + JSON.stringify(item);
    separator = ',\n';
  }
  yield separator === '[\n' ? '[]\n' : '\n]\n';
}

/** Yields a JSON object whose values are arrays, element by element. */
export function* jsonObject(parts: Readonly<Record<string, Iterable<string>>>): Generator<string> {
  let separator = '{\n';
  for (const [key, chunks] of Object.entries(parts)) {
    yield `${separator}${JSON.stringify(key)}: `;
    yield* chunks;
    separator = ',\n';
  }
  yield '}\n';
}
