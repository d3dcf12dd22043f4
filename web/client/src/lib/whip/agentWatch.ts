// Is the agent still there? A WHIP caller is told nothing of the others in the room.
//
// An agent that is silent sends all the same, some packets a second. One that has gone sends none, and its successor's
// voice does not come over this session: livekit-server negotiates nothing anew. So no packet for a while, on a
// connection whose own checks are answered, means that the agent is lost.

export interface AgentWatchEvents {
  lost(): void;
  /** After `lost`: it is heard again. */
  back(): void;
}

const LOOK_EVERY_MS = 1000;
const QUIET_MS = 3000;

export class AgentWatch {
  private timer: ReturnType<typeof setInterval> | undefined;
  private packets = -1;
  private lastPacketAtMs = 0;
  /** Answers to the connection's checks when the silence had begun. */
  private answered: number | null = null;
  private missing = false;

  constructor(
    private readonly stats: () => Promise<RTCStatsReport | null>,
    private readonly events: AgentWatchEvents,
  ) {}

  /** Also after a new session: what is known of the last one is forgotten. */
  start(): void {
    this.stop();
    this.packets = -1;
    this.missing = false;
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private async look(): Promise<void> {
    const { timer } = this;
    const stats = await this.stats().catch(() => null);
    if (stats === null || timer !== this.timer) return;
    const now = performance.now();
    const { packets, answers } = read(stats);
    if (packets !== this.packets) {
      this.packets = packets;
      this.lastPacketAtMs = now;
      this.answered = null;
      if (this.missing) {
        this.missing = false;
        this.events.back();
      }
    } else if (this.answered === null) {
      this.answered = answers;
    } else if (!this.missing && now - this.lastPacketAtMs >= QUIET_MS && answers > this.answered) {
      this.missing = true;
      this.events.lost();
    }
  }
}

function read(stats: RTCStatsReport): { packets: number; answers: number } {
  let packets = 0;
  let answers = 0;
  for (const one of stats.values() as Iterable<Record<string, unknown>>) {
    if (one.type === "inbound-rtp" && one.kind === "audio") packets += Number(one.packetsReceived ?? 0);
    if (one.type === "candidate-pair") answers += Number(one.responsesReceived ?? 0);
  }
  return { packets, answers };
}
