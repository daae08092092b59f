import { type XdsType, xdsTypes } from '../../proto/resource.ts';

/**
 * Bits of the types that may have something to send, by their place in `xdsTypes`. Every event that may give a type something
 * to send marks it. The state of an unmarked type is not read. With thousands of streams each read is a cache miss (ADR 9).
 */
export interface Marked {
  marks: number;
}

const everyType = (1 << xdsTypes.length) - 1;

export const markType = (marked: Marked, type: XdsType): void => {
  marked.marks |= 1 << xdsTypes.indexOf(type);
};

export const markAll = (marked: Marked): void => {
  marked.marks = everyType;
};

/** Records that the type at this place has nothing to send. */
export const unmark = (marked: Marked, place: number): void => {
  marked.marks &= ~(1 << place);
};

export const isMarked = (marked: Marked, place: number): boolean => (marked.marks & (1 << place)) !== 0;

export const hasMarks = (marked: Marked): boolean => marked.marks !== 0;
