/** Lines of the log that a soak brings about: clients that reject, names that nobody has, connections that are half open. */
const expected = [
  'resource rejected by proxy',
  'resources rejected by proxy',
  'response rejected by proxy',
  'listener not bound by proxy',
  'response not answered by proxy',
  'nothing to serve by these names',
  'another node id on the same stream ignored',
];

/** What Node says of being watched. */
const ofTheInspector =
  /^(Debugger (listening|attached|ending)|For help, see: https:\/\/nodejs|\(node:\d+\) ExperimentalWarning: v8\.queryObjects|\(Use `node --trace-warnings)/;

/** Lines on standard error that should not be there: errors, warnings that nobody expects, and what is no log at all. */
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
