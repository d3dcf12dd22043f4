// Where the agent is heard: the loudspeaker that the caller chose.

import { RememberedDevice, onDevicesChanged, soundDevices } from "./devices";

/** For the audio elements of a page. One that is unplugged gives way to the system's default, until it is back. */
export class Speaker {
  private readonly remembered = new RememberedDevice("speaker");
  private readonly elements = new Set<HTMLMediaElement>();
  private unfollow: () => void = () => undefined;

  /** Safari and older Firefox play to the system's default only. */
  get supported(): boolean {
    return "setSinkId" in HTMLMediaElement.prototype;
  }

  /** Empty is the system's default. */
  get chosen(): string {
    return this.remembered.get();
  }

  /** Plays `element` at the chosen one until the returned function is called. */
  follow(element: HTMLMediaElement): () => void {
    if (!this.supported) return () => undefined;
    if (this.elements.size === 0) this.unfollow = onDevicesChanged(() => void this.devicesChanged());
    this.elements.add(element);
    if (this.chosen !== "") void this.fallBack(element);
    return () => {
      if (this.elements.delete(element) && this.elements.size === 0) this.unfollow();
    };
  }

  /** Another one, and for the next calls too. Throws what setSinkId throws; then nothing is remembered. */
  async choose(deviceId: string): Promise<void> {
    if (!this.supported) throw new DOMException("this browser has one loudspeaker only", "NotSupportedError");
    await Promise.all([...this.elements].map((element) => element.setSinkId(deviceId)));
    this.remembered.set(deviceId);
  }

  private async devicesChanged(): Promise<void> {
    const present = (await soundDevices("speaker").catch(() => [])).some(({ id }) => id === this.chosen);
    const id = present ? this.chosen : "";
    for (const element of this.elements) if (element.sinkId !== id) void this.fallBack(element, id);
  }

  /** Sound at the wrong place is better than none. */
  private async fallBack(element: HTMLMediaElement, id = this.chosen): Promise<void> {
    try {
      await element.setSinkId(id);
    } catch {
      if (element.sinkId !== "") await element.setSinkId("").catch(() => undefined);
    }
  }
}
