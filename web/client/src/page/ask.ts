// A question to the agent in writing, beside the voice.

import type { Line } from "../lib/transcript";
import { find } from "./dom";
import { words } from "./language";
import type { TranscriptView } from "./transcript";

/** Answers with the whole text; `onPart` hears of each part of it before. */
export type Asked = (text: string, onPart: (part: string) => void) => Promise<string>;

export class AskView {
  private ask: Asked | null = null;
  private asked = 0;
  private readonly form = find<HTMLFormElement>("ask");
  private readonly question = find<HTMLInputElement>("question");

  constructor(private readonly transcript: TranscriptView) {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
  }

  /** null hides the field: there is nobody who would answer. */
  show(ask: Asked | null): void {
    this.ask = ask;
    if (ask === null && this.form.contains(document.activeElement)) find("talk").focus();
    this.form.hidden = ask === null;
  }

  private async send(): Promise<void> {
    const text = this.question.value.trim();
    const { ask } = this;
    if (text === "" || ask === null) return;
    this.question.value = "";
    const id = `written-${++this.asked}`;
    this.transcript.show({ id, who: "caller", text, final: true }, true);
    const answer: Line = { id, who: "agent", text: "…", final: false };
    this.transcript.show(answer, true);
    let received = "";
    try {
      answer.text = await ask(text, (part) => {
        received += part;
        answer.text = received;
        this.transcript.show(answer, true);
      });
    } catch (error) {
      console.warn("no written answer:", error);
      answer.text = received === "" ? words().unanswered : `${received} – ${words().unanswered}`;
    }
    answer.final = true;
    this.transcript.show(answer, true);
  }
}
