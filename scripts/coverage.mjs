// Coverage of the sources, a line per room. `npm test` prints it. Unit tests and conversations run in the processes that
// are measured; all other tests start programs, whose lines do not count.
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

/**
 * Formats vitest's `coverage-summary.json` as a table of rooms, with the part of lines and branches that ran, in
 * percent. Returns an empty string when there is no such file.
 */
export function coverageTable(summaryFile, root) {
  if (!existsSync(summaryFile)) return '';
  const { total, ...files } = JSON.parse(readFileSync(summaryFile, 'utf8'));
  const rooms = Map.groupBy(Object.entries(files), ([file]) => roomOf(relative(root, file)));
  const lines = [...rooms]
    .sort(([a], [b]) => a.localeCompare(b, 'en'))
    .map(([room, entries]) => [room, share(entries, 'lines'), share(entries, 'branches')]);
  const all = ['all', percent(total.lines), percent(total.branches)];
  return [['coverage by test/unit and test/conversation', 'lines', 'branches'], ...lines, all].map(lineOf).join('');
}

/** `src/push/status/status.ts` and `adapters/file/mesh.ts` are in the rooms `src/push` and `adapters/file`. */
const roomOf = (file) => file.split('/').slice(0, 2).join('/');

function share(entries, kind) {
  const sum = (field) => entries.reduce((total, [, counts]) => total + counts[kind][field], 0);
  return percent({ covered: sum('covered'), total: sum('total') });
}

const percent = ({ covered, total }) => (total === 0 ? '–' : `${((100 * covered) / total).toFixed(1)} %`);

const lineOf = ([room, lines, branches]) => `${room.padEnd(44)} ${lines.padStart(8)} ${branches.padStart(9)}\n`;
