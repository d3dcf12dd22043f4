// All words of the page, in English. Another language has the same keys: the compiler says which are missing.

import type { AudioFault } from "../../lib/audio/audioGrade";
import type { NoticeCode } from "../../lib/call";
import type { FailureCode } from "../../lib/failure";
import type { Known } from "../failures";

const AGAIN = "Then press Talk again.";

/** What happened, then what to do. */
type FailureWords = Record<FailureCode, (known: Known) => [string, ...string[]]>;

const notices: Record<NoticeCode, string> = {
  interrupted: "The connection is interrupted. Reconnecting…",
  "agent-lost": "The agent was lost. Another one is on its way…",
  "sound-blocked": "The browser holds the sound back. Click anywhere, or press a key, to hear the agent.",
  "microphone-lost": "The microphone is gone. Plug it in again or choose another one.",
  "agent-hung-up": "The agent has hung up.",
  "ended-by-server": "The call was ended by the server.",
};

const failures: FailureWords = {
  "microphone-blocked": () => [
    "The microphone is blocked.",
    "Allow it for this page in the site settings beside the address, and in the system’s privacy settings.",
    AGAIN,
  ],
  "microphone-missing": () => ["No microphone was found.", "Connect one and check that the system lists it.", AGAIN],
  "microphone-busy": () => ["The microphone cannot be opened.", "Close the program that uses it.", AGAIN],
  "microphone-failed": ({ message }) => ["The microphone cannot be opened.", message, AGAIN],
  "page-server-gone": () => [
    "The page’s server does not answer.",
    "Is the agent still running? Start it again, then press Talk.",
  ],
  refused: ({ message }) => ["The call could not be opened.", message, AGAIN],
  "too-many": ({ message, retryAfterSeconds }) => [
    "Too many calls at once.",
    retryAfterSeconds === "" ? message : `There is room again in about ${retryAfterSeconds} s.`,
    AGAIN,
  ],
  unreachable: ({ message, url }) => [
    "LiveKit does not answer.",
    `Check that the server at ${url} is running and that this browser can reach it.`,
    message,
    AGAIN,
  ],
  "no-agent": ({ afterSeconds, agentName }) => [
    `No agent answered within ${afterSeconds} seconds.`,
    `Check that a worker${agentName === "" ? "" : ` with AGENT_NAME=${agentName}`} is running and not full; if it took the call, its log says what happened.`,
    AGAIN,
  ],
  "agent-not-heard": () => [
    "The agent’s voice is not on this connection.",
    "Press Talk again. If it happens each time, take the other way in, under Details.",
  ],
  "connection-lost": () => [
    "The connection was lost.",
    "Check the network and that the LiveKit server is running.",
    AGAIN,
  ],
  "token-expired": () => ["The page waited too long to join.", "Press Talk again: it asks for a new place in a call."],
  unexpected: ({ message }) => ["Something in this page went wrong.", message, "Reload it, then press Talk."],
};

const faults: Record<AudioFault, string> = {
  stalled_s: "The agent’s voice stands still: nothing of it arrives.",
  concealed_share: "The agent’s voice has gaps: parts of it come too late.",
  lost_share: "The network loses parts of the agent’s voice.",
  jitter_ms: "The network delivers unevenly, so the agent is heard later.",
  rtt_ms: "The way to the agent is very long.",
  playout_gap_share: "This computer interrupts the sound: it is busy with something else.",
};

