// Each message once and in order, over connections that lose some: numbers, acknowledgements, and sending again. No
// clock and no socket in here. The service's end is rooms/channel/sequence.py.

import type { Body } from "./frames";

/** So many messages may be under way; a receiver holds as many that came too early. */
export const WINDOW = 64;
const LONGEST_RESEND_MS = 8000;

export interface Parcel {
  readonly body: Body;
  /** 0 until it is sent for the first time. */
  seq: number;
  sentAtMs: number | null;
  times: number;
  sent(): void;
  acknowledged(): void;
  refused(error: Error): void;
}

export class Outbox {
  private readonly waiting: Parcel[] = [];
  private readonly underWay: Parcel[] = [];
  private lastSeq = 0;

  constructor(
    private readonly mostWaiting: number,
    private readonly resendMs: number,
  ) {}

  get size(): number {
    return this.waiting.length + this.underWay.length;
  }

  /** Returns the parcel that has waited longest and has to go for this one. */
  put(parcel: Parcel): Parcel | null {
    this.waiting.push(parcel);
    return this.waiting.length > this.mostWaiting ? (this.waiting.shift() ?? null) : null;
  }

  /** False for a parcel that is under way: it may have arrived. */
  withdraw(parcel: Parcel): boolean {
    const place = this.waiting.indexOf(parcel);
    if (place >= 0) this.waiting.splice(place, 1);
    return place >= 0;
  }

  /** What is to be sent now, and is taken for sent. */
  takeDue(nowMs: number): Parcel[] {
    const fresh = this.waiting.splice(0, WINDOW - this.underWay.length);
    for (const parcel of fresh) {
      this.lastSeq += 1;
      parcel.seq = this.lastSeq;
      this.underWay.push(parcel);
    }
    const due = this.underWay.filter((parcel) => this.dueMs(parcel) <= nowMs);
    for (const parcel of due) {
      parcel.sentAtMs = nowMs;
      parcel.times += 1;
    }
    return due;
  }

  /** When `takeDue` has something again, unless there are news; Infinity: never. */
  nextDueMs(): number {
    return this.underWay.reduce((earliest, parcel) => Math.min(earliest, this.dueMs(parcel)), Infinity);
  }

  /** All up to `ack` have arrived: they are returned. Null for a number that was never given. */
  acknowledged(ack: number): Parcel[] | null {
    if (ack > this.lastSeq) return null;
    const arrived = this.underWay.findIndex((parcel) => parcel.seq > ack);
    return this.underWay.splice(0, arrived < 0 ? this.underWay.length : arrived);
  }

  /** What is under way may have been lost with the connection: it is due at once. */
  reconnected(): void {
    for (const parcel of this.underWay) {
      parcel.sentAtMs = null;
      parcel.times = 0;
    }
  }

  /** Empties it. */
  takeAll(): Parcel[] {
    return [...this.underWay.splice(0), ...this.waiting.splice(0)];
  }

  private dueMs({ sentAtMs, times }: Parcel): number {
    if (sentAtMs === null) return 0;
    return sentAtMs + Math.min(this.resendMs * 2 ** (times - 1), Math.max(LONGEST_RESEND_MS, this.resendMs));
  }
}

export class Inbox {
  received = 0;
  private readonly early = new Map<number, Body>();

  /** The messages that can be read now. What came before, or comes far too early, is dropped. */
  take(seq: number, body: Body): Body[] {
    if (seq <= this.received || seq > this.received + WINDOW) return [];
    this.early.set(seq, body);
    const ready: Body[] = [];
    for (let next = this.early.get(this.received + 1); next !== undefined; next = this.early.get(this.received + 1)) {
      this.received += 1;
      this.early.delete(this.received);
      ready.push(next);
    }
    return ready;
  }
}
