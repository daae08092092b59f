// `node scripts/check-comments.mjs`: doc comments begin with a noun or a verb (docs/style.md, Words). Prints each that begins with
// "What", "Who", "Where" or one of their like, as file:line.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './static-checks.mjs';

const openings = /\/\*\*[\s*]*(What|Whatever|Which|Whichever|Who|Whoever|Whom|Whose|Where|Wherever)\b/g;

/** Folders whose comments still have to be gone through; the list only shrinks. */
const notYet = [];

const files = globSync('{src,adapters,test,scripts,bin}/**/*.{ts,mjs}', { cwd: root }).filter(
  (file) => !file.startsWith('src/proto/gen/') && !notYet.some((folder) => file.startsWith(folder)),
);
const found = files.flatMap((file) => {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(openings)].map((match) => {
    const line = text.slice(0, match.index).split('\n').length;
    return `${file}:${line}: a doc comment begins with "${match[1]}": name its subject\n`;
  });
});
process.stdout.write(found.join(''));
process.exitCode = found.length === 0 ? 0 : 1;
