import type { StoredObject } from '../../../rules/store.ts';
import type { ApiStatus } from '../../status.ts';
import type { Presentation } from '../answers/list-answer.ts';
import type { AnswerForm } from '../answers/negotiate.ts';
import { tableHead, tableRow } from '../answers/table.ts';

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** Object and cause of an event. */
export interface EventSubject {
  readonly object: StoredObject;
  /** Version or status sequence. Together with the kind it identifies the event in the cache of texts. */
  readonly cause: string;
}

/** Writes the events of one watch: `{type, object}`, one per line. */
export interface EventWriter {
  change(type: EventType, subject: EventSubject): string;
  /** Writes a bookmark, which carries only a version; `initialEnd` marks the end of the initial objects. */
  bookmark(resourceVersion: string, initialEnd: boolean): string;
  error(status: ApiStatus): string;
}

export interface EventWriterOptions {
  readonly as: Presentation;
  readonly form: AnswerForm;
  readonly texts: EventTexts;
}

export function eventWriter({ as, form, texts }: EventWriterOptions): EventWriter {
  const { kind, apiVersion, now } = as;
  const formName = form.type === 'json' ? apiVersion : `${apiVersion} ${form.includeObject}`;
  // Clients keep the columns of the first event. Like Kubernetes, later events omit them.
  let columns = form.type === 'table' ? JSON.stringify(tableHead(kind, {}).columnDefinitions) : 'null';

  const table = (metadata: object, rows: string): string => {
    const text = `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":${JSON.stringify(metadata)},"columnDefinitions":${columns},"rows":[${rows}]}`;
    columns = 'null';
    return text;
  };

  return {
    change(type, { object, cause }) {
      const shown = () => (type === 'DELETED' ? withoutStatus(as, object) : as.show(object));
      const { namespace, name, resourceVersion } = object.metadata;
      const key = [formName, kind.kind, namespace, name, cause, type === 'DELETED'].join(' ');
      if (form.type === 'json')
        return line(
          type,
          texts.get(key, () => JSON.stringify(shown())),
        );
      const nowMs = now();
      const { includeObject } = form;
      const row = texts.get(`${key} ${Math.floor(nowMs / 1_000)}`, () =>
        JSON.stringify(tableRow(kind, shown(), { includeObject, nowMs })),
      );
      return line(type, table({ resourceVersion }, row));
    },
    bookmark(resourceVersion, initialEnd) {
      if (form.type === 'table') return line('BOOKMARK', table({ resourceVersion }, ''));
      const annotations = initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
      const metadata = { ...annotations, creationTimestamp: null, resourceVersion };
      return line('BOOKMARK', JSON.stringify({ kind: kind.kind, apiVersion, metadata }));
    },
    error: (status) => line('ERROR', JSON.stringify(status)),
  };
}

/** Shows a deleted object, whose status is no longer known. */
function withoutStatus(as: Presentation, object: StoredObject) {
  const { status: _, ...rest } = as.show(object);
  return rest;
}

const line = (type: string, object: string): string => `{"type":"${type}","object":${object}}\n`;

/** Bounded cache of event texts that several watches send. The oldest text is evicted first. */
export interface EventTexts {
  get(key: string, make: () => string): string;
}

export function eventTexts(maxLength = 4 * 1024 * 1024): EventTexts {
  const texts = new Map<string, string>();
  let length = 0;
  return {
    get(key, make) {
      const known = texts.get(key);
      if (known !== undefined) return known;
      const text = make();
      texts.set(key, text);
      length += text.length;
      for (const [oldKey, old] of texts) {
        if (length <= maxLength) break;
        texts.delete(oldKey);
        length -= old.length;
      }
      return text;
    },
  };
}
