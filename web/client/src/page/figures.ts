// The running p50 and p90 of first words and response gaps, as this browser heard them.

import type { ResponseGapsSummary, Running } from "../lib/audio/responseGaps";
import { element, find } from "./dom";
import { count, milliseconds, words } from "./language";

export class FiguresView {
  private summary: ResponseGapsSummary | null = null;

  show(summary: ResponseGapsSummary): void {
    this.summary = summary;
    this.draw();
  }

  draw(): void {
    const { summary } = this;
    const rows = [
      ...row(words().firstWord, summary?.first_word),
      ...row(words().responseGap, summary?.response_gap),
    ];
    find("figures-rows").replaceChildren(...rows);
    find("figures").hidden = rows.length === 0;
  }
}

/** No row before there is a number. */
function row(name: string, running: Running | undefined): HTMLElement[] {
  if (running === undefined || running.p50_ms === null || running.p90_ms === null) return [];
  const made = element("tr", "");
  const heading = element("th", "", name);
  heading.scope = "row";
  made.append(
    heading,
    element("td", "", milliseconds(running.p50_ms)),
    element("td", "", milliseconds(running.p90_ms)),
    element("td", "", count(running.count)),
  );
  return [made];
}
