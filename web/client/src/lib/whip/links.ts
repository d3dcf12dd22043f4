// ICE servers that a WHIP endpoint announces in its Link headers (RFC 9725, 4.6).

const LINK = /<([^>]*)>((?:\s*;\s*[\w-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^",;\s]*))*)/g;
const PARAMETER = /;\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^",;\s]*))/g;
const ICE_URL = /^(stun|stuns|turn|turns):/;

/** Those of `rel="ice-server"`; links of other kinds, and what cannot be read, are left out. */
export function iceServers(header: string | null): RTCIceServer[] {
  const servers: RTCIceServer[] = [];
  for (const [, url = "", rest = ""] of (header ?? "").matchAll(LINK)) {
    const given = new Map<string, string>();
    for (const [, name = "", quoted, plain = ""] of rest.matchAll(PARAMETER)) {
      given.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, "$1") ?? plain);
    }
    const urls = decoded(url);
    if (given.get("rel") !== "ice-server" || !ICE_URL.test(urls)) continue;
    const username = given.get("username");
    const credential = given.get("credential");
    if (/^turns?:/.test(urls) && (username === undefined || credential === undefined)) continue; // the browser throws
    servers.push(username === undefined || credential === undefined ? { urls } : { urls, username, credential });
  }
  return servers;
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
}
