// What went wrong on the way in by WHIP, as the call tells it.

import { type CallFailure, connectFailure, microphoneFailure, pageServerGone, tokenRefused } from "../failure";
import { WhipError } from "./requests";

/** Of what the client or the microphone threw. */
export function whipFailure(error: unknown): CallFailure {
  if (!(error instanceof WhipError)) return microphoneFailure(error);
  switch (error.kind) {
    case "unanswered":
      return pageServerGone();
    case "refused":
      return tokenRefused(error.status, error.message, error.retryAfterS);
    default:
      return connectFailure("the media server", error);
  }
}
