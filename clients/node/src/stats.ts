/** Statistics of campaigns. */

import { isDeepStrictEqual } from "node:util";

import type { Calls } from "./calls.js";
import type { PageOptions } from "./campaign-types.js";
import { ENGAGEMENT, STATS_VIEW } from "./enum-codecs.js";
import {
  type ListGroupStatsResponse,
  type ListLinkStatsResponse,
  StatsService,
} from "./gen/hushpost/v1/stats_pb.js";
import type * as types from "./stats-types.js";
import * as wire from "./stats-wire.js";

const service = StatsService.method;

/**
 * Reads the statistics of campaigns. Requires a key of role REPORTER.
 *
 * All methods reject with `HushpostError`; the reason TENANT_NOT_ALLOWED is possible
 * everywhere.
 */
export class Stats {
  readonly #calls: Calls;

  /** @internal */
  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /**
   * Returns the statistics of a campaign: in total, by group, by link and by hour.
   *
   * A campaign can have thousands of groups and links; `listGroupStats` and `listLinkStats`
   * sort, filter and page them.
   *
   * Reasons: CAMPAIGN_NOT_FOUND, DATABASE_UNAVAILABLE.
   */
  async getCampaignStats(
    campaignId: string,
    options: types.StatsOptions = {},
  ): Promise<types.CampaignStats> {
    const request = {
      tenantId: options.tenantId,
      campaignId,
      view: STATS_VIEW.toWire(options.view),
    };
    const response = await this.#calls.unary(service.getCampaignStats, request, options);
    return wire.campaignStats(response.stats);
  }

  /**
   * Yields the present statistics of a campaign, then whenever they change, without end.
   *
   * At most once a second. If you read more slowly, you miss some; the last ones you get are
   * always current. Anonymous counts change only when they are released. Reconnects for as
   * long as the authority is UNAVAILABLE, and continues with the then present statistics if
   * they differ. Leaving the loop ends the stream; it has no timeout.
   *
   * Reasons: CAMPAIGN_NOT_FOUND, OVERLOADED.
   */
  async *watchCampaignStats(
    campaignId: string,
    options: types.StatsOptions = {},
  ): AsyncGenerator<types.CampaignStats, void, undefined> {
    const request = {
      tenantId: options.tenantId,
      campaignId,
      view: STATS_VIEW.toWire(options.view),
    };
    let latest: types.CampaignStats | undefined;
    const stream = this.#calls.stream(service.watchCampaignStats, () => request, options.signal);
    for await (const response of stream) {
      const stats = wire.campaignStats(response.stats);
      if (!isDeepStrictEqual(stats, latest)) {
        latest = stats;
        yield stats;
      }
    }
  }

  /**
   * Iterates over the statistics of a campaign's groups. Pages are fetched on demand. If
   * numbers change meanwhile, a list that is sorted by them can repeat or leave out a group.
   *
   * Reasons: CAMPAIGN_NOT_FOUND, FIELD_INVALID, PAGE_SIZE_INVALID.
   */
  async *listGroupStats(
    campaignId: string,
    options: types.ListStatsOptions = {},
  ): AsyncGenerator<types.GroupStats, void, undefined> {
    const pages = this.#calls.pages((pageToken) =>
      this.#groups(campaignId, { ...options, pageToken }),
    );
    for await (const page of pages) {
      yield* page.groups.map(wire.group);
    }
  }

  /**
   * Returns one page of what `listGroupStats` iterates over. The numbers are those of the last
   * `getCampaignStats` if that was less than a second ago.
   *
   * Reasons: CAMPAIGN_NOT_FOUND, FIELD_INVALID, PAGE_SIZE_INVALID, PAGE_TOKEN_INVALID.
   */
  async groupStatsPage(
    campaignId: string,
    options: types.ListStatsOptions & PageOptions = {},
  ): Promise<types.StatsPage<types.GroupStats>> {
    return wire.groupPage(await this.#groups(campaignId, options));
  }

  /** Iterates over the statistics of a campaign's links, like `listGroupStats`. */
  async *listLinkStats(
    campaignId: string,
    options: types.ListStatsOptions = {},
  ): AsyncGenerator<types.LinkStats, void, undefined> {
    const pages = this.#calls.pages((pageToken) =>
      this.#links(campaignId, { ...options, pageToken }),
    );
    for await (const page of pages) {
      yield* page.links.map(wire.link);
    }
  }

  /** Returns one page of what `listLinkStats` iterates over, like `groupStatsPage`. */
  async linkStatsPage(
    campaignId: string,
    options: types.ListStatsOptions & PageOptions = {},
  ): Promise<types.StatsPage<types.LinkStats>> {
    return wire.linkPage(await this.#links(campaignId, options));
  }

  /**
   * Iterates over the contacts that opened or clicked, in no particular order. Only contacts
   * whose mode is IDENTIFIED, at the event and now. Pages are fetched on demand.
   *
   * Reasons: CAMPAIGN_NOT_FOUND, LINK_NOT_FOUND, PAGE_SIZE_INVALID.
   */
  async *listEngagedContacts(
    campaignId: string,
    options: types.ListEngagedContactsOptions = {},
  ): AsyncGenerator<types.EngagedContact, void, undefined> {
    const { tenantId, linkNumber, includeMachine, pageSize } = options;
    const engagement = ENGAGEMENT.toWire(options.engagement);
    const pages = this.#calls.pages(async (pageToken) => {
      const filters = { engagement, linkNumber, includeMachine };
      const request = { tenantId, campaignId, ...filters, pageSize, pageToken };
      return this.#calls.unary(service.listEngagedContacts, request, options);
    });
    for await (const page of pages) {
      yield* page.contacts.map(wire.engagedContact);
    }
  }

  async #groups(
    campaignId: string,
    options: types.ListStatsOptions & PageOptions,
  ): Promise<ListGroupStatsResponse> {
    return this.#calls.unary(service.listGroupStats, listRequest(campaignId, options), options);
  }

  async #links(
    campaignId: string,
    options: types.ListStatsOptions & PageOptions,
  ): Promise<ListLinkStatsResponse> {
    return this.#calls.unary(service.listLinkStats, listRequest(campaignId, options), options);
  }
}

function listRequest(campaignId: string, options: types.ListStatsOptions & PageOptions) {
  const { tenantId, filter, orderBy, pageSize, pageToken, skip } = options;
  return { tenantId, campaignId, filter, orderBy, pageSize, pageToken, skip };
}
