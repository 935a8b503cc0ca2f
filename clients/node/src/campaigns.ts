/** Campaigns and their tokens. */

import { type Calls, requestIdOrNew, type TenantOptions } from "./calls.js";
import type * as types from "./campaign-types.js";
import * as wire from "./campaign-wire.js";
import { MODE } from "./enum-codecs.js";
import { CampaignService, type ListCampaignsResponse } from "./gen/hushpost/v1/campaign_pb.js";

const service = CampaignService.method;

/**
 * Registers campaigns and issues their tokens. Requires a key of role SENDER.
 *
 * Keys of role REPORTER may call `getCampaign`, `getCampaignMessage`, `listCampaigns` and
 * `campaignsPage`. All methods reject with `HushpostError`; the reasons TENANT_NOT_ALLOWED
 * and DATABASE_UNAVAILABLE are possible everywhere.
 */
export class Campaigns {
  readonly #calls: Calls;

  /** @internal */
  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /**
   * Creates a campaign with its links and groups.
   *
   * Reasons: ID_INVALID, FIELD_INVALID, LINK_URL_INVALID (metadata `index`), LIMIT_EXCEEDED,
   * CAMPAIGN_ALREADY_EXISTS, REQUEST_ID_INVALID, REQUEST_ID_REUSED.
   */
  async createCampaign(options: types.CreateCampaignOptions = {}): Promise<types.CreatedCampaign> {
    const request = {
      tenantId: options.tenantId,
      campaignId: options.campaignId,
      displayName: options.displayName,
      links: wire.newLinks(options.links),
      groups: wire.newGroups(options.groups),
      maxMode: MODE.toWire(options.maxMode),
      messageHtml: options.messageHtml,
      requestId: requestIdOrNew(options),
    };
    const response = await this.#calls.unary(service.createCampaign, request, options);
    return wire.createdCampaign(response);
  }

  /**
   * Adds links and groups to an open campaign; returns the whole campaign.
   *
   * New links are numbered after the existing ones. Groups that exist are left as they are;
   * FIELD_INVALID if one has another `maxMode` than you give.
   *
   * Reasons: those of `createCampaign` except CAMPAIGN_ALREADY_EXISTS; CAMPAIGN_NOT_FOUND,
   * CAMPAIGN_CLOSED.
   */
  async extendCampaign(
    campaignId: string,
    options: types.ExtendCampaignOptions,
  ): Promise<types.Campaign> {
    const request = {
      tenantId: options.tenantId,
      campaignId,
      links: wire.newLinks(options.links),
      groups: wire.newGroups(options.groups),
      requestId: requestIdOrNew(options),
    };
    const response = await this.#calls.unary(service.extendCampaign, request, options);
    return wire.campaign(response.campaign);
  }

  /**
   * Returns a campaign with its links and groups.
   *
   * Reasons: CAMPAIGN_NOT_FOUND.
   */
  async getCampaign(campaignId: string, options: TenantOptions = {}): Promise<types.Campaign> {
    const request = { tenantId: options.tenantId, campaignId };
    const response = await this.#calls.unary(service.getCampaign, request, options);
    return wire.campaign(response.campaign);
  }

