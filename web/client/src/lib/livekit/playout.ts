// How long the agent's sound is held back before it is played: longer while the network of the call is bad.

import { type Participant, ParticipantKind, RemoteAudioTrack, type Room, RoomEvent } from "livekit-client";

/** Of the agent's participant; its JSON is that of rooms/quality/link_word.py. */
const ATTRIBUTE = "firstword.link";
const LONGEST_MS = 2000;

/** Does what the agent says of the network of `room`, whichever is there first, its word or its voice. */
export function followLink(room: Room): void {
  room.on(RoomEvent.ParticipantAttributesChanged, (changed, participant) => {
    if (ATTRIBUTE in changed) apply(participant);
  });
  room.on(RoomEvent.TrackSubscribed, (_track, _publication, participant) => apply(participant));
}

function apply(participant: Participant): void {
  const word = participant.attributes[ATTRIBUTE];
  if (participant.kind !== ParticipantKind.AGENT || word === undefined) return;
  const delayMs = delayOf(word);
  if (delayMs === null) {
    console.warn("a word about the network that this page cannot read:", word);
    return;
  }
  for (const { track } of participant.audioTrackPublications.values()) {
    if (track instanceof RemoteAudioTrack) track.setPlayoutDelay(delayMs / 1000);
  }
}

function delayOf(word: string): number | null {
  try {
    const { v, playout_delay_ms: delayMs } = JSON.parse(word) as { v?: unknown; playout_delay_ms?: unknown };
    return v === 1 && typeof delayMs === "number" && delayMs >= 0 && delayMs <= LONGEST_MS ? delayMs : null;
  } catch {
    return null;
  }
}
