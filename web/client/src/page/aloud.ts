// What a screen reader says: little, and only what has settled.

import { element, find } from "./dom";

/** A call opens in steps of some ms: only the one that it stays at is news. */
const SETTLED_MS = 600;
const LINES_KEPT = 5;

let timer: ReturnType<typeof setTimeout> | undefined;

/** How the call stands. Said after what is being said; a later one within 600 ms takes its place. */
export function sayAloud(text: string): void {
  clearTimeout(timer);
  timer = setTimeout(() => {
    // The same words again are news only to a region that was empty meanwhile.
    find("status-aloud").textContent = "";
    requestAnimationFrame(() => (find("status-aloud").textContent = text));
  }, SETTLED_MS);
}

/** A line of the transcript, whole. None is left out. */
export function readLine(text: string): void {
  const place = find("lines-aloud");
  place.append(element("p", "", text));
  if (place.childElementCount > LINES_KEPT) place.firstElementChild?.remove();
}
