// What was asked of the browser for the microphone's sound, and what it really gave.

import type { GrantedSound } from "../lib/audio/microphone";
import type { MicrophoneSound } from "../lib/audio/roomSound";
import { element, find } from "./dom";
import { count, hertz, milliseconds, words } from "./language";

export class SoundView {
  private asked: MicrophoneSound | null = null;
  private given: GrantedSound | null = null;

  constructor() {
    this.draw();
  }

  show(asked: MicrophoneSound, given: GrantedSound): void {
    this.asked = asked;
    this.given = given;
    this.draw();
  }

  draw(): void {
    const { asked, given } = this;
    const told = asked !== null && given !== null;
    find("sound").hidden = !told;
    find("sound-note").textContent = told ? words().soundNote : words().noCallYet;
    if (!told) return;
    const known = <Value>(value: Value | null, write: (value: Value) => string) =>
      value === null ? words().unknown : write(value);
    const flag = (value: boolean | null) => known(value, (on) => (on ? words().on : words().off));
    find("sound-rows").replaceChildren(
      row(words().echoCancellation, flag(asked.echoCancellation), flag(given.echo_cancellation)),
      row(words().noiseSuppression, flag(asked.noiseSuppression), flag(given.noise_suppression)),
      row(words().autoGainControl, flag(asked.autoGainControl), flag(given.auto_gain_control)),
      row(words().sampleRate, hertz(48_000), known(given.sample_rate_hz, hertz)),
      row(words().channels, count(1), known(given.channel_count, count)),
      row(words().latency, milliseconds(10), known(given.latency_ms, milliseconds)),
    );
  }
}

/** A row whose values differ is marked: it is what a developer looks for. */
function row(name: string, asked: string, given: string): HTMLElement {
  const made = element("tr", asked === given ? "" : "differs");
  const heading = element("th", "", name);
  heading.scope = "row";
  made.append(heading, element("td", "", asked), element("td", "", given));
  return made;
}
