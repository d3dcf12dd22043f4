// What the page shows of a call: plain data, so that a view knows nothing of rooms and connections.

import type { Call } from "../lib/call";

export type Shown = Pick<Call, "state" | "timings" | "failure" | "notice" | "muted"> & {
  /** Whether the browser lets the page have the microphone; null where it does not say. */
  permission: PermissionState | null;
};

/** The caller has a call, or is getting one. */
export function underWay({ state }: Pick<Shown, "state">): boolean {
  return state === "requesting" || state === "connecting" || state === "live";
}
