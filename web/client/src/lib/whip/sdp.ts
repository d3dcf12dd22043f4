// Session descriptions as text: what the browser wrote, made better for one voice each way.

/** What is asked of Opus: repair of lost packets, and next to nothing sent while nobody speaks. */
const OPUS = { minptime: "10", useinbandfec: "1", usedtx: "1" };
const PTIME_MS = 10;

/** The lines of the description, its parts: what stands before the first `m=`, and each media section. */
function sections(sdp: string): string[][] {
  const parts: string[][] = [[]];
  for (const line of lines(sdp)) {
    if (line.startsWith("m=")) parts.push([]);
    parts.at(-1)?.push(line);
  }
  return parts;
}

export function lines(sdp: string): string[] {
  return sdp.split(/\r?\n/).filter((line) => line !== "");
}

export function joined(all: readonly string[]): string {
  return `${all.join("\r\n")}\r\n`;
}

/** `sdp` with Opus as a call wants it, in packets of 10 ms. Other codecs and other media stay as they are. */
export function forVoice(sdp: string): string {
  return joined(sections(sdp).flatMap((section) => (section[0]?.startsWith("m=audio ") ? voice(section) : section)));
}

function voice(section: readonly string[]): string[] {
  const payload = section.map((line) => /^a=rtpmap:(\d+) opus\//i.exec(line)?.[1]).find((found) => found !== undefined);
  if (payload === undefined) return [...section];
  const prefix = `a=fmtp:${payload} `;
  const given = section.find((line) => line.startsWith(prefix))?.slice(prefix.length) ?? "";
  const parameters = new Map(
    given
      .split(";")
      .map((pair) => pair.trim())
      .filter((pair) => pair !== "")
      .map((pair) => [pair.split("=")[0] ?? "", pair.slice(pair.indexOf("=") + 1)]),
  );
  for (const [name, value] of Object.entries(OPUS)) parameters.set(name, value);
  const fmtp = prefix + [...parameters].map(([name, value]) => `${name}=${value}`).join(";");
  const rest = section.filter((line) => !line.startsWith(prefix) && !line.startsWith("a=ptime:"));
  const after = rest.findIndex((line) => line.startsWith(`a=rtpmap:${payload} `));
  return [...rest.slice(0, after + 1), fmtp, ...rest.slice(after + 1), `a=ptime:${PTIME_MS}`];
}

/**
 * `sdp` without its ICE candidates, which go by PATCH. A server that keeps those of an offer may stumble over them when
 * ICE is restarted: livekit-server 1.13.5 does, see web/whip.
 */
export function withoutCandidates(sdp: string): string {
  return joined(lines(sdp).filter((line) => !isCandidate(line)));
}

function isCandidate(line: string): boolean {
  return line.startsWith("a=candidate:") || line.startsWith("a=end-of-candidates");
}

/** Whether the one who wrote `sdp` sends sound. */
export function sendsAudio(sdp: string): boolean {
  const audio = sections(sdp).find((section) => section[0]?.startsWith("m=audio "));
  if (audio === undefined || audio[0]?.startsWith("m=audio 0 ")) return false;
  return !audio.includes("a=recvonly") && !audio.includes("a=inactive");
}

/** The media section that carries ICE for all of them, and its credentials. */
export interface IceSection {
  media: string;
  mid: string;
  ufrag: string;
  pwd: string;
}

/** Of a description that bundles its media. Throws for one without mid or credentials. */
export function iceSection(sdp: string): IceSection {
  const [session = [], ...media] = sections(sdp);
  const bundled = value(session, "a=group:BUNDLE ")?.split(" ")[0];
  const section = media.find((each) => bundled === undefined || value(each, "a=mid:") === bundled) ?? [];
  const mid = value(section, "a=mid:");
  const ufrag = value(section, "a=ice-ufrag:") ?? value(session, "a=ice-ufrag:");
  const pwd = value(section, "a=ice-pwd:") ?? value(session, "a=ice-pwd:");
  if (mid === undefined || ufrag === undefined || pwd === undefined) {
    throw new Error("the session description has no mid, ice-ufrag or ice-pwd");
  }
  // The port belongs to a description with candidates: a fragment has 9, "discard".
  return { media: (section[0] ?? "").replace(/^(m=\w+) \d+/, "$1 9"), mid, ufrag, pwd };
}

function value(all: readonly string[], prefix: string): string | undefined {
  return all.find((line) => line.startsWith(prefix))?.slice(prefix.length);
}

/** A fragment for PATCH (RFC 8840): candidates of this section, or with none of them the wish for an ICE restart. */
export function fragment(ice: IceSection, candidates: readonly string[] = [], complete = false): string {
  return joined([
    ice.media,
    `a=mid:${ice.mid}`,
    `a=ice-ufrag:${ice.ufrag}`,
    `a=ice-pwd:${ice.pwd}`,
    ...candidates.map((candidate) => `a=${candidate}`),
    ...(complete ? ["a=end-of-candidates"] : []),
  ]);
}

/** The description `sdp` of the other side after an ICE restart which it answered with `restarted`, a fragment. */
export function afterRestart(sdp: string, restarted: string): string {
  const found = lines(restarted);
  const ufrag = value(found, "a=ice-ufrag:");
  const pwd = value(found, "a=ice-pwd:");
  if (ufrag === undefined || pwd === undefined) throw new Error("the answer to the ICE restart has no credentials");
  const [session = [], ...media] = sections(sdp);
  const credentials = (line: string): string => {
    if (line.startsWith("a=ice-ufrag:")) return `a=ice-ufrag:${ufrag}`;
    return line.startsWith("a=ice-pwd:") ? `a=ice-pwd:${pwd}` : line;
  };
  const bundled = value(session, "a=group:BUNDLE ")?.split(" ")[0];
  const candidates = found.filter(isCandidate);
  return joined([
    ...session.map(credentials),
    ...media.flatMap((section, at) => {
      const carries = bundled === undefined ? at === 0 : value(section, "a=mid:") === bundled;
      const kept = section.filter((line) => !isCandidate(line)).map(credentials);
      return carries ? [...kept, ...candidates] : kept;
    }),
  ]);
}