export const en = {
  otherLanguage: "العربية",

  talk: "Talk",
  talkAgain: "Talk again",
  hangUp: "Hang up",
  mute: "Mute",
  unmute: "Unmute",
  nowMuted: "Muted",
  nowUnmuted: "Unmuted",
  call: "Call",

  ready: "Ready",
  opening: "Opening the call",
  joining: "Joining",
  awaitingAgent: "Waiting for the agent",
  live: "Live",
  ended: "Call ended",
  noCall: "No call",

  question: "How long until the agent speaks?",
  howTo: "Press Talk, allow the microphone, and listen.",
  allow: "Allow the microphone.",
  allowHow: "Your browser is asking. The call is being opened meanwhile.",
  blocked: "The microphone is blocked for this page. Allow it in the site settings beside the address.",
  listening: "Listening for the first word",
  endedEarly: "The call ended before the first word.",
  toFirstWord: "to first word, from the click",
  fromJoining: "from joining",
  fromRequest: "from the request",

  notices,

  failures,

  you: "You",
  agent: "Agent",
  connection: "Connection",
  good: "Good",
  fair: "Fair",
  poor: "Poor",
  faults,
  micSilent: "Your microphone seems muted. Check its switch, or choose another one.",
  micClipping: "Too loud. Move back from the microphone a little.",
  youAreMuted: "The agent does not hear you.",

  devices: "Microphone and speaker",
  microphone: "Microphone",
  speaker: "Speaker",
  systemDefault: "As the system says",
  unnamedDevice: (n: string) => `Device ${n}`,
  speakerFixed: "This browser leaves the speaker to the system.",
  announceLines: "My screen reader reads new lines",

  transcript: "Transcript",
  transcriptEmpty: "What you and the agent say appears here.",
  ask: "Write to the agent",
  askHint: "Write instead of speaking",
  send: "Send",
  unanswered: "No answer came.",

  picture: "What the agent shows",
  pictureLabel: "Picture of the agent, without sound. What matters in it is also said.",
  pictureShown: "The agent shows a picture.",
  fullScreen: "Full screen",

  figures: "How fast it was",
  figuresNote: "As this browser heard it, all calls since the page was opened.",
  measure: "Measure",
  firstWord: "First word",
  responseGap: "Response gap",
  median: "p50",
  ninetieth: "p90",
  samples: "Count",

  timeline: "Timeline",
  timelineEmpty: "Each step of the call, in milliseconds.",
  startOfCall: "Start of the call",
  inBrowser: "In this browser",
  fromClick: "from the click",
  atAgent: "At the agent",
  fromDispatch: "from dispatch",
  from: (what: string) => `from ${what}`,
  turn: (n: string) => `Turn ${n}`,
  untilReply: "until the reply",
  open: "open",
  began: (ms: string) => `from ${ms}`,
  at: "at",
  tickSeconds: (n: string) => `${n} s`,

  details: "Details",
  wayIn: "Way in",
  wayInNote: "Another way in opens the page anew.",
  livekit: "LiveKit client",
  whip: "Plain WHIP",
  loss: "Packets lost",
  concealed: "Sound filled in",
  jitter: "Jitter",
  buffer: "Held back by the buffer",
  roundTrip: "Round trip",
  dropouts: "Dropouts",
  soundOfMicrophone: "Sound of the microphone",
  soundNote: "Asked for by the room, and what the browser gave.",
  asked: "Asked",
  given: "Given",
  echoCancellation: "Echo cancellation",
  noiseSuppression: "Noise suppression",
  autoGainControl: "Automatic gain",
  sampleRate: "Sample rate",
  channels: "Channels",
  latency: "Latency",
  on: "on",
  off: "off",
  unknown: "not told",
  kilohertz: (n: string) => `${n} kHz`,
  noCallYet: "Told once there is a call.",
  providers: "Providers",
  simulated: "simulated",
  real: "real",
  report: "Download the report",

  /** The steps of call and turn; one that is not here is shown as the agent calls it. */
  steps: {
    token: "Token",
    microphone: "Microphone",
    joining: "Joining",
    posting: "Offer to answer",
    connecting: "Connecting",
    agent_track: "Agent’s track",
    first_word_heard: "First word heard",
    dispatch: "Dispatch",
    account: "Account",
    room: "Room",
    components: "Components",
    session: "Session",
    greeting: "Greeting",
    caller_joined: "Caller joined",
    caller_came: "Caller came",
    caller_subscribed: "Caller subscribed",
    first_frame: "First frame",
    first_audible_sample: "First audible sample",
    reply: "Reply",
    vad_end: "Voice stopped",
    transcript: "Last words known",
    turn_decided: "Turn taken for ended",
    llm: "LLM, first token",
    tts: "TTS, first byte",
  },
};

export type Words = typeof en;
