// What was said, as lines: an interim line is replaced by its segment's next text, an agent's line grows.

import type { TextStreamReader } from "livekit-client";

export interface Line {
  readonly id: string;
  readonly who: "caller" | "agent";
  text: string;
  final: boolean;
}

export class Transcript {
  readonly lines: Line[] = [];
  // A later stream of a segment replaces an earlier one, which may still be on its way.
  private readonly newest = new Map<string, TextStreamReader>();

  constructor(private readonly changed: (line: Line) => void) {}

  clear(): void {
    this.lines.length = 0;
    this.newest.clear();
  }

  /** Reads one text stream of topic `lk.transcription` to its end. */
  async read(reader: TextStreamReader, who: Line["who"]): Promise<void> {
    const id = reader.info.attributes?.["lk.segment_id"] ?? reader.info.id;
    this.newest.set(id, reader);
    let text = "";
    for await (const part of reader) {
      text += part;
      if (this.newest.get(id) !== reader) return;
      this.put(id, who, text, isFinal(reader));
    }
    // The end of a stream may carry what its beginning could not know.
    if (this.newest.get(id) === reader && isFinal(reader)) this.put(id, who, text, true);
  }

  private put(id: string, who: Line["who"], text: string, final: boolean): void {
    let line = this.lines.find((known) => known.id === id && known.who === who);
    if (line === undefined) {
      if (text.trim() === "") return;
      line = { id, who, text, final };
      this.lines.push(line);
    }
    // The empty stream that closes a segment says that it is final, not that nothing was said.
    if (text !== "") line.text = text;
    line.final = line.final || final;
    this.changed(line);
  }
}

function isFinal(reader: TextStreamReader): boolean {
  return reader.info.attributes?.["lk.transcription_final"] === "true";
}
