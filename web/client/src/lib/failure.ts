// What went wrong, as a code and what is known of it. The words are the page's: it knows the caller's language.

export type FailureCode =
  /** The person or the system does not allow it. */
  | "microphone-blocked"
  | "microphone-missing"
  /** Another program has it. */
  | "microphone-busy"
  /** For another reason, see `message`. */
  | "microphone-failed"
  /** The page's own server does not answer. */
  | "page-server-gone"
  /** The page's server opens no call: `status`, and its own `message`. */
  | "refused"
  /** As above, for too many calls at once; perhaps with `retryAfterS`. */
  | "too-many"
  /** The server of the media at `url` does not answer: `message`. */
  | "unreachable"
  /** `afterS` seconds have passed; the agent's name, where the page told it. */
  | "no-agent"
  /** There is a connection, but the agent's voice is not on it. */
  | "agent-not-heard"
  | "connection-lost"
  /** What allowed this caller in is too old. */
  | "token-expired"
  /** A fault of this program: `message`. */
  | "unexpected";

export interface FailureDetails {
  readonly message?: string;
  readonly status?: number;
  readonly retryAfterS?: number;
  readonly url?: string;
  readonly agentName?: string;
  readonly afterS?: number;
}

export class CallFailure extends Error {
  constructor(
    readonly code: FailureCode,
    readonly details: FailureDetails = {},
  ) {
    super(details.message === undefined ? code : `${code}: ${details.message}`);
    this.name = "CallFailure";
  }
}

/** Of what getUserMedia throws. */
export function microphoneFailure(error: unknown): CallFailure {
  if (error instanceof CallFailure) return error;
  switch (error instanceof Error ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return new CallFailure("microphone-blocked");
    case "NotFoundError":
    case "OverconstrainedError":
      return new CallFailure("microphone-missing");
    case "NotReadableError":
    case "AbortError":
      return new CallFailure("microphone-busy");
    default:
      return new CallFailure("microphone-failed", { message: errorText(error) });
  }
}

export function pageServerGone(): CallFailure {
  return new CallFailure("page-server-gone");
}

/** Of the page server's answer; `retryAfterS` where it says when to come back. */
export function tokenRefused(status: number, message: string, retryAfterS?: number | null): CallFailure {
  const details = { status, message, ...(retryAfterS == null ? {} : { retryAfterS }) };
  return new CallFailure(status === 429 ? "too-many" : "refused", details);
}

export function connectFailure(url: string, error: unknown): CallFailure {
  return new CallFailure("unreachable", { url, message: errorText(error) });
}

export function noAgent(agentName: string, afterS: number): CallFailure {
  return new CallFailure("no-agent", { agentName, afterS });
}

export function agentNotHeard(): CallFailure {
  return new CallFailure("agent-not-heard");
}

export function connectionLost(): CallFailure {
  return new CallFailure("connection-lost");
}

export function tokenExpired(): CallFailure {
  return new CallFailure("token-expired");
}

/** A fault of this program, or what it is already. */
export function asFailure(error: unknown): CallFailure {
  return error instanceof CallFailure ? error : new CallFailure("unexpected", { message: errorText(error) });
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
