/** The calls of senders, edges and reports, against a real authority. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { all, client } from "./role-clients.js";

const URLS = ["https://shop.example.com/sale?x=1&y=ä", "https://blog.example.com/"] as const;

const sender = client("SENDER");
const reporter = client("REPORTER");
const edge = client("EDGE");

/** Creates a campaign with two links and a group; returns the token of one message. */
async function message(campaignId: string, contactId: string): Promise<string> {
  const links = [{ url: URLS[0], label: "header" }, URLS[1]];
  await sender.campaigns.createCampaign({ campaignId, links, groups: ["vip"] });
  const [issued] = await sender.campaigns.issueTokens(campaignId, "vip", [contactId]);
  assert.ok(issued?.token);
  assert.deepEqual([issued.clickToken, issued.clickMode], [issued.token, issued.mode]);
  return issued.token;
}

test("a campaign is created, extended, listed and closed", async () => {
  const { campaigns } = sender;
  const { campaign, issueKey } = await campaigns.createCampaign({
    links: [{ url: URLS[0], label: "header" }],
    groups: ["b", { groupId: "a", expectedMessages: 10, maxMode: "AGGREGATE" }],
    displayName: "Spring",
    messageHtml: "<p>Hello</p>",
  });
  assert.ok(issueKey && issueKey.length > 0);
  assert.ok(Math.abs(campaign.createTime.getTime() - Date.now()) < 300_000);
  assert.equal(campaign.closeTime, undefined);
  assert.equal(typeof campaign.campaignNumber, "bigint");
  const { campaignId } = campaign;
  const extended = await campaigns.extendCampaign(campaignId, { links: [URLS[1]], groups: ["c"] });
  assert.deepEqual(extended.links, [
    { linkNumber: 1, url: URLS[0], label: "header" },
    { linkNumber: 2, url: URLS[1], label: undefined },
  ]);
  assert.deepEqual(extended.groups, [
    { groupId: "b", maxMode: "IDENTIFIED" },
    { groupId: "a", maxMode: "AGGREGATE" },
    { groupId: "c", maxMode: "IDENTIFIED" },
  ]);
  assert.deepEqual(await campaigns.getCampaign(campaignId), extended);
  assert.equal(await campaigns.getCampaignMessage(campaignId), "<p>Hello</p>");
  const page = await reporter.campaigns.campaignsPage({ filter: "SPRING", pageSize: 1 });
  assert.deepEqual([page.items[0]?.campaignId, page.totalSize], [campaignId, 1]);
  assert.ok((await campaigns.closeCampaign(campaignId)).closeTime);
  await assert.rejects(campaigns.issueTokens(campaignId, "a", ["ann"]), {
    code: "FAILED_PRECONDITION",
    reason: "CAMPAIGN_CLOSED",
    retryable: false,
  });
});

test("lists return all pages", async () => {
  for (const number of [1, 2, 3]) {
    await sender.campaigns.createCampaign({ campaignId: `page-${number}` });
  }
  const listed = await all(reporter.campaigns.listCampaigns({ filter: "page-", pageSize: 2 }));
  assert.deepEqual(
    listed.map((campaign) => campaign.campaignId),
    ["page-3", "page-2", "page-1"],
  );
});

test("events are recorded once per request id, and reported", async () => {
  const token = await message("events", "eve");
  const requestId = crypto.randomUUID();
  await edge.tracking.recordOpen(token, { verdict: "HUMAN", requestId });
  await edge.tracking.recordOpen(token, { verdict: "HUMAN", requestId });
  assert.equal(await edge.tracking.recordClick(token, 1), URLS[0]);
  await edge.tracking.recordOpen(token, { verdict: "SCANNER" });
  assert.equal(await edge.tracking.resolveLink(token, 2), URLS[1]);
  const recorded = await edge.tracking.recordEvents([
    { token, eventTime: new Date(), verdict: "PREFETCH" },
    { token, linkNumber: 2 },
    { token: "damaged" },
  ]);
  assert.equal(recorded.acceptedCount, 2);
  assert.deepEqual(
    recorded.rejected.map(({ index, reason }) => [index, reason]),
    [[2, "TOKEN_INVALID"]],
  );

  const stats = await reporter.stats.getCampaignStats("events");
  assert.equal(stats.sent.total, 1);
  assert.deepEqual(stats.opens.human.identified, { total: 1, unique: 1 });
  assert.deepEqual(stats.opens.machine.identified, { total: 2, unique: 1 });
  assert.deepEqual(stats.clicks.human.identified, { total: 2, unique: 1 });
  assert.deepEqual([stats.groups[0]?.groupId, stats.hours.length > 0], ["vip", true]);
  const summary = await reporter.stats.getCampaignStats("events", { view: "SUMMARY" });
  assert.deepEqual([summary.groups, summary.links], [[], []]);

  const options = { orderBy: "clicks desc", pageSize: 1 };
  const links = await all(reporter.stats.listLinkStats("events", options));
  assert.equal(links.length, 2);
  assert.deepEqual(links[0]?.clicks.human.identified, { total: 1, unique: 1 });
  const groups = await reporter.stats.groupStatsPage("events");
  assert.deepEqual([groups.items[0]?.groupId, groups.totalSize], ["vip", 1]);

  const [other] = await sender.campaigns.issueTokens("events", "vip", ["oto"]);
  await edge.tracking.recordClick(other?.token ?? "", 1);
  for (const [linkNumber, names] of [
    [1, ["eve", "oto"]],
    [2, ["eve"]],
  ] as const) {
    const clicked = { engagement: "CLICKED", linkNumber } as const;
    const contacts = await all(reporter.stats.listEngagedContacts("events", clicked));
    assert.deepEqual(contacts.map((each) => each.contactId).sort(), names);
  }
});

