// How clear the agent can be heard: one word for some measures.

export type AudioGrade = "good" | "fair" | "poor";

/** Shares are 0 to 1; null is "cannot be told". */
export interface AudioMeasures {
  /** Lost packets of all that were sent: lost / (lost + received). */
  lost_share: number | null;
  /** Of what was played, what had to be made up where sound should have been: the part of a loss that is heard. */
  concealed_share: number | null;
  jitter_ms: number | null;
  rtt_ms: number | null;
  /** Of what was played, what this computer could not deliver in time to its own loudspeaker. */
  playout_gap_share: number | null;
  /** How long nothing at all has arrived, s. An agent that is silent still sends (Opus DTX: every 400 ms). */
  stalled_s: number | null;
}

export type AudioFault = keyof AudioMeasures;

/** Above the first limit it is fair, above the second poor. */
const LIMITS: Record<AudioFault, readonly [fair: number, poor: number]> = {
  stalled_s: [1, 2],
  // Opus hides a single lost packet well; from one sample in a hundred a listener notices, from five words go missing.
  concealed_share: [0.01, 0.05],
  // Wider: a lost packet that in-band FEC or a retransmission brings back is not heard.
  lost_share: [0.02, 0.1],
  jitter_ms: [30, 80],
  // ITU-T G.114: up to 150 ms one way is fine, above that talking gets harder; here there and back.
  rtt_ms: [200, 400],
  playout_gap_share: [0.01, 0.05],
};

const ORDER: readonly AudioGrade[] = ["good", "fair", "poor"];

/** The worst of the measures decides; `fault` is that measure, null where all is good. */
export function gradeOf(measures: AudioMeasures): { grade: AudioGrade; fault: AudioFault | null } {
  let grade: AudioGrade = "good";
  let fault: AudioFault | null = null;
  for (const name of Object.keys(LIMITS) as AudioFault[]) {
    const value = measures[name];
    if (value === null) continue;
    const [fair, poor] = LIMITS[name];
    const found = value > poor ? "poor" : value > fair ? "fair" : "good";
    if (ORDER.indexOf(found) > ORDER.indexOf(grade)) {
      grade = found;
      fault = name;
    }
  }
  return { grade, fault };
}

/** In English, for a page without words of its own. */
export function gradeInWords(grade: AudioGrade, fault: AudioFault | null): string {
  if (fault === null) return "The agent is heard clearly.";
  const often = grade === "poor" ? "often" : "now and then";
  switch (fault) {
    case "stalled_s":
      return "Nothing arrives from the agent.";
    case "concealed_share":
      return `The agent's voice has gaps ${often}: parts of it do not arrive in time.`;
    case "lost_share":
      return `The network loses parts of the agent's voice ${often}.`;
    case "jitter_ms":
      return `The network delivers unevenly ${often}, so the agent is heard later.`;
    case "rtt_ms":
      return grade === "poor" ? "The way to the agent is very long." : "The way to the agent is long.";
    case "playout_gap_share":
      return `This computer interrupts the sound ${often}: it is busy with something else.`;
  }
}
