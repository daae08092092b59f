import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const rooms = readdirSync(join(root, 'src'), { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

describe('the guide at the top of each room', () => {
  for (const room of rooms) {
    const path = join(root, 'src', room, 'README.md');

    it(`src/${room} has five lines: its name, what it owns, what it never knows, where to begin`, () => {
      const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
      expect(lines.map((line) => /^(# [a-z-]+|- \*\*[A-Z][a-z ]+:\*\*|$)/.exec(line)?.[0])).toEqual([
        `# ${room}`,
        '',
        '- **Owns:**',
        '- **Never knows:**',
        '- **Begin with:**',
      ]);
    });

    it(`src/${room} names existing files`, () => {
      const text = readFileSync(path, 'utf8');
      const own = [...text.matchAll(/`([^`]+\.ts)`/g)].map(([, file]) => join(root, 'src', room, file ?? ''));
      const docs = [...text.matchAll(/\bdocs\/[\w./-]+\.md/g)].map(([file]) => join(root, file));
      expect([...own, ...docs].filter((file) => !existsSync(file))).toEqual([]);
      expect(own.length).toBeGreaterThan(0);
    });
  }
});
