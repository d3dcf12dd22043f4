// The page's views, and what each happening of a call means to them.

import type { ClearAudioLook } from "../lib/audio/clearAudio";
import type { GrantedSound } from "../lib/audio/microphone";
import type { ResponseGapsSummary } from "../lib/audio/responseGaps";
import type { MicrophoneSound } from "../lib/audio/roomSound";
import type { CallFailure } from "../lib/failure";
import type { Line } from "../lib/transcript";
import type { TransportKind } from "../lib/transport";
import { AskView } from "./ask";
import { Controls, type ControlActions } from "./controls";
import { type Choice, DevicesView } from "./devices";
import { find } from "./dom";
import { FiguresView } from "./figures";
import { type Language, speak, spoken } from "./language";
import { Meters, type Side } from "./meters";
import { type Shown, underWay } from "./model";
import { PictureView } from "./picture";
import { type Provider, ProvidersView } from "./providers";
import { QualityView } from "./quality";
import { SoundView } from "./sound";
import { Stage } from "./stage";
import { TimelineView } from "./timeline";
import { TranscriptView } from "./transcript";

export interface PageActions extends ControlActions {
  chooseMicrophone(id: string): void;
  chooseSpeaker(id: string): void;
  chooseTransport(kind: TransportKind): void;
  download(): void;
}

export class Page {
  private readonly stage = new Stage();
  private readonly controls: Controls;
  private readonly meters = new Meters();
  private readonly devices: DevicesView;
  private readonly transcript = new TranscriptView();
  readonly ask = new AskView(this.transcript);
  private readonly figures = new FiguresView();
  private readonly timeline = new TimelineView(find("timeline"));
  private readonly quality = new QualityView();
  private readonly picture = new PictureView();
  private readonly sound = new SoundView();
  private readonly providers = new ProvidersView();
  private shown: Shown | null = null;

  constructor(actions: PageActions) {
    this.controls = new Controls(actions);
    this.devices = new DevicesView({ microphone: actions.chooseMicrophone, speaker: actions.chooseSpeaker });
    const transport = find<HTMLSelectElement>("transport");
    transport.addEventListener("change", () => actions.chooseTransport(transport.value as TransportKind));
    find("report").addEventListener("click", () => actions.download());
    find("language").addEventListener("click", (event) => {
      event.preventDefault();
      this.speak(spoken() === "en" ? "ar" : "en");
    });
  }

  /** In another language, with all that is on the page; a call goes on. */
  speak(language: Language): void {
    speak(language);
    const other = language === "en" ? "ar" : "en";
    const here = new URL(location.href);
    here.searchParams.set("lang", other);
    const link = find<HTMLAnchorElement>("language");
    [link.href, link.lang, link.hreflang] = [here.search, other, other];
    for (const view of [this.meters, this.devices, this.transcript, this.figures, this.quality, this.sound, this.providers]) {
      view.draw();
    }
    if (this.shown !== null) this.show(this.shown);
  }

  /** Before a call: nothing of the one before is left but its figures. */
  clear(): void {
    this.transcript.clear();
    this.timeline.clear();
    this.quality.clear();
    this.meters.clear();
  }

  show(shown: Shown): void {
    this.shown = shown;
    this.stage.show(shown);
    this.controls.show(shown);
    this.meters.setMuted(shown.muted && underWay(shown));
    this.timeline.show(shown.timings);
    find("timeline-empty").hidden = !this.timeline.empty;
    // There is nothing to report before the first call.
    if (shown.state !== "idle") find("after").hidden = false;
    find<HTMLSelectElement>("transport").disabled = underWay(shown);
    if (!underWay(shown)) this.meters.clear();
  }

  level(side: Side, level: number, peak: number): void {
    this.meters.level(side, level, peak);
  }

  clipping(share: number): void {
    this.meters.setClipping(share);
  }

  silent(silent: boolean): void {
    this.meters.setSilent(silent);
  }

  heard(look: ClearAudioLook): void {
    this.meters.setGrade(look.grade, look.fault);
    this.quality.show(look);
  }

  /** What the agent shows; null for nothing. */
  pictureIs(track: MediaStreamTrack | null): void {
    this.picture.show(track);
  }

  line(line: Line): void {
    this.transcript.show(line);
  }

  /** False for a message that the page does not know how to show. */
  timelineMessage(message: string): boolean {
    const known = this.timeline.receive(message);
    if (known && this.shown !== null) this.show(this.shown);
    return known;
  }

  latencies(summary: ResponseGapsSummary): void {
    this.figures.show(summary);
  }

  devicesAre(microphones: Choice, speakers: Choice | null): void {
    this.devices.show(microphones, speakers);
  }

  /** Another device could not be had: what there was goes on. */
  refusedDevice(failure: CallFailure): void {
    this.devices.refused(failure);
  }

  soundIs(asked: MicrophoneSound, given: GrantedSound): void {
    this.sound.show(asked, given);
  }

  providersAre(providers: readonly Provider[]): void {
    this.providers.show(providers);
  }
}
