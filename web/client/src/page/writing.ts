// The control channel of one call, and the questions in writing that go over it.

import { AiClient } from "../lib/channel/aiClient";
import { AiError } from "../lib/channel/channelError";
import { ControlChannel } from "../lib/channel/controlChannel";
import type { PerformanceMonitor } from "../lib/monitor/performanceMonitor";
import type { Joined } from "../lib/transport";
import type { Asked } from "./ask";

/** Where nobody answers at all, the field is better not there. */
const SHOWN = { open: true, away: true, connecting: false, closed: false };

export class Writing {
  private channel: ControlChannel | null = null;

  /** `shown` hears of whom to ask, and null where there is nobody. */
  constructor(
    private readonly monitor: PerformanceMonitor,
    private readonly shown: (ask: Asked | null) => void,
  ) {}

  open({ token }: Joined): void {
    this.close();
    const channel = new ControlChannel("/api/channel", token);
    const client = new AiClient(channel);
    this.channel = channel;
    const asked: Asked = async (text, onPart) => {
      try {
        const answer = await client.ask(text, { onPart });
        const { firstPartMs, answerMs } = client.figures;
        if (firstPartMs !== null) this.monitor.measured("ai.first_part", firstPartMs);
        if (answerMs !== null) this.monitor.measured("ai.answer", answerMs);
        this.monitor.attempted("ai", true);
        return answer;
      } catch (error) {
        this.monitor.attempted("ai", false);
        this.monitor.erred(error instanceof AiError ? `ai-${error.kind}` : "ai-failed", String(error));
        throw error;
      }
    };
    let opened = false;
    channel.on({
      state: (state, end, why) => {
        if (this.channel !== channel) return;
        this.shown(SHOWN[state] ? asked : null);
        const { openedMs } = channel.figures;
        if (state === "open" && !opened && openedMs !== null) {
          opened = true;
          this.monitor.measured("websocket.connect", openedMs);
          this.monitor.attempted("websocket", true);
        }
        if (state !== "closed" || end === "closed") return;
        if (!opened) this.monitor.attempted("websocket", false);
        this.monitor.erred(`channel-${end}`, why);
      },
    });
  }

  /** With the call; more than once is allowed. */
  close(): void {
    const { channel } = this;
    this.channel = null;
    if (channel === null) return;
    const { roundTripMs } = channel.figures;
    if (roundTripMs !== null) this.monitor.measured("websocket.round_trip", roundTripMs);
    channel.close();
    this.shown(null);
  }
}
