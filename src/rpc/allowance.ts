/**
 * How much of something a client may do: `burst` at once, and `perSecond` on average. Holds two numbers, so that every
 * connection can have its own.
 */
export class Allowance {
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

  /** Takes one. False: there is none left. */
  take(nowMs: number): boolean {
    const grown = this.#left + (Math.max(0, nowMs - this.#atMs) / 1000) * this.#perSecond;
    this.#atMs = nowMs;
    this.#left = Math.min(this.#burst, grown) - 1;
    if (this.#left >= 0) return true;
    this.#left = 0;
    return false;
  }

  /** Whether it is as if nothing had been taken. */
  isWhole(nowMs: number): boolean {
    return this.#left + (Math.max(0, nowMs - this.#atMs) / 1000) * this.#perSecond >= this.#burst;
  }

  /** Gives back, up to the burst. */
  give(count: number): void {
    this.#left = Math.min(this.#burst, this.#left + count);
  }
}

export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}
