/** Converts statistics from the wire. A message that is absent there has only zeros. */

import { create } from "@bufbuild/protobuf";

import * as wire from "./gen/hushpost/v1/stats_pb.js";
import type * as types from "./stats-types.js";
import { toDate, toRequiredDate } from "./times.js";

/** Converts the statistics of a campaign. */
export function campaignStats(
  message: wire.CampaignStats = create(wire.CampaignStatsSchema),
): types.CampaignStats {
  return {
    campaignId: message.campaignId,
    release: release(message.release),
    sent: sent(message.sent),
    clicksSent: sent(message.clicksSent),
    opens: signal(message.opens),
    clicks: signal(message.clicks),
    rates: rates(message.rates),
    groups: message.groups.map(group),
    otherGroups: message.otherGroups && group(message.otherGroups),
    links: message.links.map(link),
    hours: message.hours.map(hour),
  };
}

/** Converts a page of groups. */
export function groupPage(message: wire.ListGroupStatsResponse): types.StatsPage<types.GroupStats> {
  return {
    items: message.groups.map(group),
    nextPageToken: message.nextPageToken || undefined,
    totalSize: message.totalSize,
    otherGroups: message.otherGroups && group(message.otherGroups),
  };
}

/** Converts a page of links. */
export function linkPage(message: wire.ListLinkStatsResponse): types.StatsPage<types.LinkStats> {
  return {
    items: message.links.map(link),
    nextPageToken: message.nextPageToken || undefined,
    totalSize: message.totalSize,
    otherGroups: undefined,
  };
}

/** Converts the statistics of a group. */
export function group(message: wire.GroupStats): types.GroupStats {
  return {
    groupId: message.groupId,
    sent: sent(message.sent),
    clicksSent: sent(message.clicksSent),
    opens: signal(message.opens),
    clicks: signal(message.clicks),
    rates: rates(message.rates),
  };
}

/** Converts the statistics of a link. */
export function link(message: wire.LinkStats): types.LinkStats {
  return {
    linkNumber: message.linkNumber,
    url: message.url,
    label: message.label || undefined,
    clicks: signal(message.clicks),
  };
}

/** Converts a contact that opened or clicked. */
export function engagedContact(message: wire.EngagedContact): types.EngagedContact {
  return {
    contactId: message.contactId,
    openCount: Number(message.openCount),
    clickCount: Number(message.clickCount),
    firstEventTime: toRequiredDate(message.firstEventTime),
    lastEventTime: toRequiredDate(message.lastEventTime),
  };
}

function hour(message: wire.HourStats): types.HourStats {
  return {
    startTime: toRequiredDate(message.startTime),
    sent: sent(message.sent),
    opens: signal(message.opens),
    clicks: signal(message.clicks),
  };
}

function sent(message: wire.SentStats | undefined): types.SentStats {
  return {
    total: Number(message?.total ?? 0),
    identified: Number(message?.identified ?? 0),
    anonymous: Number(message?.anonymous ?? 0),
    aggregate: Number(message?.aggregate ?? 0),
    off: Number(message?.off ?? 0),
    margin: Number(message?.margin ?? 0),
  };
}

function signal(message: wire.SignalStats | undefined): types.SignalStats {
  return { human: engagement(message?.human), machine: engagement(message?.machine) };
}

function engagement(message: wire.EngagementStats | undefined): types.EngagementStats {
  return {
    identified: {
      total: Number(message?.identified?.total ?? 0),
      unique: Number(message?.identified?.unique ?? 0),
    },
    anonymous: estimate(message?.anonymous),
    aggregate: estimate(message?.aggregate),
    combined: estimate(message?.combined),
  };
}

function estimate(message: wire.Estimate | undefined): types.Estimate | undefined {
  return (
    message && {
      total: Number(message.total),
      unique: Number(message.unique),
      margin: Number(message.margin),
      isNoise: message.isNoise,
    }
  );
}

function rates(message: wire.Rates | undefined): types.Rates {
  return {
    openRate: rate(message?.openRate),
    clickThroughRate: rate(message?.clickThroughRate),
    clickToOpenRate: rate(message?.clickToOpenRate),
  };
}

function rate(message: wire.Rate | undefined): types.Rate {
  return {
    combined: message?.combined ?? 0,
    identified: message?.identified ?? 0,
    anonymous: message?.anonymous ?? 0,
    margin: message?.margin ?? 0,
  };
}

function release(message: wire.ReleaseInfo | undefined): types.ReleaseInfo {
  return {
    exact: message?.exact ?? false,
    epsilon: message?.epsilon ?? 0,
    releaseTime: toDate(message?.releaseTime),
    nextReleaseTime: toDate(message?.nextReleaseTime),
  };
}
