// Quantiles of the newest numbers, in bounded memory.

export class Recent {
  /** How many there ever were. */
  count = 0;
  private readonly numbers: Float64Array;

  constructor(most = 512) {
    this.numbers = new Float64Array(most);
  }

  add(value: number): void {
    this.numbers[this.count % this.numbers.length] = value;
    this.count += 1;
  }

  get last(): number | null {
    return this.count === 0 ? null : (this.numbers[(this.count - 1) % this.numbers.length] as number);
  }

  /** The smallest number that at least this share (0 to 1) of them does not exceed; null if there is none. */
  quantile(share: number): number | null {
    const sorted = this.numbers.slice(0, this.count).sort();
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
  }
}
