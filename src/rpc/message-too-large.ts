import { RpcError } from './status.ts';

/** Error for a message over the limit. A separate class, as an operator may have to raise the limit. */
export class MessageTooLarge extends RpcError {
  constructor(message: string) {
    super('RESOURCE_EXHAUSTED', message);
    this.name = 'MessageTooLarge';
  }
}
