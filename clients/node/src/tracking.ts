/** Opens, clicks and links. */

import { type CallOptions, type Calls, requestIdOrNew } from "./calls.js";
import { TrackingService } from "./gen/hushpost/v1/tracking_pb.js";
import { toTimestamp } from "./times.js";
import type * as types from "./tracking-types.js";
import * as wire from "./tracking-wire.js";

const service = TrackingService.method;

/**
 * Records opens and clicks, and resolves links. Requires a key of role EDGE.
 *
 * An event is committed to disk when its call resolves. All methods reject with
 * `HushpostError`.
 */
export class Tracking {
  readonly #calls: Calls;

  /** @internal */
  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /**
   * Records that the message of a token was opened.
   *
   * Reasons: TOKEN_INVALID, TOKEN_KEY_UNKNOWN, TENANT_NOT_ALLOWED, CAMPAIGN_NOT_FOUND,
   * EVENT_TIME_IN_FUTURE, EVENT_TIME_TOO_OLD, REQUEST_ID_INVALID, REQUEST_ID_REUSED,
   * OVERLOADED, DATABASE_UNAVAILABLE, SHUTTING_DOWN.
   */
  async recordOpen(token: string, options: types.RecordOpenOptions = {}): Promise<void> {
    const request = {
      token,
      openTime: toTimestamp(options.openTime),
      ...wire.eventDetails(options),
      requestId: requestIdOrNew(options),
    };
    await this.#calls.unary(service.recordOpen, request, options);
  }

  /**
   * Records a click on link 1…n and returns the URL to redirect to.
   *
   * Reasons: those of `recordOpen`, and LINK_NOT_FOUND.
   */
  async recordClick(
    token: string,
    linkNumber: number,
    options: types.RecordClickOptions = {},
  ): Promise<string> {
    const request = {
      token,
      linkNumber,
      clickTime: toTimestamp(options.clickTime),
      ...wire.eventDetails(options),
      requestId: requestIdOrNew(options),
    };
    return (await this.#calls.unary(service.recordClick, request, options)).url;
  }

  /**
   * Records 1 to 10,000 opens and clicks of any tenants in one call.
   *
   * Has a far higher throughput than `recordOpen` and `recordClick`. Invalid events are
   * returned by index, and the others count. Rejected events may be accepted later, under a
   * new request id, unless their reason is TOKEN_INVALID.
   *
   * Reasons: BATCH_EMPTY, BATCH_TOO_LARGE, REQUEST_ID_INVALID, REQUEST_ID_REUSED, OVERLOADED,
   * DATABASE_UNAVAILABLE, SHUTTING_DOWN.
   */
  async recordEvents(
    events: Iterable<types.TrackingEvent>,
    options: types.RecordEventsOptions = {},
  ): Promise<types.RecordedEvents> {
    const request = {
      events: Array.from(events, wire.event),
      requestId: requestIdOrNew(options),
    };
    return wire.recordedEvents(await this.#calls.unary(service.recordEvents, request, options));
  }

  /**
   * Returns the URL of a link without recording anything.
   *
   * Needs only the clear-text header of the token, so that links work in URLs that a mail
   * program has damaged.
   *
   * Reasons: TOKEN_INVALID (the header is unreadable), TENANT_NOT_ALLOWED,
   * CAMPAIGN_NOT_FOUND, LINK_NOT_FOUND, DATABASE_UNAVAILABLE.
   */
  async resolveLink(token: string, linkNumber: number, options: CallOptions = {}): Promise<string> {
    const request = { token, linkNumber };
    return (await this.#calls.unary(service.resolveLink, request, options)).url;
  }

  /**
   * Yields the links of all campaigns, then new ones as they are registered, without end.
   *
   * Resumes where it was interrupted, for as long as the authority is UNAVAILABLE. Leaving
   * the loop ends the stream.
   *
   * Reasons: CURSOR_INVALID.
   */
  async *watchLinks(
    options: types.WatchLinksOptions = {},
  ): AsyncGenerator<types.LinkUpdate, void, undefined> {
    let cursor = options.cursor ?? "";
    const stream = this.#calls.stream(service.watchLinks, () => ({ cursor }), options.signal);
    for await (const response of stream) {
      ({ cursor } = response);
      yield wire.linkUpdate(response);
    }
  }
}
