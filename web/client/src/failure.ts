// What went wrong, in words for the person at the page: what happened, and what to do.

export class CallFailure extends Error {
  constructor(
    readonly title: string,
    readonly advice: string,
  ) {
    super(`${title} ${advice}`);
    this.name = "CallFailure";
  }
}

const AGAIN = "Then press Talk again.";

export function microphoneFailure(error: unknown): CallFailure {
  switch (error instanceof Error ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return new CallFailure(
        "The microphone is blocked.",
        `Allow it for this page in the site settings beside the address, and in the system's privacy settings. ${AGAIN}`,
      );
    case "NotFoundError":
    case "OverconstrainedError":
      return new CallFailure("No microphone was found.", `Connect one and check that the system lists it. ${AGAIN}`);
    case "NotReadableError":
    case "AbortError":
      return new CallFailure("The microphone cannot be opened.", `Close the program that uses it. ${AGAIN}`);
    default:
      return new CallFailure("The microphone cannot be opened.", `${text(error)} ${AGAIN}`);
  }
}

export function pageServerGone(): CallFailure {
  return new CallFailure("The page’s server does not answer.", "Is the agent still running? Start it again, then press Talk.");
}

export function tokenRefused(status: number, message: string): CallFailure {
  const title = status === 429 ? "Too many calls at once." : "The call could not be opened.";
  return new CallFailure(title, `${sentence(message)} ${AGAIN}`);
}

export function connectFailure(url: string, error: unknown): CallFailure {
  return new CallFailure(
    "LiveKit does not answer.",
    `Check that the server at ${url} is running and that this browser can reach it (${text(error)}). ${AGAIN}`,
  );
}

export function noAgent(agentName: string, afterS: number): CallFailure {
  const named = agentName === "" ? "" : ` with AGENT_NAME=${agentName}`;
  return new CallFailure(
    `No agent answered within ${afterS} seconds.`,
    `Check that a worker${named} is running and not full; if it took the call, its log says what happened. ${AGAIN}`,
  );
}

export function connectionLost(): CallFailure {
  return new CallFailure("The connection was lost.", `Check the network and that the LiveKit server is running. ${AGAIN}`);
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function sentence(message: string): string {
  const trimmed = message.trim();
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
