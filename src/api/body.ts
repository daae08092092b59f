import { parseAllDocuments } from 'yaml';
import { ApiError, failure } from './status.ts';

export const yamlTypes = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml'];

/** Parses a JSON body. Throws a 400 that names the position of the mistake. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed(`the body is not JSON: ${(cause as Error).message}`); // JSON.parse throws only SyntaxError
  }
}

/** Parses a YAML body of one document. Throws a 400 that names the line of the mistake. */
export function parseYaml(text: string): unknown {
  const documents = parseAllDocuments(text);
  const [document] = documents;
  if (!Array.isArray(documents) || document === undefined) return null;
  if (documents.length > 1) throw malformed('the body has several YAML documents: send one object per request');
  const [error] = document.errors;
  if (error !== undefined) throw malformed(`the body is not YAML: ${firstLine(error.message)}`);
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw malformed(`the body is not usable YAML: ${(cause as Error).message}`); // yaml throws only errors
  }
}

const malformed = (message: string): ApiError => new ApiError(failure('BadRequest', message));

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? text;
