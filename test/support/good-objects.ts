import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

/** An object as its author wrote it. */
export interface GoodObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

const folder = join(import.meta.dirname, '../unit/rules/kinds/good');

/** Valid objects of the networking kinds that use most of their fields. */
export const goodObjects: readonly GoodObject[] = readdirSync(folder).flatMap((file) =>
  parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => {
    if (document.errors[0] !== undefined) throw new Error(`${file} is no YAML`, { cause: document.errors[0] });
    return document.toJS() as GoodObject; // the test data has this shape
  }),
);
