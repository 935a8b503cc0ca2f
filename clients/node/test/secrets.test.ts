/** Secrets: where they are hidden, and where a caller reads them. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect } from "node:util";

import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";

import { CreateApiKeyResponseSchema } from "../src/gen/hushpost/v1/admin_pb.js";
import {
  CreateCampaignResponseSchema,
  IssueTokensResponseSchema,
} from "../src/gen/hushpost/v1/campaign_pb.js";
import {
  type CreatedCampaign,
  Hushpost,
  HushpostError,
  type IssuedToken,
  type NewApiKey,
} from "../src/index.js";
import { ScriptedServer } from "./scripted-server.js";

const SECRET = "hp_secret";
const ISSUE_KEY = Buffer.of(0xc0, 0xff, 0xee);
const TIME = { seconds: 1_700_000_000n };
const EVERYTHING = { depth: Infinity, showHidden: true };

let server: ScriptedServer;
let hushpost: Hushpost;

before(async () => {
  server = await new ScriptedServer().listen();
  hushpost = new Hushpost({ target: server.target, apiKey: SECRET });
});

after(() => {
  hushpost.close();
  server.close();
});

async function createApiKey(secret = SECRET): Promise<NewApiKey> {
  const apiKey = { keyId: "7", createTime: TIME };
  server.respond(create(CreateApiKeyResponseSchema, { apiKey, secret }));
  return hushpost.admin.createApiKey("SENDER");
}

async function createCampaign(): Promise<CreatedCampaign> {
  const campaign = { campaignId: "spring", createTime: TIME };
  server.respond(create(CreateCampaignResponseSchema, { campaign, issueKey: ISSUE_KEY }));
  return hushpost.campaigns.createCampaign();
}

async function issueToken(preferenceToken = "preference-token"): Promise<IssuedToken> {
  const issued = { token: "open-token", clickMode: 1, clickToken: "click-token", preferenceToken };
  server.respond(create(IssueTokensResponseSchema, { tokens: [issued] }));
  const [token] = await hushpost.campaigns.issueTokens("spring", "all", ["ann"]);
  assert.ok(token);
  return token;
}

/** Encodes as loggers do, which write numbers of 64 bits as texts. */
function toJson(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? String(part) : part));
}

test("a printed API key hides its secret, and JSON too", async () => {
  const created = await createApiKey();
  for (const text of [inspect(created), inspect([{ created }], EVERYTHING), toJson([created])]) {
    assert.doesNotMatch(text, /hp_secret/);
    assert.match(text, /secret"?: ?['"]\[redacted\]['"]/);
    assert.match(text, /keyId"?: ?['"]7['"]/);
  }
  const { apiKey, secret } = created;
  assert.equal(secret, SECRET);
  assert.deepEqual(created, { apiKey, secret });
  assert.deepEqual({ ...created }, { apiKey, secret });
});

test("a printed campaign hides its issue key, and JSON too", async () => {
  const created = await createCampaign();
  for (const text of [inspect(created), inspect([{ created }], EVERYTHING), toJson([created])]) {
    assert.doesNotMatch(text, /192|c0/i);
    assert.match(text, /issueKey"?: ?['"]\[redacted\]['"]/);
    assert.match(text, /campaignId"?: ?['"]spring['"]/);
  }
  assert.deepEqual(created.issueKey, ISSUE_KEY);
  assert.deepEqual(created, { campaign: created.campaign, issueKey: ISSUE_KEY });
});

test("printed tokens are hidden", async () => {
  const issued = await issueToken();
  for (const text of [inspect(issued), inspect([{ issued }], EVERYTHING)]) {
    assert.doesNotMatch(text, /open-token|click-token|preference-token/);
    assert.equal(text.match(/oken: '\[redacted\]'/g)?.length, 3);
    assert.match(text, /contactId: 'ann'/);
  }
});

test("JSON has tokens, to be stored or passed on", async () => {
  const issued = await issueToken();
  assert.deepEqual(JSON.parse(JSON.stringify(issued)), {
    contactId: "ann",
    token: "open-token",
    preferenceToken: "preference-token",
    clickMode: "IDENTIFIED",
    clickToken: "click-token",
  });
});

test("a printed object shows that there is no secret", async () => {
  assert.match(inspect(await createApiKey("")), /secret: undefined/);
  assert.match(inspect(await issueToken("")), /preferenceToken: undefined/);
});

test("a printed client does not show its API key", () => {
  assert.doesNotMatch(inspect(hushpost, EVERYTHING), /hp_secret/);
  assert.doesNotMatch(JSON.stringify(hushpost), /hp_secret/);
});

test("the error of a failed call does not show keys", async () => {
  server.fail({ code: status.UNAUTHENTICATED, reason: "API_KEY_INVALID" });
  const call = hushpost.campaigns.issueTokens("spring", "all", ["ann"], { issueKey: ISSUE_KEY });
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof HushpostError);
    assert.doesNotMatch(inspect(error, EVERYTHING), /hp_secret|c0 ff ee|192, 255/);
    return true;
  });
});
