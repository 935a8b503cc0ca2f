/** The error of the client: one class, with a reason to branch on. */

import type { ErrorReason as WireReason } from "./gen/hushpost/v1/errors_pb.js";

/**
 * Why the authority rejected a call, or one item of a batch. `hushpost/v1/errors.proto`
 * documents each reason and its metadata.
 */
export type KnownErrorReason = Exclude<keyof typeof WireReason, "UNSPECIFIED">;

/** A reason; a newer authority can send others than the known ones. */
export type ErrorReason = KnownErrorReason | (string & {});

/** The name of a gRPC status. */
export type StatusCode =
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS"
  | "UNAUTHENTICATED";

/** What a `HushpostError` says besides its message. */
export interface HushpostErrorFields {
  readonly code: StatusCode;
  readonly reason?: ErrorReason | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly retryAfterMs?: number | undefined;
  readonly callId?: string | undefined;
  readonly requestId?: string | undefined;
}

/** A call failed. */
export class HushpostError extends Error {
  override readonly name = "HushpostError";
  /**
   * The gRPC status. CANCELLED means that the client was closed during the call;
   * UNAVAILABLE, that all tries failed. After UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED and
   * UNKNOWN, a write may have been committed or not.
   */
  readonly code: StatusCode;
  /**
   * The reason to branch on. Undefined if the error did not come from the authority, for
   * example because it could not be reached.
   */
  readonly reason: ErrorReason | undefined;
  /** Details of the reason, such as `field` or `index`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Milliseconds to wait before the next try, as suggested by the authority. */
  readonly retryAfterMs: number | undefined;
  /**
   * Identifies the failed call in the log of the authority; quote it to the operator.
   * Undefined if the error did not come from the authority.
   */
  readonly callId: string | undefined;
  /** The request id of the write; pass it to repeat the call so that it counts once. */
  readonly requestId: string | undefined;

  constructor(message: string, fields: HushpostErrorFields) {
    super(message);
    this.code = fields.code;
    this.reason = fields.reason;
    this.metadata = fields.metadata ?? {};
    this.retryAfterMs = fields.retryAfterMs;
    this.callId = fields.callId;
    this.requestId = fields.requestId;
  }

  /**
   * Whether the same call can succeed later. Repeat a write with its `requestId`, after
   * `retryAfterMs`. Writes have been retried while the authority was UNAVAILABLE, but not
   * while it was overloaded, because that would add to the load.
   */
  get retryable(): boolean {
    return (
      this.code === "UNAVAILABLE" ||
      this.code === "DEADLINE_EXCEEDED" ||
      this.retryAfterMs !== undefined
    );
  }
}
