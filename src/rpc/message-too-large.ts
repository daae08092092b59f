import { StatusError } from './status.ts';

/** A message over the limit. Told apart from other refusals, as it may be the limit that has to change. */
export class MessageTooLarge extends StatusError {
  constructor(message: string) {
    super('RESOURCE_EXHAUSTED', message);
    this.name = 'MessageTooLarge';
  }
}
