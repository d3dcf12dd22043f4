// What the page's server tells about itself and its agent before a call.

import type { Provider } from "./providers";

/** All of it may be missing. */
export interface Info {
  livekit_url?: string;
  agent_name?: string;
  providers?: Provider[];
  /** For WHIP; livekit-client gets its own from LiveKit. */
  ice_servers?: RTCIceServer[];
  ice_pool_size?: number;
  /** Of each room that the page opens: how it wants the microphone to sound. */
  room_metadata?: string;
  /** Whether `/api/channel` is there, so that the agent can be asked in writing. */
  channel?: boolean;
}

/** Empty if the server does not answer: a call says so in its own words. */
export async function askService(): Promise<Info> {
  try {
    const response = await fetch("/api/info");
    return response.ok ? ((await response.json()) as Info) : {};
  } catch {
    return {};
  }
}
