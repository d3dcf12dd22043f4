// The figures behind the grade of the connection, for a developer.

import type { ClearAudioLook } from "../lib/audio/clearAudio";
import { describe, find } from "./dom";
import { count, milliseconds, share, words } from "./language";

export class QualityView {
  private look: ClearAudioLook | null = null;
  private dropouts = 0;

  constructor() {
    this.draw();
  }

  show(look: ClearAudioLook): void {
    this.look = look;
    this.dropouts += look.dropouts;
    this.draw();
  }

  clear(): void {
    this.look = null;
    this.dropouts = 0;
    this.draw();
  }

  draw(): void {
    const { look } = this;
    const list = find("quality");
    list.hidden = look === null;
    if (look === null) return;
    const known = (value: number | null, write: (value: number) => string) => (value === null ? words().unknown : write(value));
    describe(list, [
      [words().roundTrip, known(look.rtt_ms, milliseconds)],
      [words().jitter, known(look.jitter_ms, milliseconds)],
      [words().buffer, known(look.buffer_ms, milliseconds)],
      [words().loss, known(look.lost_share, share)],
      [words().concealed, known(look.concealed_share, share)],
      [words().dropouts, count(this.dropouts)],
    ]);
  }
}
