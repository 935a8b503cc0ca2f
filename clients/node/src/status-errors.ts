/** Converts gRPC errors to the error of the client. */

import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack, type Duration } from "@bufbuild/protobuf/wkt";
import { type ServiceError, status } from "@grpc/grpc-js";

import { type ErrorReason, HushpostError, type StatusCode } from "./errors.js";
import {
  ErrorInfoSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";
import { ErrorReason as WireReason } from "./gen/hushpost/v1/errors_pb.js";

// The key of a serialized `google.rpc.Status`: "Richer error model" in the gRPC guides.
const STATUS_TRAILER = "grpc-status-details-bin";

/** What the details of an error say. */
interface Details {
  reason?: string;
  metadata?: Readonly<Record<string, string>>;
  retryAfterMs?: number;
  callId?: string;
}

/**
 * Returns the client's error for a failed call.
 *
 * @throws the error itself, if it is not gRPC's.
 */
export function translate(error: unknown, requestId: string | undefined): HushpostError {
  if (!isServiceError(error)) {
    throw error;
  }
  const code = statusCode(error.code);
  const details = unpack(error);
  // Without a reason, the message is gRPC's own, which does not name the status.
  return new HushpostError(`${details.reason ?? code}: ${error.details || "no details"}`, {
    // gRPC ends calls that arrive while an authority stops, and streams that are not read.
    code: code === "CANCELLED" ? "UNAVAILABLE" : code,
    ...details,
    requestId,
  });
}

/** Returns the reason of a rejected item; an unknown one is named by its number. */
export function reasonFromWire(number: WireReason): ErrorReason {
  return number === WireReason.UNSPECIFIED ? "0" : (WireReason[number] ?? String(number));
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error;
}

function statusCode(number: number): StatusCode {
  const name = status[number];
  return name === undefined || name === "OK" ? "UNKNOWN" : (name as StatusCode);
}

/** Unpacks the error details; malformed ones are ignored, because the status is known. */
function unpack(error: ServiceError): Details {
  const details: Details = {};
  const trailer = error.metadata?.get(STATUS_TRAILER)[0];
  if (trailer === undefined || typeof trailer === "string") {
    return details;
  }
  try {
    for (const detail of fromBinary(StatusSchema, trailer).details) {
      const info = anyUnpack(detail, ErrorInfoSchema);
      if (info?.reason) {
        details.reason = info.reason;
        details.metadata = info.metadata;
      }
      const callId = anyUnpack(detail, RequestInfoSchema)?.requestId;
      if (callId) {
        details.callId = callId;
      }
      const delay = anyUnpack(detail, RetryInfoSchema)?.retryDelay;
      if (delay !== undefined) {
        details.retryAfterMs = milliseconds(delay);
      }
    }
  } catch {
    return details;
  }
  return details;
}

function milliseconds(duration: Duration): number {
  return Number(duration.seconds) * 1000 + duration.nanos / 1_000_000;
}
