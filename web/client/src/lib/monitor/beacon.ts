// The report on its way to the service, also from a page that is about to go.

import type { Report } from "./report";

/** A browser takes 64 KiB of such requests at a time, all of a page's together. */
const MOST_BYTES = 60_000;

/** `POST {"token", "report"}`, not awaited. False if nothing could be sent. */
export function sendReport(url: string, token: string, report: Report): boolean {
  const body = fitted(token, report);
  if (body === null) return false;
  if (navigator.sendBeacon(url, body)) return true;
  fetch(url, { method: "POST", body, keepalive: true }).catch(() => undefined);
  return true;
}

/** The body, without the oldest turns, gaps and errors if it would be too long; null if that is not enough. */
export function fitted(token: string, report: Report, mostBytes = MOST_BYTES): string | null {
  const cut = structuredClone(report);
  for (;;) {
    const body = JSON.stringify({ token, report: cut });
    if (new TextEncoder().encode(body).length <= mostBytes) return body;
    if (!shortened(cut)) return null;
  }
}

function shortened(report: Report): boolean {
  const { timelines, errors, call } = report;
  if (timelines.length > 0) {
    // The start says more than any turn.
    const oldestTurn = timelines.findIndex(({ kind }) => kind !== "start");
    timelines.splice(Math.max(0, oldestTurn), 1);
    report.timelines_left_out += 1;
    return true;
  }
  if (errors.shift() !== undefined) return true;
  return call !== null && (call.gaps_ms.shift() !== undefined || call.notices.shift() !== undefined);
}
