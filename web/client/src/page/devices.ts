// The choice of microphone and speaker.

import type { SoundDevice } from "../lib/audio/devices";
import type { CallFailure } from "../lib/failure";
import { element, find, setText } from "./dom";
import { failureInWords } from "./failures";
import { count, words } from "./language";

export interface Choice {
  devices: readonly SoundDevice[];
  /** Empty is the system's default. */
  chosen: string;
}

export class DevicesView {
  private microphones: Choice = { devices: [], chosen: "" };
  /** null where the browser plays to the system's default only. */
  private speakers: Choice | null = { devices: [], chosen: "" };

  constructor(actions: { microphone(id: string): void; speaker(id: string): void }) {
    const [microphone, speaker] = [find<HTMLSelectElement>("microphone"), find<HTMLSelectElement>("speaker")];
    microphone.addEventListener("change", () => actions.microphone(microphone.value));
    speaker.addEventListener("change", () => actions.speaker(speaker.value));
  }

  show(microphones: Choice, speakers: Choice | null): void {
    this.microphones = microphones;
    this.speakers = speakers;
    setText("device-refused", "");
    this.draw();
  }

  refused(failure: CallFailure): void {
    setText("device-refused", failureInWords(failure).title);
    this.draw();
  }

  draw(): void {
    fill(find<HTMLSelectElement>("microphone"), this.microphones);
    find("speaker-field").hidden = this.speakers === null;
    find("speaker-fixed").hidden = this.speakers !== null;
    if (this.speakers !== null) fill(find<HTMLSelectElement>("speaker"), this.speakers);
  }
}

function fill(select: HTMLSelectElement, { devices, chosen }: Choice): void {
  // Chromium lists its own "default" beside the devices: the page has an entry of its own for it.
  const named = devices.filter(({ id }) => id !== "default");
  const options = [{ id: "", label: words().systemDefault }, ...named].map(({ id, label }, n) => {
    const option = element("option", "", label === "" ? words().unnamedDevice(count(n)) : label);
    option.value = id;
    option.dir = "auto";
    return option;
  });
  select.replaceChildren(...options);
  select.value = named.some(({ id }) => id === chosen) ? chosen : "";
}
