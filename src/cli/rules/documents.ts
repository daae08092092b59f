import { type Document, LineCounter, parseAllDocuments, type YAMLError } from 'yaml';
import { DetailedError } from '../failure.ts';
import { isMap } from './answer.ts';
import { fieldOffset } from './field-position.ts';
import type { SourceText } from './files.ts';
import { plainText } from './output.ts';

/** Object of a file. */
export interface SourceDocument {
  readonly object: Readonly<Record<string, unknown>>;
  /** Position: `rules.yaml: document 2`. */
  readonly where: string;
  /** Returns the line of a field, from 1, or of the parent that lacks it; null if unknown. */
  lineOf(path: string): number | null;
}

export interface ReadDocuments {
  readonly documents: readonly SourceDocument[];
  /** Warnings about duplicate keys. */
  readonly warnings: readonly string[];
}

/**
 * Parses YAML and JSON; the items of a `List` become separate documents. Throws DOCUMENT_INVALID with a line for each
 * mistake in any of the texts.
 */
export function readDocuments(
  sources: readonly SourceText[],
  duplicateKeys: 'strict' | 'warn' | 'ignore' = 'strict',
): ReadDocuments {
  const problems: string[] = [];
  const warnings: string[] = [];
  const documents: SourceDocument[] = [];
  for (const source of sources) {
    const lines = new LineCounter();
    for (const [index, document] of parse(source, lines).entries()) {
      const where = `${plainText(source.name)}: document ${index + 1}`;
      const [twice, wrong] = splitErrors(document.errors);
      const say = (error: YAMLError) => `${where}${placeOf(error, lines)}: ${firstLine(error.message)}`;
      if (duplicateKeys === 'warn') warnings.push(...twice.map(say));
      const errors = duplicateKeys === 'strict' ? document.errors : wrong;
      problems.push(...errors.map(say));
      if (errors.length > 0) continue;
      const found = objectsOf(document, where, lines);
      documents.push(...found.documents);
      problems.push(...found.problems);
    }
  }
  if (problems.length > 0)
    throw new DetailedError('DOCUMENT_INVALID', `${problemCount(problems.length)}; nothing was sent`, some(problems));
  return { documents, warnings };
}

/** Formats the label of a document: `rules.yaml: document 2 (VirtualService default/reviews)`. */
export const labelOf = ({ where, object }: Pick<SourceDocument, 'where' | 'object'>): string =>
  `${where}${nameOf(object)}`;

/** Formats a problem: `<label>, line 14: <path>: <message>`. */
export function problemLine(document: SourceDocument, { path, message }: { path: string; message: string }): string {
  const line = document.lineOf(path);
  const place = line === null ? '' : `, line ${line}`;
  return `${labelOf(document)}${place}: ${path === '' ? '' : `${path}: `}${message}`;
}

/** Formats a problemCount: `1 problem`, `3 problems`. */
export const problemCount = (problems: number): string => `${problems} problem${problems === 1 ? '' : 's'}`;

/** Shortens a list to as many lines as a person may read. */
export function some(lines: readonly string[]): readonly string[] {
  const most = 100;
  return lines.length <= most ? lines : [...lines.slice(0, most), `… and ${lines.length - most} more`];
}

function parse({ text }: SourceText, lineCounter: LineCounter): readonly Document[] {
  const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false });
  return Array.isArray(documents) ? documents : []; // an empty text has no documents
}

function splitErrors(
  errors: readonly YAMLError[],
): readonly [twice: readonly YAMLError[], other: readonly YAMLError[]] {
  const isTwice = ({ code }: YAMLError) => code === 'DUPLICATE_KEY';
  return [errors.filter(isTwice), errors.filter((error) => !isTwice(error))];
}

function placeOf({ pos }: YAMLError, lines: LineCounter): string {
  const { line, col } = lines.linePos(pos[0]);
  return `, line ${line}, column ${col}`;
}

interface DocumentObjects {
  readonly documents: readonly SourceDocument[];
  readonly problems: readonly string[];
}

/** Returns the object of a document, or the objects of its list. */
function objectsOf(document: Document, where: string, lines: LineCounter): DocumentObjects {
  const lineOf = (path: string): number | null => {
    const offset = fieldOffset(document, path);
    return offset === null ? null : lines.linePos(offset).line;
  };
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 100 }) ?? null;
  } catch (error) {
    return {
      documents: [],
      problems: [`${where}: ${firstLine(error instanceof Error ? error.message : String(error))}`],
    };
  }
  if (content === null) return { documents: [], problems: [] };
  const items = listItems(content);
  if (items === null) return sourceDocument(content, where, lineOf);
  const found = items.map((item, index) => {
    const below = (path: string) => lineOf(path === '' ? `items[${index}]` : `items[${index}].${path}`);
    return sourceDocument(item, `${where}, item ${index + 1}`, below);
  });
  return {
    documents: found.flatMap(({ documents }) => documents),
    problems: found.flatMap(({ problems }) => problems),
  };
}

/** Returns the items of a `List` or a `VirtualServiceList`; null for any other object. */
function listItems(content: unknown): readonly unknown[] | null {
  if (!isMap(content) || typeof content.kind !== 'string' || !content.kind.endsWith('List')) return null;
  return Array.isArray(content.items) ? content.items : null;
}

function sourceDocument(object: unknown, where: string, lineOf: SourceDocument['lineOf']): DocumentObjects {
  if (isMap(object)) return { documents: [{ object, where, lineOf }], problems: [] };
  return { documents: [], problems: [`${where}: must be an object with apiVersion, kind and metadata`] };
}

function nameOf({ kind, metadata }: Record<string, unknown>): string {
  const { namespace, name } = isMap(metadata) ? metadata : {};
  const id = [namespace, name].filter((part) => typeof part === 'string' && part !== '').join('/');
  return typeof kind === 'string' ? ` (${plainText(`${kind} ${id}`).trim()})` : '';
}

const firstLine = (text: string): string => plainText(text.split('\n', 1)[0] ?? '');
