import { parseDocument } from 'yaml';
import { err, ok, type Result } from '../../src/lib/result.ts';
import { startSlices } from '../../src/lib/slices.ts';
import { type KubernetesObject, readKubernetesObject } from '../kubernetes/translate-object.ts';

/** Size limit, because parsing a larger document would block the event loop. */
export const maxDocumentBytes = 1_048_576;
/** Maximum number of alias expansions, against "billion laughs" attacks. */
const maxAliases = 100;

/** Readable contents of a file. */
export interface ParsedFile {
  readonly objects: readonly KubernetesObject[];
  /** Mistakes, by position. */
  readonly mistakes: readonly Mistake[];
  /** True if part of the text is not YAML or JSON: it may be half-written. */
  readonly isBroken: boolean;
}

/** Reason why a part of a file was rejected, for its author. */
export interface Mistake {
  /** Position: `routes.yaml#2` (file and document), or `routes.yaml` for the whole file. */
  readonly origin: string;
  readonly message: string;
}

/** Text of a document and its position. */
interface DocumentText {
  readonly text: string;
  /** Number of lines before it in the file. */
  readonly linesBefore: number;
}

/** Parses all documents of a file and yields to other work between them. `name` is the path to show. */
export async function parseFile(name: string, text: string): Promise<ParsedFile> {
  const objects: KubernetesObject[] = [];
  const mistakes: Mistake[] = [];
  let isBroken = false;
  const slices = startSlices();
  for (const [index, document] of documentsOf(name, text).entries()) {
    const origin = `${name}#${index + 1}`;
    const value = parseText(name, document);
    if (value.ok) {
      for (const item of itemsOf(value.value)) {
        const object = readKubernetesObject(item, origin);
        if (object.ok) objects.push(object.value);
        else mistakes.push({ origin, message: object.error });
      }
    } else {
      isBroken ||= value.error.isBroken;
      mistakes.push({ origin, message: value.error.message });
    }
    if (slices.isOver) await slices.next();
  }
  return { objects, mistakes, isBroken };
}

/** Splits documents. `---` at the start of a line always ends one, even in a block scalar (YAML 1.2, 9.1.2). */
function documentsOf(name: string, text: string): readonly DocumentText[] {
  if (name.endsWith('.json')) return text.trim() === '' ? [] : [{ text, linesBefore: 0 }];
  const documents: DocumentText[] = [];
  let line = 0;
  for (const part of text.replace(/^\uFEFF/, '').split(/^---(?=\s|$)/m)) {
    if (!/^\s*(#.*\s*|%.*\s*)*$/.test(part.slice(0, 65_536))) documents.push({ text: part, linesBefore: line });
    line += part.split('\n').length - 1;
  }
  return documents;
}

function parseText(
  name: string,
  { text, linesBefore }: DocumentText,
): Result<unknown, { message: string; isBroken: boolean }> {
  if (Buffer.byteLength(text) > maxDocumentBytes) {
    return err({ message: 'the document is larger than 1 MiB; split it into several', isBroken: false });
  }
  try {
    return ok(name.endsWith('.json') ? JSON.parse(text) : parseYaml(text, linesBefore));
  } catch (cause) {
    if (cause instanceof SyntaxError) return err({ message: `${cause.message}; correct the file`, isBroken: true });
    if (cause instanceof ReferenceError)
      return err({ message: `${cause.message}; write the values out`, isBroken: false });
    throw cause;
  }
}

/**
 * Parses YAML. Throws a SyntaxError with the line in the file, or the library's ReferenceError for too many aliases.
 */
function parseYaml(text: string, linesBefore: number): unknown {
  const document = parseDocument(text, { prettyErrors: true, merge: true });
  const [mistake] = document.errors;
  if (mistake !== undefined) {
    const line = linesBefore + (mistake.linePos?.[0].line ?? 1);
    throw new SyntaxError(`line ${line}: ${mistake.message.split(/ at line \d|\n/)[0]}`);
  }
  return document.toJS({ maxAliasCount: maxAliases });
}

/** Returns the objects of a `List` (output of `kubectl get -o yaml`), or the document itself. */
function itemsOf(value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  const isList = typeof value === 'object' && 'kind' in value && value.kind === 'List' && 'items' in value;
  return isList && Array.isArray(value.items) ? value.items : [value];
}
