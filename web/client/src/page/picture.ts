// What the agent shows: the page that it browses, a document, a camera.

import { sayAloud } from "./aloud";
import { find } from "./dom";
import { words } from "./language";

export class PictureView {
  private readonly place = find("picture");
  private readonly video = find<HTMLVideoElement>("picture-video");
  private readonly large = find<HTMLButtonElement>("picture-large");

  constructor() {
    // Where a browser has no full screen for elements (iPhones), a button for it would do nothing.
    this.large.hidden = !document.fullscreenEnabled;
    this.large.addEventListener("click", () => void this.video.requestFullscreen().catch(console.warn));
  }

  /** null: there is none, or no more. */
  show(track: MediaStreamTrack | null): void {
    if (track === null) {
      if (document.fullscreenElement === this.video) void document.exitFullscreen().catch(console.warn);
      if (this.place.contains(document.activeElement)) find("talk").focus();
      this.video.srcObject = null;
    } else {
      this.video.srcObject = new MediaStream([track]);
      // It is without sound, which browsers play at once.
      void this.video.play().catch(console.warn);
      sayAloud(words().pictureShown);
    }
    this.place.hidden = track === null;
  }
}
