/** Converts events and links to and from the wire. */

import type { MessageInitShape } from "@bufbuild/protobuf";

import { VERDICT } from "./enum-codecs.js";
import type * as wire from "./gen/hushpost/v1/tracking_pb.js";
import { reasonFromWire } from "./status-errors.js";
import { toTimestamp } from "./times.js";
import type * as types from "./tracking-types.js";

/**
 * Converts an event of a batch.
 *
 * @throws {RangeError} if `linkNumber` is 0, which on the wire would be an open.
 */
export function event(event: types.TrackingEvent): MessageInitShape<typeof wire.EventSchema> {
  if (event.linkNumber === 0) {
    throw new RangeError("linkNumber starts at 1; leave it out for an open");
  }
  return {
    token: event.token,
    linkNumber: event.linkNumber,
    eventTime: toTimestamp(event.eventTime),
    ...eventDetails(event),
  };
}

/** Converts the fields that all events have. */
export function eventDetails(details: types.EventDetails) {
  return {
    verdict: VERDICT.toWire(details.verdict ?? "UNKNOWN"),
    privacySignal: details.privacySignal,
    repeated: details.repeated,
  };
}

/** Converts the result of a batch. */
export function recordedEvents(response: wire.RecordEventsResponse): types.RecordedEvents {
  return {
    acceptedCount: response.acceptedCount,
    rejected: response.rejected.map(({ index, reason, message }) => ({
      index,
      reason: reasonFromWire(reason),
      message,
    })),
  };
}

/** Converts a part of the stream of links. */
export function linkUpdate(response: wire.WatchLinksResponse): types.LinkUpdate {
  return {
    links: response.links.map(({ campaignNumber, linkNumber, url }) => ({
      campaignNumber,
      linkNumber,
      url,
    })),
    cursor: response.cursor,
    snapshotComplete: response.snapshotComplete,
  };
}
