import { type ParsedFile, parseFile } from '../../adapters/file/documents.ts';
import { createMesh, listing } from '../../adapters/file/mesh.ts';
import { createFeed, type Feed } from '../../src/push/feed.ts';
import { ruleBook } from '../../src/rules/book/rule-book.ts';
import { ruleKinds } from '../../src/rules/kinds/index.ts';
import { defaultMeshConfig } from '../../src/rules/mesh-config.ts';
import { createServiceEntryIndex } from '../../src/rules/service-entries/index.ts';
import { domainSuffix } from './compiled-mesh.ts';
import { testRegistry } from './registry.ts';

/** The way from the files of a mesh directory to changes for a compiler, without the disk. */
export interface FileInputs {
  readonly feed: Feed;
  /** Replaces all objects, one file each. Equal objects are not changed. Throws if an object is wrong. */
  put(objects: readonly object[]): Promise<void>;
  close(): Promise<void>;
}

export function createFileInputs(): FileInputs {
  const { registry } = testRegistry();
  const book = ruleBook({ kinds: ruleKinds, mesh: defaultMeshConfig });
  const feed = createFeed({
    registry,
    book,
    serviceEntries: createServiceEntryIndex(),
    serviceEntryShard: registry.shard('service-entries', 'service-entry', { required: false, savesSnapshot: false }),
  });
  feed.start(() => {});
  const shard = registry.shard('mesh', 'file');
  const mesh = createMesh(domainSuffix);
  /** Parsed files by their text. */
  const parsed = new Map<string, ParsedFile>();
  let isFirst = true;
  return {
    feed,
    async put(objects) {
      const files = new Map<string, { readonly parsed: ParsedFile }>();
      for (const [index, object] of objects.entries()) {
        const text = JSON.stringify(object);
        const known = parsed.get(text) ?? (await parseFile('object.json', text));
        parsed.set(text, known);
        files.set(`${index}.json`, { parsed: known });
      }
      const { changes, mistakes } = mesh.update(files);
      if (isFirst) shard.replace(listing(changes));
      else shard.apply(changes);
      isFirst = false;
      const problems = [
        ...mistakes.map(({ message }) => message),
        ...book
          .reports()
          .flatMap(({ id, problems }) => problems.map(({ path, message }) => `${id}: ${path} ${message}`)),
      ];
      if (problems.length > 0) throw new Error(`wrong objects: ${problems.join('; ')}`);
    },
    async close() {
      feed.stop();
      await registry.close();
    },
  };
}
