/** Opens, clicks, and the links that an edge redirects to. */

import type { CallOptions, RequestIdOption } from "./calls.js";
import type { Verdict } from "./enums.js";
import type { ErrorReason } from "./errors.js";

/** What is known about an event. */
export interface EventDetails {
  /** What caused it, as classified by the edge. Default: UNKNOWN. */
  readonly verdict?: Verdict;
  /**
   * Whether the browser sent `Sec-GPC: 1` or `DNT: 1`. Such an event is never stored as
   * IDENTIFIED.
   */
  readonly privacySignal?: boolean;
  /**
   * Whether the same client caused the same event shortly before. Such an event is not
   * counted if its mode is AGGREGATE.
   */
  readonly repeated?: boolean;
}

/** Options of `recordOpen`. */
export interface RecordOpenOptions extends EventDetails, CallOptions, RequestIdOption {
  /**
   * When it was opened; at most five minutes ahead of and 30 days behind the authority's
   * clock. Default: now.
   */
  readonly openTime?: Date;
}

/** Options of `recordClick`. */
export interface RecordClickOptions extends EventDetails, CallOptions, RequestIdOption {
  /** When it was clicked; like `openTime`. */
  readonly clickTime?: Date;
}

/** Options of `recordEvents`. */
export interface RecordEventsOptions extends CallOptions, RequestIdOption {}

/** Options of `watchLinks`. */
export interface WatchLinksOptions {
  /** The last cursor received. Default: start with all existing links. */
  readonly cursor?: string;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}

/** An open or a click to record. */
export interface TrackingEvent extends EventDetails {
  /** The token from the URL, 56 characters of base64url. */
  readonly token: string;
  /** 1…n for a click on that link; undefined for an open. */
  readonly linkNumber?: number;
  /** When it happened; like `openTime`. */
  readonly eventTime?: Date;
}

/** An event of a batch that was rejected. */
export interface RejectedEvent {
  /** Its position in the batch, from 0. */
  readonly index: number;
  /** The reason to branch on. */
  readonly reason: ErrorReason;
  /** A human-readable message; may change between versions. */
  readonly message: string;
}

/** The result of `recordEvents`. Events that are not in `rejected` are committed. */
export interface RecordedEvents {
  /**
   * How many events were accepted. A call that repeats an earlier request id returns the same
   * number and counts nothing twice.
   */
  readonly acceptedCount: number;
  /** The rejected events by ascending index. */
  readonly rejected: readonly RejectedEvent[];
}

/** A link of any campaign, as an edge stores it. */
export interface WatchedLink {
  /** The campaign: bytes 2 to 9 of the token, big-endian. */
  readonly campaignNumber: bigint;
  /** 1…n in the campaign. */
  readonly linkNumber: number;
  /** Where to redirect. */
  readonly url: string;
}

/** A part of the stream of links, in the order of their registration. */
export interface LinkUpdate {
  /** At most 1,000. May be empty. */
  readonly links: readonly WatchedLink[];
  /**
   * The position after these links. Store it together with them, and pass it to `watchLinks`
   * to continue from here.
   */
  readonly cursor: string;
  /** Whether the stream has delivered every link that was registered before the call. */
  readonly snapshotComplete: boolean;
}
