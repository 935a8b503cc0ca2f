/** The statistics of a campaign. Counts are numbers: they stay far below 2^53. */

import type { TenantOptions } from "./calls.js";
import type { Engagement, StatsView } from "./enums.js";

/** Options of `getCampaignStats` and `watchCampaignStats`. */
export interface StatsOptions extends TenantOptions {
  /** Which parts to read. Default: FULL. */
  readonly view?: StatsView;
}

/** Options of `listGroupStats` and `listLinkStats`. */
export interface ListStatsOptions extends TenantOptions {
  /** Only groups or links that contain this text in id, URL or label, in any case. */
  readonly filter?: string;
  /**
   * A field, and optionally " desc". Groups: "group_id", "sent", "opens", "clicks",
   * "open_rate", "click_through_rate", "click_to_open_rate". Links: "link_number", "url",
   * "label", "clicks". Default: in the order of their creation.
   */
  readonly orderBy?: string;
  /** Items per page, at most 1,000. Default: 100. */
  readonly pageSize?: number;
}

/** Options of `listEngagedContacts`. */
export interface ListEngagedContactsOptions extends TenantOptions {
  /** Which contacts to list. Default: ANY. */
  readonly engagement?: Engagement;
  /** With CLICKED, only clicks on this link. Default: any link. */
  readonly linkNumber?: number;
  /** Whether events with the verdict PREFETCH or SCANNER count. */
  readonly includeMachine?: boolean;
  /** Contacts per page, at most 1,000. Default: 100. */
  readonly pageSize?: number;
}

/** A number of events and of distinct messages. */
export interface Count {
  /** All events, including repeats. */
  readonly total: number;
  /** Distinct messages, each counted once. */
  readonly unique: number;
}

/** A released number: the count plus random noise, unless counts are exact. */
export interface Estimate {
  /** Events: of aggregate events; of anonymous ones only if counts are exact, otherwise 0. */
  readonly total: number;
  /** People; 0 for aggregate events. */
  readonly unique: number;
  /** With a probability of 95%, the noise is at most this. 0 if exact. */
  readonly margin: number;
  /** Whether the number is smaller than its margin, so that it cannot be told from noise. */
  readonly isNoise: boolean;
}

/**
 * Counts by what is known about the contacts.
 *
 * The estimates are undefined before the first release, in hours, and for groups that share
 * their counts with others (`CampaignStats.otherGroups`).
 */
export interface EngagementStats {
  /** Events that name a contact. Exact. */
  readonly identified: Count;
  /** People with anonymous messages. */
  readonly anonymous: Estimate | undefined;
  /** Events of whole groups, and of browsers that sent a privacy signal. */
  readonly aggregate: Estimate | undefined;
  /** People, identified and anonymous: the number to read first. */
  readonly combined: Estimate | undefined;
}

/** Opens or clicks, by human and machine. */
export interface SignalStats {
  /** Events with the verdict HUMAN, PROXY or UNKNOWN. */
  readonly human: EngagementStats;
  /** Events with the verdict PREFETCH or SCANNER. */
  readonly machine: EngagementStats;
}

/**
 * How many messages were sent. The numbers by mode are those of the last release, 0 before it
 * and for groups that share their counts; live if counts are exact.
 */
export interface SentStats {
  /** All messages. Live. */
  readonly total: number;
  readonly identified: number;
  readonly anonymous: number;
  readonly aggregate: number;
  readonly off: number;
  /** With a probability of 95%, the noise of each mode's number is at most this. */
  readonly margin: number;
}

/** A rate from 0 to 1; 0 where the denominator is 0. Both parts have the same denominator. */
export interface Rate {
  /** The rate of identified and anonymous people together, at most 1. */
  readonly combined: number;
  /** The share of identified people. */
  readonly identified: number;
  /** The estimated share of anonymous people; 0 where there is no estimate. */
  readonly anonymous: number;
  /** With a probability of 95%, the noise changes `combined` by at most this. */
  readonly margin: number;
}

/** Rates by unique human counts. */
export interface Rates {
  /** Opens ÷ sent, without messages whose opens are known to be in mode OFF. */
  readonly openRate: Rate;
  /** Clicks ÷ sent, without messages whose clicks are known to be OFF. */
  readonly clickThroughRate: Rate;
  /** Clicks ÷ opens. */
  readonly clickToOpenRate: Rate;
}

/** The statistics of one group. */
export interface GroupStats {
  readonly groupId: string;
  /** Messages sent, by the mode of their opens. */
  readonly sent: SentStats;
  /** The same messages, by the mode of their clicks. */
  readonly clicksSent: SentStats;
  readonly opens: SignalStats;
  /** Clicks on any link; a contact that clicked two links is one unique. */
  readonly clicks: SignalStats;
  readonly rates: Rates;
}

/** The statistics of one link, over all groups. */
export interface LinkStats {
  /** 1…n in the campaign. */
  readonly linkNumber: number;
  readonly url: string;
  readonly label: string | undefined;
  readonly clicks: SignalStats;
}

/** The statistics of one hour, over the whole campaign: identified events only. */
export interface HourStats {
  /** The start of the hour. */
  readonly startTime: Date;
  /** Messages sent in this hour, by the mode of their opens. */
  readonly sent: SentStats;
  readonly opens: SignalStats;
  readonly clicks: SignalStats;
}

/** How and when the anonymous counts of a campaign are released. */
export interface ReleaseInfo {
  /** Whether they are exact and live, without any protection. */
  readonly exact: boolean;
  /** The privacy budget per contact of all releases together; 0 if exact. */
  readonly epsilon: number;
  /** When the counts were released; undefined before the first release. */
  readonly releaseTime: Date | undefined;
  /**
   * When the next release is due; undefined before the first message and after the last
   * release.
   */
  readonly nextReleaseTime: Date | undefined;
}

/** The statistics of a campaign. */
export interface CampaignStats {
  readonly campaignId: string;
  readonly release: ReleaseInfo;
  /** Messages sent, by the mode of their opens. */
  readonly sent: SentStats;
  /** The same messages, by the mode of their clicks. */
  readonly clicksSent: SentStats;
  readonly opens: SignalStats;
  /** Clicks on any link. */
  readonly clicks: SignalStats;
  readonly rates: Rates;
  /** By group, in the order in which the groups were added. */
  readonly groups: readonly GroupStats[];
  /**
   * The groups that share their anonymous counts, together, with an empty `groupId`;
   * undefined if there are none, before the first release, and if counts are exact.
   */
  readonly otherGroups: GroupStats | undefined;
  /** By link, ascending by number. */
  readonly links: readonly LinkStats[];
  /** By hour, ascending; hours without events are left out. */
  readonly hours: readonly HourStats[];
}

/** A page of a campaign's groups or links. */
export interface StatsPage<Item> {
  readonly items: readonly Item[];
  /** Pass as `pageToken` to get the next page; undefined on the last page. */
  readonly nextPageToken: string | undefined;
  /** How many groups or links match the filter, on all pages. */
  readonly totalSize: number;
  /** With the first page of groups: those that share their anonymous counts, together. */
  readonly otherGroups: GroupStats | undefined;
}

/** A contact that opened or clicked, with its identified events. */
export interface EngagedContact {
  readonly contactId: string;
  /** How many opens, including repeats. */
  readonly openCount: number;
  /** How many clicks, including repeats. */
  readonly clickCount: number;
  readonly firstEventTime: Date;
  readonly lastEventTime: Date;
}
