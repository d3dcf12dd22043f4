// The upper part: how the call stands, and the one number.

import { sayAloud } from "./aloud";
import { element, find, setText } from "./dom";
import { failureInWords } from "./failures";
import { milliseconds, quantity, words } from "./language";
import { type Shown, underWay } from "./model";

export class Stage {
  private said = "";

  show(shown: Shown): void {
    const status = statusOf(shown);
    const notice = shown.notice === null ? "" : words().notices[shown.notice.code];
    const failure = shown.failure === null ? null : failureInWords(shown.failure);
    document.body.dataset.state = shown.state;
    find("status").textContent = status;
    document.title = underWay(shown) ? `${status} – firstword` : "firstword";
    setText("notice", notice);
    setText("failure-title", failure?.title ?? "");
    setText("failure-advice", failure?.advice ?? "");
    find("failure").hidden = failure === null;
    // Without a number above it, it is the page's headline.
    find("failure-title").ariaLevel = shown.timings.first_word_ms === null ? "1" : "2";
    showNumber(shown);
    // A failure is an alert already, and a live call is heard.
    const news = notice !== "" ? notice : failure !== null || isHeard(shown) || shown.state === "idle" ? "" : status;
    if (news !== this.said && news !== "") sayAloud(news);
    this.said = news;
  }
}

function statusOf({ state, timings }: Shown): string {
  const w = words();
  switch (state) {
    case "idle":
      return w.ready;
    case "requesting":
      return w.opening;
    case "connecting":
      return w.joining;
    case "live":
      return timings.agent_track_ms === null ? w.awaitingAgent : w.live;
    case "ended":
      return w.ended;
    case "failed":
      return w.noCall;
  }
}

function isHeard({ state, timings }: Shown): boolean {
  return state === "live" && timings.agent_track_ms !== null;
}

/** The one number; before there is one, a headline, and for a failure its own words. */
function showNumber(shown: Shown): void {
  const { first_word_ms: fromClick, joining_ms: joining, posted_ms: posted } = shown.timings;
  const heard = fromClick !== null;
  find("headline").hidden = heard;
  find("hero").hidden = !heard && shown.failure !== null;
  find("number").hidden = !heard;
  if (!heard) {
    const [headline, caption] = before(shown);
    find("headline").textContent = headline;
    find("caption").textContent = caption;
    return;
  }
  const { digits, unit } = quantity(fromClick);
  find("digits").textContent = digits;
  // A space of the unit's own size, and one that does not end the line.
  find("unit").textContent = `\u00a0${unit}`;
  find("caption").replaceChildren(words().toFirstWord);
  const began = joining ?? posted;
  if (began === null) return;
  const second = element("span", "second");
  const what = joining === null ? words().fromRequest : words().fromJoining;
  second.append(element("b", "", milliseconds(fromClick - began)), ` ${what}`);
  find("caption").append(second);
}

function before(shown: Shown): [headline: string, caption: string] {
  const w = words();
  if (shown.state === "idle") return [w.question, shown.permission === "denied" ? w.blocked : w.howTo];
  if (shown.state === "ended") return [w.endedEarly, ""];
  // Asked for beside the room: what the caller has to do comes first.
  if (underWay(shown) && shown.timings.microphone_ms === null && shown.permission === "prompt") return [w.allow, w.allowHow];
  return [w.listening, ""];
}
