// What the room says of its sound, in its metadata: rooms/creation.py writes it.

/** Names of getUserMedia's constraints. */
export interface MicrophoneSound {
  echoCancellation: boolean;
  noiseSuppression: boolean;
  autoGainControl: boolean;
}

/** What is done to the microphone's sound; null if the metadata says nothing of it, or says it wrongly. */
export function microphoneSound(metadata: string | undefined): MicrophoneSound | null {
  if (!metadata) return null;
  try {
    const audio = (JSON.parse(metadata) as { firstword?: { version?: unknown; audio?: Record<string, unknown> } }).firstword;
    if (audio?.version !== 1 || !audio.audio) return null;
    const { echo_cancellation: echo, noise_suppression: noise, auto_gain_control: gain } = audio.audio;
    if (typeof echo !== "boolean" || typeof noise !== "boolean" || typeof gain !== "boolean") return null;
    return { echoCancellation: echo, noiseSuppression: noise, autoGainControl: gain };
  } catch {
    return null; // somebody else's metadata
  }
}

export function sameSound(one: MicrophoneSound, other: MicrophoneSound): boolean {
  return (
    one.echoCancellation === other.echoCancellation &&
    one.noiseSuppression === other.noiseSuppression &&
    one.autoGainControl === other.autoGainControl
  );
}
