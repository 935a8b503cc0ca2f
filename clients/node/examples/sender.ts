/**
 * Sends nothing, but does all that a sender does: creates a campaign, issues tokens, prints the
 * links of a message, sets a recipient's consent and prints a report.
 *
 *     npx tsc
 *     node build/examples/sender.js --authority localhost:50051 \
 *       --sender-key sender.key --reporter-key reporter.key --tracking-url https://click.example.com
 */

import { parseArgs } from "node:util";

import { type CampaignStats, Hushpost, HushpostError, type IssuedToken } from "hushpost-client";

const SHOP = "https://shop.example.com/sale";
const RECIPIENTS = ["ada@example.com", "grace@example.com"];

const { values: settings } = parseArgs({
  options: {
    authority: { type: "string", default: "localhost:50051" },
    "sender-key": { type: "string", default: "sender.key" },
    "reporter-key": { type: "string", default: "reporter.key" },
    "tracking-url": { type: "string", default: "https://click.example.com" },
  },
});

/** Creates a campaign with one link and returns the tokens of one message per recipient. */
async function prepare(hushpost: Hushpost, campaignId: string): Promise<IssuedToken[]> {
  await hushpost.campaigns.createCampaign({
    campaignId,
    links: [{ url: SHOP, label: "header" }],
    groups: [{ groupId: "customers", expectedMessages: RECIPIENTS.length }],
  });
  return hushpost.campaigns.issueTokens(campaignId, "customers", RECIPIENTS, {
    includePreferenceTokens: true,
  });
}

/** Prints the URLs of a message. Without a token, it has no pixel, or the link as it was. */
function printMessage(issued: IssuedToken): void {
  const edge = settings["tracking-url"];
  console.log(`to ${issued.contactId}, opens ${issued.mode}, clicks ${issued.clickMode}`);
  console.log(`  link         ${issued.clickToken ? `${edge}/c/${issued.clickToken}/1` : SHOP}`);
  console.log(`  pixel        ${issued.token ? `${edge}/o/${issued.token}.gif` : "none"}`);
  console.log(`  preferences  ${edge}/p/${issued.preferenceToken}`);
}

/** Stores that a recipient declined the tracking of opens and agreed to that of clicks. */
async function storeConsent(hushpost: Hushpost, contactId: string): Promise<void> {
  const preference = await hushpost.preferences.setPreference(contactId, {
    opensConsent: "DENIED",
    clicksConsent: "GRANTED",
    details: { sourceId: "sign-up form", wordingVersion: "3", decisionTime: new Date() },
  });
  console.log(`${contactId}: opens ${preference.opensMode}, clicks ${preference.clicksMode}`);
}

/** Prints what is known about a campaign. */
function printReport(stats: CampaignStats): void {
  const { sent, opens, clicks } = stats;
  console.log(`${stats.campaignId}: ${sent.total} messages`);
  console.log(`  identified people: ${opens.human.identified.unique} opened`);
  console.log(`  identified people: ${clicks.human.identified.unique} clicked`);
}

const { authority: target } = settings;
const sender = new Hushpost({ target, apiKeyFile: settings["sender-key"] });
const reporter = new Hushpost({ target, apiKeyFile: settings["reporter-key"] });
try {
  const campaignId = `node-${Date.now()}`;
  for (const issued of await prepare(sender, campaignId)) {
    printMessage(issued);
  }
  await storeConsent(sender, "ada@example.com");
  printReport(await reporter.stats.getCampaignStats(campaignId, { view: "SUMMARY" }));
} catch (error) {
  if (!(error instanceof HushpostError)) {
    throw error;
  }
  console.error(error.message, error.retryable ? "(try again later)" : "");
  process.exitCode = 1;
} finally {
  sender.close();
  reporter.close();
}
