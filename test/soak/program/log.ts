/** Log lines that a soak causes: clients that reject, unknown names, half-open connections. */
const expected = [
  'resource rejected by proxy',
  'resources rejected by proxy',
  'response rejected by proxy',
  'listener not bound by proxy',
  'response not answered by proxy',
  'nothing to serve by these names',
  'another node id on the same stream ignored',
];

/** Node's messages about the inspector. */
const ofTheInspector =
  /^(Debugger (listening|attached|ending)|For help, see: https:\/\/nodejs|\(node:\d+\) ExperimentalWarning: v8\.queryObjects|\(Use `node --trace-warnings)/;

/**
 * Returns unexpected lines of standard error: errors, warnings that a soak does not cause, and text that is not a log
 * line.
 */
export function unexpectedLines(stderr: string): readonly string[] {
  return stderr.split('\n').filter((line) => line !== '' && !ofTheInspector.test(line) && !isExpected(line));
}

function isExpected(line: string): boolean {
  try {
    const { level, message } = JSON.parse(line);
    return level !== 'error' && expected.includes(message);
  } catch {
    return false; // a stack trace, a warning of Node
  }
}
