// The library: what a page of your own imports from firstword.js.

export { type AudioFault, type AudioGrade, gradeInWords } from "./audio/audioGrade";
export { ClearAudio, type ClearAudioLook, type ClearAudioSummary } from "./audio/clearAudio";
export { type SoundDevice, followPermission, onDevicesChanged, soundDevices } from "./audio/devices";
export { Levels, type LevelsEvents } from "./audio/levels";
export { type GrantedSound, Microphone, type MicrophoneEvents } from "./audio/microphone";
export { ResponseGaps, type ResponseGapsSummary } from "./audio/responseGaps";
export { type MicrophoneSound, microphoneSound } from "./audio/roomSound";
export { Speaker } from "./audio/speaker";
export {
  Call,
  type CallEvents,
  type CallMicrophone,
  type CallOptions,
  type CallState,
  type CallTransport,
  type Notice,
  type NoticeCode,
  type Side,
  type Timings,
} from "./call";
export { AiClient, type AiClientOptions, type AiFigures, type AskOptions } from "./channel/aiClient";
export { AiError, type AiErrorKind, ChannelError } from "./channel/channelError";
export {
  type ChannelEnd,
  type ChannelEvents,
  type ChannelFigures,
  type ChannelOptions,
  type ChannelState,
  ControlChannel,
} from "./channel/controlChannel";
export { CallFailure, type FailureCode, type FailureDetails } from "./failure";
export { type LiveKitOptions, LiveKitTransport } from "./livekit/liveKitTransport";
export { fitted, sendReport } from "./monitor/beacon";
export { PerformanceMonitor } from "./monitor/performanceMonitor";
export type { CallReport, LatencyName, Report } from "./monitor/report";
export { ResourceManager } from "./resources";
export { type Line, Transcript, type WordsPart } from "./transcript";
export type { CloseReason, Joined, Step, Transport, TransportEvents, TransportKind } from "./transport";
export { WhipClient, type WhipEvents, type WhipOptions, type WhipState, type WhipStep } from "./whip/client";
export { WhipError } from "./whip/requests";
export { WhipTransport, type WhipTransportOptions } from "./whip/transport";
