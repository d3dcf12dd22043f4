// The levels of both sides, how good the connection is, and what is wrong with the microphone's sound.

import type { AudioFault, AudioGrade } from "../lib/audio/audioGrade";
import { sayAloud } from "./aloud";
import { find, setText } from "./dom";
import { words } from "./language";

export type Side = "caller" | "agent";

/** The peak stays for as long before it falls. */
const PEAK_HELD_MS = 900;
const BARS: Record<AudioGrade, number> = { good: 3, fair: 2, poor: 1 };

export class Meters {
  private readonly gauges: Record<Side, Gauge> = {
    caller: new Gauge(find("level-caller")),
    agent: new Gauge(find("level-agent")),
  };
  private grade: AudioGrade | null = null;
  private fault: AudioFault | null = null;
  private silent = false;
  private clipping = false;
  private muted = false;

  level(side: Side, level: number, peak: number): void {
    this.gauges[side].show(level, peak);
  }

  /** `share` of the samples that were cut off, 0 to 1. */
  setClipping(share: number): void {
    this.clipping = share > 0;
    this.draw();
  }

  setSilent(silent: boolean): void {
    this.silent = silent;
    if (silent) sayAloud(words().micSilent);
    this.draw();
  }

  setMuted(muted: boolean): void {
    this.muted = muted;
    this.draw();
  }

  setGrade(grade: AudioGrade, fault: AudioFault | null): void {
    // Only a bad one is worth hearing: the good ones are heard by themselves.
    if (grade === "poor" && fault !== null && this.grade !== "poor") sayAloud(words().faults[fault]);
    this.grade = grade;
    this.fault = fault;
    this.draw();
  }

  clear(): void {
    for (const gauge of Object.values(this.gauges)) gauge.clear();
    this.grade = null;
    this.silent = this.clipping = this.muted = false;
    this.draw();
  }

  draw(): void {
    const { grade } = this;
    find("connection").hidden = grade === null;
    if (grade !== null) {
      find("grade").textContent = words()[grade];
      find("connection").dataset.grade = grade;
      for (const [n, bar] of document.querySelectorAll("#connection .bars i").entries()) {
        bar.className = n < BARS[grade] ? "lit" : "";
      }
    }
    find("level-caller").classList.toggle("clipping", this.clipping && !this.muted);
    find("level-caller").classList.toggle("muted", this.muted);
    setText("hint", this.hint());
  }

  private hint(): string {
    if (this.muted) return words().youAreMuted;
    if (this.silent) return words().micSilent;
    if (this.clipping) return words().micClipping;
    return this.grade === "poor" && this.fault !== null ? words().faults[this.fault] : "";
  }
}

/** One bar with the mark of its newest peak. */
class Gauge {
  private peak = 0;
  private peakAtMs = 0;

  constructor(private readonly place: HTMLElement) {}

  show(level: number, peak: number): void {
    const now = performance.now();
    if (peak >= this.peak || now - this.peakAtMs > PEAK_HELD_MS) {
      this.peak = peak;
      this.peakAtMs = now;
    }
    this.place.style.setProperty("--level", level.toFixed(3));
    this.place.style.setProperty("--peak", this.peak.toFixed(3));
  }

  clear(): void {
    this.peak = 0;
    this.show(0, 0);
  }
}
