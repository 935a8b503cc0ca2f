/** Converts times to and from the wire. */

import { type Timestamp, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";

/**
 * Returns a date as a message; undefined stays absent.
 *
 * @throws {TypeError} if the date is invalid, as `new Date("")` is.
 */
export function toTimestamp(date: Date | undefined): Timestamp | undefined {
  if (date === undefined) {
    return undefined;
  }
  if (Number.isNaN(date.getTime())) {
    throw new TypeError("the date is invalid");
  }
  return timestampFromDate(date);
}

/** Returns a message as a date, rounded down to milliseconds; absent stays undefined. */
export function toDate(timestamp: Timestamp | undefined): Date | undefined {
  return timestamp === undefined ? undefined : timestampDate(timestamp);
}

/** Returns a field that the authority always sets as a date. */
export function toRequiredDate(timestamp: Timestamp | undefined): Date {
  return toDate(timestamp) ?? new Date(0);
}