  /**
   * Returns the HTML of a campaign's message, as `createCampaign` got it. Treat it as
   * untrusted when you show it.
   *
   * Reasons: CAMPAIGN_NOT_FOUND, CAMPAIGN_MESSAGE_NOT_FOUND.
   */
  async getCampaignMessage(campaignId: string, options: TenantOptions = {}): Promise<string> {
    const request = { tenantId: options.tenantId, campaignId };
    return (await this.#calls.unary(service.getCampaignMessage, request, options)).html;
  }

  /**
   * Iterates over the tenant's campaigns, without links and groups. Pages are fetched on
   * demand.
   *
   * Reasons: FIELD_INVALID, PAGE_SIZE_INVALID.
   */
  async *listCampaigns(
    options: types.ListCampaignsOptions = {},
  ): AsyncGenerator<types.Campaign, void, undefined> {
    for await (const page of this.#calls.pages((token) => this.#page(options, token))) {
      yield* page.campaigns.map(wire.campaign);
    }
  }

  /**
   * Returns one page of what `listCampaigns` iterates over.
   *
   * Reasons: FIELD_INVALID, PAGE_SIZE_INVALID, PAGE_TOKEN_INVALID.
   */
  async campaignsPage(
    options: types.ListCampaignsOptions & types.PageOptions = {},
  ): Promise<types.CampaignPage> {
    return wire.campaignPage(await this.#page(options, options.pageToken, options.skip));
  }

  /**
   * Closes a campaign, so that it gets no more links, groups or tokens. Its events are still
   * recorded and its links still redirect. Closing a closed campaign has no effect.
   *
   * Reasons: CAMPAIGN_NOT_FOUND.
   */
  async closeCampaign(campaignId: string, options: TenantOptions = {}): Promise<types.Campaign> {
    const request = { tenantId: options.tenantId, campaignId };
    const response = await this.#calls.unary(service.closeCampaign, request, options);
    return wire.campaign(response.campaign);
  }

  /**
   * Issues the tokens of one message per contact, for 1 to 10,000 contacts of one group.
   *
   * Counts one sent message per contact, once per request id. Creates unknown contacts as
   * UNSET. Repeating the call with its request id returns the same tokens. A contact that was
   * issued to in the campaign before, or that occurs twice, gets a message in mode AGGREGATE,
   * so that it never counts as several people.
   *
   * @param contactIds 1 to 128 bytes of UTF-8 each.
   * @returns one item per contact, in the same order.
   *
   * Reasons: CAMPAIGN_NOT_FOUND, GROUP_NOT_FOUND, CAMPAIGN_CLOSED, ISSUE_KEY_REQUIRED,
   * ISSUE_KEY_INVALID, LIMIT_EXCEEDED, BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID
   * (metadata `index`), REQUEST_ID_INVALID, REQUEST_ID_REUSED.
   */
  async issueTokens(
    campaignId: string,
    groupId: string,
    contactIds: Iterable<string>,
    options: types.IssueTokensOptions = {},
  ): Promise<types.IssuedToken[]> {
    const contacts = Array.from(contactIds);
    const request = {
      tenantId: options.tenantId,
      campaignId,
      groupId,
      contactIds: contacts,
      includePreferenceTokens: options.includePreferenceTokens,
      issueKey: options.issueKey,
      requestId: requestIdOrNew(options),
    };
    const response = await this.#calls.unary(service.issueTokens, request, options);
    return wire.issuedTokens(contacts, response);
  }

  /**
   * Returns the modes that the first messages to some contacts would have now. Issues
   * nothing, counts nothing as sent and creates no contacts.
   *
   * @param contactIds 1 to 10,000 contacts. Unknown ones have not decided.
   *
   * Reasons: CAMPAIGN_NOT_FOUND, GROUP_NOT_FOUND, BATCH_EMPTY, BATCH_TOO_LARGE,
   * CONTACT_ID_INVALID (metadata `index`), FIELD_INVALID.
   */
  async previewModes(
    contactIds: Iterable<string>,
    options: types.PreviewModesOptions = {},
  ): Promise<types.MessageModes[]> {
    const contacts = Array.from(contactIds);
    const request = {
      tenantId: options.tenantId,
      campaignId: options.campaignId,
      groupId: options.groupId,
      contactIds: contacts,
    };
    const response = await this.#calls.unary(service.previewModes, request, options);
    return wire.messageModes(contacts, response);
  }

  async #page(
    options: types.ListCampaignsOptions,
    pageToken?: string,
    skip?: number,
  ): Promise<ListCampaignsResponse> {
    const { tenantId, filter, orderBy, pageSize } = options;
    const request = { tenantId, filter, orderBy, pageSize, pageToken, skip };
    return this.#calls.unary(service.listCampaigns, request, options);
  }
}
