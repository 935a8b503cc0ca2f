/** Campaigns, their links, and the tokens of their messages. */

import type { RequestIdOption, TenantOptions } from "./calls.js";
import type { Mode } from "./enums.js";

/** A link to register. */
export interface NewLink {
  /** An absolute http or https URL of at most 8,192 bytes. */
  readonly url: string;
  /** The place of the link in the message, such as "header"; at most 128 bytes. */
  readonly label?: string;
}

/** A group to register. */
export interface NewGroup {
  /** 1 to 128 bytes of UTF-8. */
  readonly groupId: string;
  /**
   * How many messages the group will get at most. Default: 16,384. Someone who reads the
   * authority's database can tell the messages beyond that number from the earlier ones. A
   * message counts as two if its opens are IDENTIFIED and its clicks ANONYMOUS, or the other
   * way round.
   */
  readonly expectedMessages?: number;
  /**
   * The most revealing mode that its messages may have, such as AGGREGATE for a mailing to
   * minors. Default: no limit. It cannot be changed.
   */
  readonly maxMode?: Mode;
}

/** The links and groups of a campaign to create or to extend. */
export interface CampaignContent {
  /** At most 10,000, numbered 1…n in this order; a string is a URL without a label. */
  readonly links?: Iterable<NewLink | string>;
  /** At most 10,000 with distinct ids; a string is the id of a group of unknown size. */
  readonly groups?: Iterable<NewGroup | string>;
}

/** Options of `createCampaign`. */
export interface CreateCampaignOptions extends CampaignContent, TenantOptions, RequestIdOption {
  /** 1 to 128 bytes of UTF-8. Default: the authority generates one. */
  readonly campaignId?: string;
  /** A human-readable name of at most 256 bytes. */
  readonly displayName?: string;
  /** The most revealing mode that its messages may have; cannot be changed. */
  readonly maxMode?: Mode;
  /**
   * The HTML of the message, for pictures of it in reports: at most 1 MiB of UTF-8, without
   * anything personal. It cannot be changed.
   */
  readonly messageHtml?: string;
}

/** Options of `extendCampaign`. */
export interface ExtendCampaignOptions extends CampaignContent, TenantOptions, RequestIdOption {}

/** Options of `listCampaigns`. */
export interface ListCampaignsOptions extends TenantOptions {
  /** Only campaigns whose id or display name contains this text, in upper or lower case. */
  readonly filter?: string;
  /**
   * "create_time desc", "create_time", "display_name" or "display_name desc". Default: the
   * newest first.
   */
  readonly orderBy?: string;
  /** Campaigns per page, at most 1,000. Default: 100. */
  readonly pageSize?: number;
}

/** Which page of a list to return. */
export interface PageOptions {
  /**
   * The `nextPageToken` of the page before, with the same filter and order. Default: the
   * first page.
   */
  readonly pageToken?: string;
  /** How many items to leave out before the page. */
  readonly skip?: number;
}

/** Options of `issueTokens`. */
export interface IssueTokensOptions extends TenantOptions, RequestIdOption {
  /** Whether to issue tokens for the contacts' preference pages too. */
  readonly includePreferenceTokens?: boolean;
  /**
   * The issue key of the created campaign; needed once by API keys other than the one that
   * created the campaign.
   */
  readonly issueKey?: Uint8Array;
}

/** Options of `previewModes`. */
export interface PreviewModesOptions extends TenantOptions {
  /** The campaign. Default: one that would be created now. */
  readonly campaignId?: string;
  /** The group of the campaign; only with a campaign. */
  readonly groupId?: string;
}

/** A registered link of a campaign. */
export interface Link {
  /** 1…n in the campaign. */
  readonly linkNumber: number;
  /** The destination, byte for byte as registered. */
  readonly url: string;
  readonly label: string | undefined;
}

/** A group of a campaign. */
export interface Group {
  readonly groupId: string;
  /** The most revealing mode that its messages may have; IDENTIFIED means no limit. */
  readonly maxMode: Mode | undefined;
}

/** A mailing. */
export interface Campaign {
  readonly tenantId: string;
  /** The id that the tenant gave it, or that the authority generated. */
  readonly campaignId: string;
  readonly displayName: string | undefined;
  /** The number that its tokens contain: 64 bits. */
  readonly campaignNumber: bigint;
  /** Its links by number; empty in lists of campaigns. */
  readonly links: readonly Link[];
  /** Its groups, in the order they were added; empty in lists of campaigns. */
  readonly groups: readonly Group[];
  readonly createTime: Date;
  /** When it was closed; undefined while it is open. */
  readonly closeTime: Date | undefined;
  /** The most revealing mode that its messages may have; IDENTIFIED means no limit. */
  readonly maxMode: Mode | undefined;
}

/** The result of `createCampaign`. It hides the issue key where it is printed, and from JSON. */
export interface CreatedCampaign {
  readonly campaign: Campaign;
  /**
   * The secret that other API keys of the tenant must pass to `issueTokens` once. Undefined
   * if another API key repeats the call. Keep it like an API key.
   */
  readonly issueKey: Uint8Array | undefined;
}

/** A page of campaigns. */
export interface CampaignPage {
  /** The campaigns, without links and groups. */
  readonly items: readonly Campaign[];
  /** Pass as `pageToken` to get the next page; undefined on the last page. */
  readonly nextPageToken: string | undefined;
  /** How many campaigns match the filter, on all pages. */
  readonly totalSize: number;
}

/**
 * The tokens of one message. `token` and `clickToken` are equal for most messages. It hides them
 * where it is printed; JSON has them.
 */
export interface IssuedToken {
  /** The recipient of the message. */
  readonly contactId: string;
  /** The mode of the message's opens. */
  readonly mode: Mode | undefined;
  /**
   * The token for the pixel, 56 characters of base64url; undefined for no pixel. With mode
   * OFF, it updates the date of the contact's last open and nothing else.
   */
  readonly token: string | undefined;
  /** The token for the contact's preference page; undefined unless requested. */
  readonly preferenceToken: string | undefined;
  /** The mode of the message's clicks. */
  readonly clickMode: Mode | undefined;
  /** The token for all links; undefined for unchanged links. */
  readonly clickToken: string | undefined;
}

/** The modes that a contact's message would have. */
export interface MessageModes {
  readonly contactId: string;
  /** The mode of opens. */
  readonly mode: Mode | undefined;
  /** The mode of clicks. */
  readonly clickMode: Mode | undefined;
}
