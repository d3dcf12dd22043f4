// What goes over the WebSocket: JSON texts, each a frame. The service's end is rooms/channel/frames.py.

export type Body = { readonly type: string } & { readonly [name: string]: unknown };

export type ServerFrame =
  | { frame: "welcome"; session: string; resume: string; received: number }
  | { frame: "message"; seq: number; ack: number; body: Body }
  | { frame: "ack"; ack: number }
  | { frame: "pong"; ack: number };

export const VERSION = 1;

/** Why the service closes: it does not want this page back, or not yet. Everything else is a lost connection. */
export const CLOSE = {
  finished: 1000,
  unreadable: [1003, 1007, 1009],
  full: 1013,
  malformed: 4400,
  unauthenticated: 4401,
  forbidden: 4403,
  unknown: 4404,
  replaced: 4409,
  tooMany: 4429,
  /** Of this end: the peer is dead, or it does not speak this protocol. */
  abandoned: 4000,
} as const;

/** The frame in `text`, or null for what is none. */
export function readFrame(text: unknown): ServerFrame | null {
  if (typeof text !== "string") return null;
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(frame)) return null;
  switch (frame["frame"]) {
    case "welcome":
      return isName(frame["session"]) && isName(frame["resume"]) && isCount(frame["received"])
        ? (frame as unknown as ServerFrame)
        : null;
    case "message": {
      const body = frame["body"];
      return isCount(frame["seq"]) && isCount(frame["ack"]) && isObject(body) && isName(body["type"])
        ? (frame as unknown as ServerFrame)
        : null;
    }
    case "ack":
    case "pong":
      return isCount(frame["ack"]) ? (frame as unknown as ServerFrame) : null;
    default:
      return null;
  }
}

/** Seconds until the service wants to be asked again, out of a close frame's words. */
export function retryAfterS(reason: string): number {
  try {
    const said: unknown = JSON.parse(reason);
    const afterS = isObject(said) ? said["retry_after_s"] : undefined;
    return typeof afterS === "number" && afterS > 0 && afterS < 3600 ? afterS : 0;
  } catch {
    return 0;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