test("statistics are watched", async () => {
  const token = await message("watched", "wil");
  const totals: number[] = [];
  for await (const stats of reporter.stats.watchCampaignStats("watched", { view: "SUMMARY" })) {
    totals.push(stats.opens.human.identified.total);
    if (totals.length === 1) {
      await edge.tracking.recordOpen(token);
    } else {
      break;
    }
  }
  assert.deepEqual(totals, [0, 1]);
});

test("links are watched", async () => {
  await message("links", "lin");
  const urls: string[] = [];
  for await (const update of edge.tracking.watchLinks()) {
    urls.push(...update.links.map((link) => link.url));
    if (update.snapshotComplete) {
      break;
    }
  }
  assert.ok(urls.includes(URLS[0]));
});

test("preferences are set, read, listed and erased", async () => {
  const { preferences } = sender;
  assert.deepEqual(await preferences.getPreference("ann"), {
    contactId: "ann",
    doNotTrack: "UNSET",
    mode: "IDENTIFIED",
    updateTime: undefined,
    opensConsent: "UNKNOWN",
    clicksConsent: "UNKNOWN",
    opensMode: "IDENTIFIED",
    clicksMode: "IDENTIFIED",
  });
  const details = { sourceId: "form", wordingVersion: "2", wordingLanguage: "it-CH" };
  const decisionTime = new Date("2026-01-02T03:04:05.678Z");
  const set = await preferences.setPreference("ann", {
    opensConsent: "DENIED",
    clicksConsent: "GRANTED",
    source: "IMPORT",
    evidence: "form 7",
    details: { ...details, decisionTime },
    history: "ANONYMIZE",
  });
  assert.deepEqual(
    [set.doNotTrack, set.opensMode, set.clicksMode],
    ["TRUE", "ANONYMOUS", "IDENTIFIED"],
  );
  assert.deepEqual(await preferences.getPreference("ann"), set);
  const [change] = await all(preferences.listPreferenceChanges({ contactId: "ann" }));
  assert.deepEqual(change?.details, { ...details, decisionTime });
  assert.deepEqual([change?.source, change?.evidence], ["IMPORT", "form 7"]);
  assert.deepEqual([change?.oldOpensConsent, change?.newOpensConsent], ["UNKNOWN", "DENIED"]);

  const outcome = await preferences.batchSetPreferences([
    { contactId: "bob", doNotTrack: "FALSE", source: "IMPORT_EMPTY_CELL" },
    { contactId: "cid" },
  ]);
  assert.deepEqual([outcome.createdCount, outcome.changedCount], [2, 1]);
  const found = await preferences.batchGetPreferences(["cid", "bob"]);
  assert.deepEqual(
    found.map((each) => each.doNotTrack),
    ["UNSET", "FALSE"],
  );
  const granted = await all(preferences.listContacts({ clicksConsents: ["GRANTED"], pageSize: 1 }));
  assert.deepEqual(
    granted.map((each) => each.contactId),
    ["ann", "bob"],
  );
  await preferences.eraseContact("ann", { proof: "DELETE" });
  assert.equal((await preferences.getPreference("ann")).doNotTrack, "UNSET");
});

test("a preference token replaces the contact id", async () => {
  const { campaigns } = sender;
  await campaigns.createCampaign({ campaignId: "by-token", groups: ["all"] });
  const include = { includePreferenceTokens: true };
  const [issued] = await campaigns.issueTokens("by-token", "all", ["tom"], include);
  const token = issued?.preferenceToken ?? "";
  const set = await edge.preferences.setPreferenceByToken(token, { doNotTrack: "TRUE" });
  assert.deepEqual([set.contactId, set.doNotTrack], [undefined, "TRUE"]);
  assert.equal(set.recipientView?.opensDecidedByRecipient, true);
  assert.deepEqual(await edge.preferences.getPreferenceByToken(token), set);
  const [modes] = await campaigns.previewModes(["tom"]);
  assert.deepEqual(modes, { contactId: "tom", mode: "ANONYMOUS", clickMode: "ANONYMOUS" });
});

test("errors of the authority have reasons", async () => {
  const missing = reporter.stats.getCampaignStats("missing");
  await assert.rejects(missing, { code: "NOT_FOUND", reason: "CAMPAIGN_NOT_FOUND" });
  const urls = [URLS[0], "ftp://example.com/"];
  await assert.rejects(sender.campaigns.createCampaign({ links: urls }), {
    reason: "LINK_URL_INVALID",
    metadata: { index: "1" },
  });
  const requestId = crypto.randomUUID();
  await sender.campaigns.createCampaign({ campaignId: "once", requestId });
  await assert.rejects(sender.campaigns.createCampaign({ campaignId: "twice", requestId }), {
    code: "ALREADY_EXISTS",
    reason: "REQUEST_ID_REUSED",
    requestId,
  });
  const contacts = Array.from({ length: 10_000 }, (_, number) => `contact-${number}`);
  await assert.rejects(reporter.campaigns.issueTokens("once", "all", contacts), {
    code: "PERMISSION_DENIED",
    reason: "ROLE_NOT_ALLOWED",
  });
});
