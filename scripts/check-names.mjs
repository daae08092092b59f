// `node scripts/check-names.mjs`: one name, one meaning (docs/style.md, Words). Prints as file:line each declaration that breaks a rule:
// - a name is exported by one file only;
// - a type that is not exported does not have the name of an exported type;
// - a function or constant that is not exported does not have the name of an exported one of its room.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './static-checks.mjs';

/** Rooms whose names still have to be gone through; the list only shrinks. */
const notYet = [];

/** Declarations at the top level begin in the first column, as biome formats them. */
const declaration = /^(export )?(?:async |abstract )*(function\*?|class|interface|type|const|let) ([A-Za-z_$][\w$]*)/gm;
const exportList = /^export (?:type )?\{([^}]*)\};?$/gm;

const files = globSync('{src,adapters,scripts}/**/*.{ts,mjs}', { cwd: root }).filter(
  (file) => !file.startsWith('src/proto/gen/'),
);
const declarations = files.flatMap(declarationsOf);
const exported = Map.groupBy(
  declarations.filter(({ isExported }) => isExported),
  ({ name }) => name,
);
const found = declarations.flatMap((one) => {
  if (notYet.some((room) => one.file.startsWith(room))) return [];
  const other = exported.get(one.name)?.find((candidate) => isConflict(one, candidate));
  return other === undefined ? [] : [`${one.file}:${one.line}: "${one.name}" is exported by ${other.file}, too\n`];
});
process.stdout.write(found.join(''));
process.exitCode = found.length === 0 ? 0 : 1;

/** One declaration for each name of a file: overloads and a value of a type's name count once. */
function declarationsOf(file) {
  const text = readFileSync(join(root, file), 'utf8');
  const listed = [...text.matchAll(exportList)].flatMap(([, names]) =>
    names.split(',').map((name) =>
      name
        .replace(/.* as /, '')
        .replace(/^\s*type /, '')
        .trim(),
    ),
  );
  const byName = new Map();
  for (const { index, 1: keyword, 2: sort, 3: name } of text.matchAll(declaration)) {
    const isExported = keyword !== undefined || listed.includes(name);
    const isType = ['class', 'interface', 'type'].includes(sort);
    const line = text.slice(0, index).split('\n').length;
    const room = file.split('/').slice(0, 2).join('/');
    const first = byName.get(name);
    byName.set(name, {
      file,
      room,
      name,
      line: first?.line ?? line,
      isExported: isExported || first?.isExported === true,
      isType: isType || first?.isType === true,
    });
  }
  return [...byName.values()];
}

function isConflict(one, other) {
  if (one.file === other.file) return false;
  if (one.isExported) return true;
  return one.isType ? other.isType : !other.isType && one.room === other.room;
}
