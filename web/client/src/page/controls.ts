// Talk and Hang up, mute, and their keys.

import { sayAloud } from "./aloud";
import { find } from "./dom";
import { words } from "./language";
import { type Shown, underWay } from "./model";

export interface ControlActions {
  /** `atMs`: of the click, on the clock of performance.now(). */
  talk(atMs: number): void;
  nearTalk(): void;
  hangUp(): void;
  setMuted(muted: boolean): void;
}

export class Controls {
  private readonly talk = find<HTMLButtonElement>("talk");
  private readonly mute = find<HTMLButtonElement>("mute");
  private active = false;
  private muted = false;

  constructor(private readonly actions: ControlActions) {
    this.talk.addEventListener("click", (event) => {
      if (this.active) actions.hangUp();
      else actions.talk(event.timeStamp);
    });
    // Before the click, so that it finds everything ready.
    for (const nearing of ["pointerenter", "focus"]) this.talk.addEventListener(nearing, () => actions.nearTalk());
    this.mute.addEventListener("click", () => this.toggle());
    document.addEventListener("keydown", (event) => this.press(event));
  }

  show(shown: Shown): void {
    const w = words();
    this.active = underWay(shown);
    this.muted = shown.muted;
    this.talk.textContent = this.active ? w.hangUp : shown.state === "idle" ? w.talk : w.talkAgain;
    this.talk.classList.toggle("primary", !this.active);
    this.talk.title = this.active ? "Alt+H" : "";
    this.talk.ariaKeyShortcuts = this.active ? "Alt+H" : null;
    // A button that goes away takes the focus with it.
    if (!this.active && document.activeElement === this.mute) this.talk.focus();
    this.mute.hidden = !this.active;
    this.mute.textContent = this.muted ? w.unmute : w.mute;
    this.mute.classList.toggle("pressed", this.muted);
  }

  /**
   * Alt with a letter: no single keys, which a screen reader uses itself and a voice control types by mistake (WCAG 2.1.4),
   * and not Ctrl+Alt, which is VoiceOver's and AltGr. By the key's place, so that it is the same on an Arabic keyboard.
   */
  private press(event: KeyboardEvent): void {
    if (!this.active || event.repeat || !event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.code === "KeyM") this.toggle();
    else if (event.code === "KeyH") this.actions.hangUp();
    else return;
    event.preventDefault();
  }

  private toggle(): void {
    const muted = !this.muted;
    this.actions.setMuted(muted);
    sayAloud(muted ? words().nowMuted : words().nowUnmuted);
  }
}
