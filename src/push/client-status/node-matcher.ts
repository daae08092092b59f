import { RE2JS } from 're2js';
import type { NodeMatcher } from '#gen/envoy/type/matcher/v3/node_pb.js';
import type { StringMatcher } from '#gen/envoy/type/matcher/v3/string_pb.js';
import { err, ok, type Result } from '../../lib/result.ts';

/** Returns true for a matching node id. */
export type NodeTest = (nodeId: string) => boolean;

/**
 * Reads the matchers of a ClientStatusRequest. A client matches if one of them matches; without matchers, every client
 * does.
 */
export function readNodeMatchers(matchers: readonly NodeMatcher[]): Result<NodeTest, string> {
  if (matchers.length > maxMatchers) return err(`there may be ${maxMatchers} of them`);
  const tests: NodeTest[] = [];
  for (const { nodeId, nodeMetadatas } of matchers) {
    if (nodeMetadatas.length > 0) return err('node_metadatas are not kept here: match by node_id');
    const test = nodeId === undefined ? ok(() => true) : readStringMatcher(nodeId);
    if (!test.ok) return test;
    tests.push(test.value);
  }
  return ok((nodeId) => tests.length === 0 || tests.some((test) => test(nodeId)));
}

/** Limit of matchers: each is applied to every client. */
const maxMatchers = 32;

function readStringMatcher({ matchPattern, ignoreCase }: StringMatcher): Result<NodeTest, string> {
  const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text);
  switch (matchPattern.case) {
    case 'exact':
      return ok((id) => fold(id) === fold(matchPattern.value));
    case 'prefix':
      return ok((id) => fold(id).startsWith(fold(matchPattern.value)));
    case 'suffix':
      return ok((id) => fold(id).endsWith(fold(matchPattern.value)));
    case 'contains':
      return ok((id) => fold(id).includes(fold(matchPattern.value)));
    case 'safeRegex':
      return readRegex(matchPattern.value.regex);
    default:
      return err('node_id needs one of exact, prefix, suffix, contains and safe_regex');
  }
}

/** Reads a regular expression, which must match the whole id. */
function readRegex(regex: string): Result<NodeTest, string> {
  if (regex.length > maxRegexLength) return err(`a regular expression may have ${maxRegexLength} characters`);
  if (regex.length * repetitions(regex) > maxStates) {
    return err('the regular expression repeats too much: use smaller counts in {}');
  }
  try {
    const pattern = RE2JS.compile(regex);
    return ok((id) => pattern.matches(id));
  } catch (error) {
    return err(`no regular expression of RE2: ${error instanceof Error ? error.message : regex}`);
  }
}

const maxRegexLength = 256;

/**
 * Limit of the estimated number of states. Compiling takes some 0.1 ms for a thousand. Matching visits each state for
 * each character.
 */
const maxStates = 8_192;

/** Returns the product of all repetition counts, as if they were nested. */
function repetitions(regex: string): number {
  let product = 1;
  for (const [, least = '', most = ''] of regex.matchAll(/\{(\d*)(?:,(\d*))?\}/g)) {
    product *= Math.max(1, Number(least), Number(most));
  }
  return product;
}
