// The agent's voice on an audio element, which is all that this library puts into a page.

import type { Speaker } from "./audio/speaker";
import type { ResourceManager } from "./resources";

const GESTURES = ["pointerdown", "keydown"] as const;

/** One call's; everything of it is closed with `resources`. */
export class Playback {
  private readonly element = document.createElement("audio");
  private waiting = false;

  /** `blocked` hears that the browser plays nothing before the person's next click or key, and that it does now. */
  constructor(
    private readonly resources: ResourceManager,
    speaker: Speaker | undefined,
    private readonly blocked: (blocked: boolean) => void,
  ) {
    this.element.autoplay = true;
    this.element.hidden = true;
    document.body.append(this.element);
    const unfollow = speaker?.follow(this.element);
    resources.add("audio element", () => {
      unfollow?.();
      this.element.srcObject = null;
      this.element.remove();
    });
  }

  play(track: MediaStreamTrack): void {
    this.element.srcObject = new MediaStream([track]);
    void this.start();
  }

  private async start(): Promise<void> {
    try {
      await this.element.play();
      if (this.waiting) this.blocked(false);
      this.waiting = false;
    } catch (error) {
      // Another track took its place, or the call is over.
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError" || this.resources.closed) return;
      if (this.waiting) return;
      this.waiting = true;
      this.blocked(true);
      this.playAtGesture();
    }
  }

  private playAtGesture(): void {
    const stops = GESTURES.map((type) =>
      this.resources.listen(document, type, () => {
        for (const stop of stops) stop();
        this.waiting = false;
        void this.start().then(() => this.waiting || this.blocked(false));
      }),
    );
  }
}
