// The words of a room's text streams of topic `lk.transcription`.

import type { TextStreamReader } from "livekit-client";
import type { WordsPart } from "../transcript";

export class TranscriptStreams {
  // A later stream of a segment replaces an earlier one, which may still be on its way.
  private readonly newest = new Map<string, TextStreamReader>();

  constructor(private readonly words: (part: WordsPart) => void) {}

  /** Reads one stream to its end. */
  async read(reader: TextStreamReader, who: WordsPart["who"]): Promise<void> {
    const segment = reader.info.attributes?.["lk.segment_id"] ?? reader.info.id;
    this.newest.set(segment, reader);
    let text = "";
    for await (const part of reader) {
      text += part;
      if (this.newest.get(segment) !== reader) return;
      this.words({ segment, who, text, final: isFinal(reader) });
    }
    // The end of a stream may carry what its beginning could not know.
    if (this.newest.get(segment) === reader && isFinal(reader)) this.words({ segment, who, text, final: true });
  }
}

function isFinal(reader: TextStreamReader): boolean {
  return reader.info.attributes?.["lk.transcription_final"] === "true";
}
