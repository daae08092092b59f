import type { Command } from './command.ts';
import { DetailedError, exitCodes, usageError } from './failure.ts';
import { choiceOf, parseFlags } from './flags.ts';
import { isMap, ServerError, text } from './rules/answer.ts';
import { explainRefusal } from './rules/batch.ts';
import { inOrderOf, withoutServerFields } from './rules/changes.ts';
import type { ApiClient } from './rules/client.ts';
import { labelOf, problemCount, problemLine, readDocuments, type SourceDocument, some } from './rules/documents.ts';
import { readSources } from './rules/files.ts';
import { helpText } from './rules/help.ts';
import { discoverKinds, type ServedKind, urlOf } from './rules/kinds.ts';
import { mapConcurrently } from './rules/map-concurrently.ts';
import { kindOf, withNamespaces } from './rules/namespaces.ts';
import { documentText } from './rules/output.ts';
import { openSession } from './rules/session.ts';
import {
  apiFieldValidation,
  fieldValidationFlag,
  fieldValidations,
  filenameFlag,
  namespaceFlag,
  recursiveFlag,
  serverFlags,
} from './rules/shared-flags.ts';
import { unifiedDiff } from './rules/unified.ts';

const flags = [filenameFlag, recursiveFlag, namespaceFlag, fieldValidationFlag, ...serverFlags];

export const diffCommand: Command = {
  name: 'diff',
  summary: 'show what apply would change',
  flags,
  words: [],
  failedExitCode: exitCodes.misused,
  help: helpText({
    usage: ['diff -f FILE [-f FILE …] [flags]'],
    about: `Asks the server what each object would be after "apply", and prints how that differs from what it is, as a unified
diff. The exit code is 0 without differences, 1 with some, and above 1 when something failed.`,
    flags,
    examples: ['diff -f rules.yaml', 'diff -R -f mesh/'],
  }),
  async run(argv, context) {
    const values = parseFlags(argv, flags);
    const validation = choiceOf(values, 'field-validation', fieldValidations) ?? 'strict';
    const names = values.filename ?? [];
    if (names.length === 0) throw usageError('diff needs -f FILE (or -f - for standard input)');
    const files = await readSources({ names, recursive: values.recursive !== undefined, input: context.input });
    const { documents: read, warnings } = readDocuments(files, validation);
    for (const warning of warnings) context.printError(`Warning: ${warning}`);
    const { client, settings } = await openSession(values, context);
    const kinds = await discoverKinds(client);
    const documents = withNamespaces(read, {
      kinds,
      namespace: settings.namespace,
      isAsked: values.namespace !== undefined,
    });
    const problems: string[] = [];
    const diffs = await mapConcurrently(documents, 8, async (document) => {
      try {
        return await diffOf(document, { client, kinds, fieldValidation: apiFieldValidation(validation) });
      } catch (error) {
        if (!(error instanceof ServerError) || error.status >= 500) throw error;
        problems.push(...refusalLines(error, document));
        return '';
      }
    });
    context.print(diffs.join(''));
    if (problems.length > 0) {
      throw new DetailedError(
        'REQUEST_REFUSED',
        `apply would be refused for ${problemCount(problems.length)}`,
        some(problems),
      );
    }
    return diffs.some((diff) => diff !== '') ? exitCodes.failed : exitCodes.done;
  },
};

interface Asking {
  readonly client: ApiClient;
  readonly kinds: readonly ServedKind[];
  readonly fieldValidation: string;
}

async function diffOf(document: SourceDocument, { client, kinds, fieldValidation }: Asking): Promise<string> {
  const { object } = document;
  const kind = kindOf(document, kinds);
  const metadata = isMap(object.metadata) ? object.metadata : {};
  const name = text(metadata.name);
  if (kind === null || name === '') throw withoutUrl(kind === null, object);
  const version = text(object.apiVersion).split('/').at(-1) ?? 'v1';
  const namespace = text(metadata.namespace);
  const path = urlOf(kind, { namespace, name, version });
  const live = await client.send({ path }).catch((error: unknown) => {
    if (error instanceof ServerError && error.status === 404) return null;
    throw error;
  });
  const query = { dryRun: 'All', fieldValidation };
  const after = await client.send(
    live === null
      ? { method: 'POST', path: urlOf(kind, { namespace, name: null, version }), query, body: object }
      : { method: 'PUT', path, query, body: object },
  );
  const label = `${kind.kind} ${[namespace, name].filter(Boolean).join('/')}`;
  return unifiedDiff({
    before: live === null ? '' : await authorsText(live),
    after: await authorsText(inOrderOf(after, live)),
    names: [live === null ? '/dev/null' : `server: ${label}`, labelOf(document)],
  });
}

const authorsText = async (object: unknown): Promise<string> =>
  documentText(isMap(object) ? withoutServerFields(object) : object, 'yaml');

/** Builds the error for a document without a URL. */
function withoutUrl(isUnknown: boolean, { apiVersion, kind }: SourceDocument['object']): ServerError {
  const message = isUnknown
    ? `the server has no ${text(kind)} of ${text(apiVersion)}`
    : 'must be the name of the object';
  return new ServerError(422, {
    message,
    reason: 'Invalid',
    causes: [{ field: isUnknown ? 'kind' : 'metadata.name', message }],
  });
}

function refusalLines(error: ServerError, document: SourceDocument): readonly string[] {
  const explained = explainRefusal(error, [document]);
  return explained instanceof DetailedError
    ? explained.details
    : [problemLine(document, { path: '', message: error.message })];
}
