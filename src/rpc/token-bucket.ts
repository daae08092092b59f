/**
 * Token bucket: allows `burst` events at once and `perSecond` on average. Holds two numbers, so every connection can
 * have several.
 */
export class TokenBucket {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #atMs: number;

  constructor({ burst, perSecond }: Rate, nowMs: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
    this.#atMs = nowMs;
  }

  /** Takes a token. Returns false when there is none. */
  take(nowMs: number): boolean {
    const grown = this.#left + (Math.max(0, nowMs - this.#atMs) / 1000) * this.#perSecond;
    this.#atMs = nowMs;
    this.#left = Math.min(this.#burst, grown) - 1;
    if (this.#left >= 0) return true;
    this.#left = 0;
    return false;
  }

  /** Returns whether the bucket is full. */
  isFull(nowMs: number): boolean {
    return this.#left + (Math.max(0, nowMs - this.#atMs) / 1000) * this.#perSecond >= this.#burst;
  }

  /** Returns tokens, up to the burst. */
  add(count: number): void {
    this.#left = Math.min(this.#burst, this.#left + count);
  }
}

export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}
