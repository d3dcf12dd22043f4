// What went wrong and what holds the call up, in words: from the library's codes.

import type { CallFailure, FailureDetails } from "../lib/failure";
import { count, words } from "./language";

/** What is known of a failure, ready to stand in a sentence of any direction. */
export interface Known {
  /** What a server or the browser said, with a full stop; it may be in another language. Empty if nothing. */
  message: string;
  url: string;
  agentName: string;
  afterSeconds: string;
  /** Empty where nobody said when to come back. */
  retryAfterSeconds: string;
}

export function failureInWords({ code, details }: CallFailure): { title: string; advice: string } {
  const [title, ...advice] = words().failures[code](known(details));
  return { title, advice: advice.filter((part) => part !== "").join(" ") };
}

function known({ message, status, url, agentName, afterS, retryAfterS }: FailureDetails): Known {
  const said = message ?? (status === undefined ? "" : `HTTP ${status}`);
  return {
    message: said === "" ? "" : apart(sentence(said)),
    url: url === undefined ? "" : apart(url),
    agentName: agentName === undefined ? "" : agentName,
    afterSeconds: count(afterS ?? 0),
    retryAfterSeconds: retryAfterS === undefined ? "" : count(Math.ceil(retryAfterS)),
  };
}

/** Text of its own direction, kept from mixing with the sentence around it: Unicode's isolates. */
function apart(text: string): string {
  return `\u2068${text}\u2069`;
}

function sentence(message: string): string {
  const trimmed = message.trim();
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
