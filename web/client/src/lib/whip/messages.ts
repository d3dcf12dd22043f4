// What the agent tells a caller without the SDK, as plain data packets: observe/packet_words.py writes them.

import type { WordsPart } from "../transcript";

export type AgentMessage = { words: WordsPart } | { timeline: string };

/** Null for a packet that is somebody else's. */
export function readMessage(text: string): AgentMessage | null {
  let packet: Record<string, unknown>;
  try {
    packet = Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return null;
  }
  if (packet.topic === "firstword.timeline") {
    return typeof packet.message === "string" ? { timeline: packet.message } : null;
  }
  if (packet.topic !== "lk.transcription") return null;
  const { segment, who, text: words, final } = packet;
  if (typeof segment !== "string" || typeof words !== "string" || typeof final !== "boolean") return null;
  return who === "caller" || who === "agent" ? { words: { segment, who, text: words, final } } : null;
}
