// What was said, as lines: an interim line is replaced by its segment's next text, an agent's line grows.

export interface Line {
  readonly id: string;
  readonly who: "caller" | "agent";
  text: string;
  final: boolean;
}

/** What is known of one segment now: all of its text so far, not only what is new. */
export interface WordsPart {
  segment: string;
  who: Line["who"];
  text: string;
  final: boolean;
}

export class Transcript {
  readonly lines: Line[] = [];

  constructor(private readonly changed: (line: Line) => void) {}

  clear(): void {
    this.lines.length = 0;
  }

  put({ segment, who, text, final }: WordsPart): void {
    let line = this.lines.find((known) => known.id === segment && known.who === who);
    if (line === undefined) {
      if (text.trim() === "") return;
      line = { id: segment, who, text, final };
      this.lines.push(line);
    }
    // The empty text that closes a segment says that it is final, not that nothing was said.
    if (text !== "") line.text = text;
    line.final = line.final || final;
    this.changed(line);
  }
}
