/* Regular expressions for a unit test of this project's RE2 checks, and for an interop test with a real Envoy. */

/** Expressions that Envoy accepts, with the number of instructions that it counts. */
export const goodExpressions: Readonly<Record<string, number>> = {
  a: 5,
  abc: 7,
  'a|bc': 7,
  '[a-f0-9-]{36}': 112,
  '\\w': 7,
  '\\W': 9,
  '.*': 6,
  '(a)(b)': 10,
  '(?:ab)*': 6,
  '(foo|bar|baz)': 13,
  '(?i)[a-z]': 5,
  '(?i:a)b': 6,
  'a{3,5}': 11,
  '(ab){2,4}': 22,
  '[^/]+': 7,
  é: 6,
  日本: 10,
  '[é]': 6,
  '\\pL': 11,
  '\\x{ff}': 5,
  '\\377': 5,
  '\\Q\\x{100}\\E': 11,
  '\\\\x{3}': 8,
  '(a?){50}': 204,
  '(?:a?){50}': 104,
  '(.?){30}': 154,
  '(a*b*){50}': 254,
  '[A-Za-z0-9+/=]{16}': 68,
  '.{1,200}': 603,
  '(jason|john|anna|peter|mary|bob|alice|zoe)': 38,
  '([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}': 383,
  '(?:(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\\.){3}(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)': 47,
  'https?://([a-z]+\\.)?example\\.(com|org|net)(/.*)?': 44,
  '/api/v[0-9]+/(users|orders|products|payments)/[a-f0-9-]{36}': 150,
};

/**
 * Expressions that Envoy accepts, with rough estimates. They are too high for a text after `^`, which RE2 compares
 * separately.
 */
export const roughExpressions: Readonly<Record<string, number>> = {
  '^a': 4,
  a$: 5,
  '^/static/.*$': 6,
  '(x+x+)+y': 11,
  '[\\s\\S]*': 6,
  '\\p{Greek}': 1,
};

/** Expressions that Envoy rejects, with a part of the message for the author. */
export const badExpressions: Readonly<Record<string, string>> = {
  '(': 'missing closing )',
  'a(?!b)': 'no regular expression of RE2',
  'a{1001}': 'invalid repeat count',
  '\\x{100}': '\\x{100} is no byte',
  '[^\\x{100}-\\x{200}]': '\\x{100} is no byte',
  '\\x{10ffff}': '\\x{10ffff} is no byte',
  '\\400': '\\400 is no byte',
  '[\\777]': '\\777 is no byte',
  '\\p{Emoji}': '\\p{Emoji} is not known to Envoy',
  '[^\\P{Alphabetic}]': '\\P{Alphabetic} is not known to Envoy',
  '\\p{^Cn}': '\\p{^Cn} is not known to Envoy',
};

/** An expression above the limit of every generated bootstrap. */
export const hugeExpression = '[a-z]{1000}'.repeat(33);
