/** Converts campaigns and tokens to and from the wire. */

import type { MessageInitShape } from "@bufbuild/protobuf";

import type * as types from "./campaign-types.js";
import { MODE } from "./enum-codecs.js";
import { HushpostError } from "./errors.js";
import type * as wire from "./gen/hushpost/v1/campaign_pb.js";
import { hideFromPrint, hideFromPrintAndJson } from "./secrets.js";
import { toDate, toRequiredDate } from "./times.js";

/** Converts links to register. */
export function newLinks(
  links: Iterable<types.NewLink | string> = [],
): MessageInitShape<typeof wire.LinkSchema>[] {
  return Array.from(links, (link) => (typeof link === "string" ? { url: link } : { ...link }));
}

/** Converts groups to register. */
export function newGroups(
  groups: Iterable<types.NewGroup | string> = [],
): MessageInitShape<typeof wire.GroupSchema>[] {
  return Array.from(groups, (group) => {
    if (typeof group === "string") {
      return { groupId: group };
    }
    return {
      groupId: group.groupId,
      expectedMessages: BigInt(group.expectedMessages ?? 0),
      maxMode: MODE.toWire(group.maxMode),
    };
  });
}

/** Converts a campaign. */
export function campaign(message: wire.Campaign | undefined): types.Campaign {
  if (message === undefined) {
    throw new HushpostError("the response has no campaign", { code: "INTERNAL" });
  }
  return {
    tenantId: message.tenantId,
    campaignId: message.campaignId,
    displayName: message.displayName || undefined,
    campaignNumber: message.campaignNumber,
    links: message.links.map((link) => ({
      linkNumber: link.linkNumber,
      url: link.url,
      label: link.label || undefined,
    })),
    groups: message.groups.map((group) => ({
      groupId: group.groupId,
      maxMode: MODE.fromWire(group.maxMode),
    })),
    createTime: toRequiredDate(message.createTime),
    closeTime: toDate(message.closeTime),
    maxMode: MODE.fromWire(message.maxMode),
  };
}

/** Converts a campaign that was just created, which hides its issue key where it is printed. */
export function createdCampaign(response: wire.CreateCampaignResponse): types.CreatedCampaign {
  const { issueKey } = response;
  return hideFromPrintAndJson(
    {
      campaign: campaign(response.campaign),
      issueKey: issueKey.length > 0 ? issueKey : undefined,
    },
    "issueKey",
  );
}

/** Converts a page of campaigns. */
export function campaignPage(message: wire.ListCampaignsResponse): types.CampaignPage {
  return {
    items: message.campaigns.map(campaign),
    nextPageToken: message.nextPageToken || undefined,
    totalSize: message.totalSize,
  };
}

/**
 * Pairs each issued token with its contact. They hide the tokens where they are printed.
 *
 * @throws {HushpostError} if the number of tokens differs from the number of contacts,
 *   because then a contact could get the token of another.
 */
export function issuedTokens(
  contactIds: readonly string[],
  response: wire.IssueTokensResponse,
): types.IssuedToken[] {
  return paired(contactIds, response.tokens).map(([contactId, issued]) => {
    const mode = MODE.fromWire(issued.mode);
    const token = issued.token || undefined;
    // Without a click mode, clicks have the mode and the token of opens.
    const isSplit = Number(issued.clickMode) !== 0;
    const tokens: types.IssuedToken = {
      contactId,
      mode,
      token,
      preferenceToken: issued.preferenceToken || undefined,
      clickMode: isSplit ? MODE.fromWire(issued.clickMode) : mode,
      clickToken: isSplit ? issued.clickToken || undefined : token,
    };
    // JSON has them, so that a queue can carry them to what sends the messages.
    return hideFromPrint(tokens, "token", "preferenceToken", "clickToken");
  });
}

/** Pairs the modes of each message with its contact. */
export function messageModes(
  contactIds: readonly string[],
  response: wire.PreviewModesResponse,
): types.MessageModes[] {
  return paired(contactIds, response.modes).map(([contactId, modes]) => ({
    contactId,
    mode: MODE.fromWire(modes.openMode),
    clickMode: MODE.fromWire(modes.clickMode),
  }));
}

function paired<Item>(contactIds: readonly string[], items: readonly Item[]): [string, Item][] {
  if (items.length !== contactIds.length) {
    throw new HushpostError(`requested ${contactIds.length} items, got ${items.length}`, {
      code: "INTERNAL",
      reason: "INTERNAL",
    });
  }
  return items.map((item, index) => [contactIds[index] as string, item]);
}
