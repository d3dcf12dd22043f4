// What was said and written, as lines.

import type { Line } from "../lib/transcript";
import { readLine } from "./aloud";
import { element, find } from "./dom";
import { words } from "./language";

export class TranscriptView {
  private readonly lines = new Map<Line, HTMLElement>();
  private readonly place = find("transcript");
  private readonly announce = find<HTMLInputElement>("announce");

  clear(): void {
    this.lines.clear();
    this.place.replaceChildren();
    this.draw();
  }

  /** A line that is new or has changed. `written`: it was not spoken. */
  show(line: Line, written = false): void {
    // A person who reads further up is left there.
    const following = this.place.scrollHeight - this.place.scrollTop - this.place.clientHeight < 48;
    let item = this.lines.get(line);
    const news = line.final && (item === undefined || item.classList.contains("interim"));
    if (item === undefined) {
      item = element("li", `line ${line.who}`);
      item.classList.toggle("written", written);
      const text = element("p", "text");
      text.dir = "auto";
      item.append(element("span", "who"), text);
      this.lines.set(line, item);
      this.place.append(item);
      this.draw();
    }
    const text = item.lastElementChild;
    if (text !== null) text.textContent = line.text;
    item.classList.toggle("interim", !line.final);
    // A written answer, which nobody hears otherwise. What is spoken only if the caller wishes to have it read as well.
    if (news && (this.announce.checked || (written && line.who === "agent"))) readLine(`${speaker(line)}: ${line.text}`);
    if (following) this.place.scrollTop = this.place.scrollHeight;
  }

  draw(): void {
    this.place.hidden = this.lines.size === 0;
    find("transcript-empty").hidden = this.lines.size > 0;
    find("announce-field").hidden = this.lines.size === 0;
    for (const [line, item] of this.lines) {
      const who = item.firstElementChild;
      if (who !== null) who.textContent = speaker(line);
    }
  }
}

function speaker({ who }: Line): string {
  return who === "caller" ? words().you : words().agent;
}
