import type { Configuration } from './route-table.ts';
import type { VirtualHost } from './virtual-hosts.ts';

/** Offsets of the records of a large route configuration. */
export interface RouteLayout {
  /** Offset of the record of each virtual host, in order; then the end of the last one. */
  readonly starts: readonly number[];
  readonly sorted: readonly VirtualHost[];
  /** Records and the fields after them, without the end of the frame. */
  readonly chunks: readonly Uint8Array[];
  readonly length: number;
}

const layouts = new WeakMap<object, RouteLayout>();

/** Returns the layout of a configuration's last assembly; null if it is too small for chunks. */
export function layoutOf({ sorted, assembled }: Configuration): RouteLayout | null {
  if (assembled === null || assembled.value.chunks.length === 0) return null;
  const known = layouts.get(assembled.value);
  if (known?.sorted === sorted) return known;
  const starts: number[] = [0];
  let at = 0;
  for (const { record } of sorted) {
    at += record?.value.bytes.length ?? 0;
    starts.push(at);
  }
  const chunks = assembled.value.chunks.map(({ value }) => value);
  const layout = { starts, sorted, chunks, length: chunks.reduce((sum, chunk) => sum + chunk.length, 0) };
  layouts.set(assembled.value, layout);
  return layout;
}

/** Returns the index of the first virtual host whose name is not before this one. */
export function indexOf(sorted: readonly VirtualHost[], name: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle]?.part.plan.name ?? '') < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Replacement of a range of bytes. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array | null;
}

/** Returns the bytes of a layout with sorted edits. Unedited bytes are not copied. */
export function edited({ chunks, length }: RouteLayout, edits: readonly Edit[]): readonly Uint8Array[] {
  const made: Uint8Array[] = [];
  let [chunk, start, at] = [0, 0, 0];
  const copyTo = (to: number) => {
    while (at < to) {
      const bytes = chunks[chunk];
      if (bytes === undefined) return;
      const end = Math.min(to, start + bytes.length);
      if (end > at)
        made.push(at === start && end === start + bytes.length ? bytes : bytes.subarray(at - start, end - start));
      at = end;
      if (end < start + bytes.length) return;
      start += bytes.length;
      chunk++;
    }
  };
  const skipTo = (to: number) => {
    at = Math.max(at, to);
    for (let bytes = chunks[chunk]; bytes !== undefined && start + bytes.length <= at; bytes = chunks[++chunk]) {
      start += bytes.length;
    }
  };
  for (const { from, to, bytes } of edits) {
    copyTo(from);
    skipTo(to);
    if (bytes !== null) made.push(bytes);
  }
  copyTo(length);
  return made;
}
