// Why a message or a request came to nothing.

export type ChannelErrorKind =
  /** The channel was closed, by the page or for good. */
  | "closed"
  /** Too many messages wait, and this one has waited longest. */
  | "overflow"
  /** The message is larger than a frame may be. */
  | "too-large"
  /** The sender took it back before it was sent. */
  | "withdrawn";

export class ChannelError extends Error {
  constructor(
    readonly kind: ChannelErrorKind,
    message: string,
  ) {
    super(message);
    this.name = "ChannelError";
  }
}

export type AiErrorKind = "timeout" | "cancelled" | "refused" | "busy" | "failed";

export class AiError extends Error {
  constructor(
    readonly kind: AiErrorKind,
    message: string,
  ) {
    super(message);
    this.name = "AiError";
  }
}
