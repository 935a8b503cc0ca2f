/** Tenants, policies and API keys, against a real authority. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Hushpost, type PolicyUpdate, type Tenant } from "../src/index.js";
import { all, client } from "./role-clients.js";

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const DAY_SECONDS = 86_400;

const installation = client("INSTALLATION");
const admin = client("ADMIN");

/** Creates a tenant with a random id. */
async function newTenant(policy?: PolicyUpdate): Promise<Tenant> {
  return installation.admin.createTenant(`n-${crypto.randomUUID().slice(0, 13)}`, { policy });
}

test("a tenant is created with a policy, read and listed", async () => {
  const policy: PolicyUpdate = {
    anonymizationEnabled: false,
    opensModes: { whenUnknown: "AGGREGATE", whenDenied: "OFF" },
    clicksModes: { whenWithdrawn: "AGGREGATE" },
    historyWhenTrue: "KEEP",
    retentionDays: 30,
    release: "NOISY",
    epsilon: 0.5,
    releaseDelaySeconds: [DAY_SECONDS, 7 * DAY_SECONDS],
    maxAnonymousMessages: 7,
    reaskAfterDays: 90,
    recordLastOpens: true,
  };
  const tenantId = `n-${crypto.randomUUID().slice(0, 13)}`;
  const tenant = await installation.admin.createTenant(tenantId, { displayName: "Näh", policy });
  assert.deepEqual(tenant.policy, {
    ...policy,
    opensModes: { whenUnknown: "AGGREGATE", whenDenied: "OFF", whenWithdrawn: "ANONYMOUS" },
    clicksModes: { whenUnknown: "IDENTIFIED", whenDenied: "ANONYMOUS", whenWithdrawn: "AGGREGATE" },
    modeWhenTrue: "OFF",
    modeWhenUnset: "AGGREGATE",
    branding: {
      accentColor: undefined,
      logo: undefined,
      logoMediaType: undefined,
      imprintUrl: undefined,
      privacyPolicyUrl: undefined,
      intro: undefined,
      defaultLanguage: undefined,
    },
    defaultTrackingDomain: undefined,
  });
  assert.ok(Math.abs(tenant.createTime.getTime() - Date.now()) < 300_000);
  assert.equal(tenant.anonymization, undefined);
  assert.deepEqual(await installation.admin.getTenant({ tenantId }), tenant);
  const tenants = await all(installation.admin.listTenants({ pageSize: 1 }));
  const { createTime } = tenant;
  assert.ok(tenants.length > 1);
  assert.deepEqual(
    tenants.find((each) => each.tenantId === tenantId),
    { tenantId, displayName: "Näh", createTime },
  );
});

test("an update changes only the settings that it has", async () => {
  const before = await newTenant({ retentionDays: 30, reaskAfterDays: 90 });
  const { tenantId } = before;
  const update = { retentionDays: 20, clicksModes: { whenDenied: "OFF" } } as const;
  const after = await installation.admin.updatePolicy(update, { tenantId });
  assert.deepEqual(after.policy, {
    ...before.policy,
    retentionDays: 20,
    clicksModes: { ...before.policy.clicksModes, whenDenied: "OFF" },
    modeWhenTrue: "OFF",
  });
  assert.deepEqual((await installation.admin.getTenant({ tenantId })).policy, after.policy);
  const changes = await all(installation.admin.listPolicyChanges({ tenantId, pageSize: 1 }));
  assert.deepEqual(
    changes.map(({ version, policy }) => [version, policy.retentionDays]),
    [
      [1, 30],
      [2, 20],
    ],
  );
  assert.ok(changes.every(({ actor }) => actor !== ""));
  assert.ok(changes.every(({ changeTime }) => changeTime >= before.createTime));
});

test("every setting can be updated", async () => {
  const { tenantId } = await newTenant();
  const update: PolicyUpdate = {
    anonymizationEnabled: false,
    modeWhenTrue: "AGGREGATE",
    modeWhenUnset: "OFF",
    historyWhenTrue: "KEEP",
    retentionDays: 1,
    release: "NOISY",
    epsilon: 0.25,
    releaseDelaySeconds: [1, 2],
    maxAnonymousMessages: 1,
    reaskAfterDays: 1,
    recordLastOpens: true,
  };
  const { policy } = await installation.admin.updatePolicy(update, { tenantId });
  assert.deepEqual({ ...policy, ...update }, policy);
});

test("the branding is set and removed, field by field", async () => {
  const { tenantId } = await newTenant();
  const set = await installation.admin.updatePolicy(
    {
      branding: {
        accentColor: "#336699",
        logo: PNG,
        imprintUrl: "https://shop.example.com/imprint",
        privacyPolicyUrl: "https://shop.example.com/privacy",
        intro: { de: "Hallo", en: "Hello" },
        defaultLanguage: "de",
      },
    },
    { tenantId },
  );
  const { branding } = set.policy;
  assert.ok(branding.logo && PNG.equals(branding.logo));
  assert.deepEqual(branding, {
    accentColor: "#336699",
    logo: branding.logo,
    logoMediaType: "image/png",
    imprintUrl: "https://shop.example.com/imprint",
    privacyPolicyUrl: "https://shop.example.com/privacy",
    intro: { de: "Hallo", en: "Hello" },
    defaultLanguage: "de",
  });
  const removal = { accentColor: "", logo: new Uint8Array(), intro: {} };
  const left = await installation.admin.updatePolicy({ branding: removal }, { tenantId });
  assert.deepEqual(left.policy.branding, {
    ...branding,
    accentColor: undefined,
    logo: undefined,
    logoMediaType: undefined,
    intro: undefined,
  });
});

test("a policy that became stricter anonymizes past events", async () => {
  const sender = client("SENDER");
  await sender.campaigns.createCampaign({ campaignId: "before", groups: ["all"] });
  const [issued] = await sender.campaigns.issueTokens("before", "all", ["ann"]);
  await client("EDGE").tracking.recordOpen(issued?.token ?? "");
  const { anonymization } = await admin.admin.updatePolicy({ modeWhenUnset: "ANONYMOUS" });
  assert.ok(anonymization);
  assert.ok(Math.abs(anonymization.startTime.getTime() - Date.now()) < 300_000);
  let tenant: Tenant;
  do {
    tenant = await admin.admin.getTenant();
  } while (tenant.anonymization !== undefined);
  const { opens } = await client("REPORTER").stats.getCampaignStats("before");
  assert.equal(opens.human.identified.total, 0);
});

test("an API key is created, used, listed and revoked", async () => {
  const tenants = [await newTenant(), await newTenant()];
  const edgeTenantIds = tenants.map(({ tenantId }) => tenantId).sort();
  const expireTime = new Date(Date.now() + 3_600_000);
  const { apiKey, secret } = await installation.admin.createApiKey("EDGE", {
    displayName: "Edge 1",
    edgeTenantIds: new Set(edgeTenantIds),
    expireTime,
  });
  assert.deepEqual(
    [apiKey.role, apiKey.tenantId, apiKey.displayName, apiKey.edgeTenantIds],
    ["EDGE", undefined, "Edge 1", edgeTenantIds],
  );
  assert.deepEqual([apiKey.expireTime, apiKey.revokeTime], [expireTime, undefined]);
  using edge = new Hushpost({
    target: process.env["HUSHPOST_TEST_TARGET"] ?? "",
    apiKey: secret ?? "",
  });
  assert.deepEqual(await all(edge.domains.listTrackingDomains()), []);
  const revoked = await installation.admin.revokeApiKey(apiKey.keyId);
  assert.ok(revoked.revokeTime && revoked.revokeActor);
  const listed = await all(installation.admin.listApiKeys({ pageSize: 2 }));
  const found = listed.find(({ keyId }) => keyId === apiKey.keyId);
  assert.deepEqual({ ...found, lastUsedTime: undefined }, revoked);
  await assert.rejects(all(edge.domains.listTrackingDomains()), { code: "UNAUTHENTICATED" });
});

test("the key of a tenant manages that tenant only", async () => {
  const { tenantId, displayName, createTime } = await admin.admin.getTenant();
  assert.deepEqual(await all(admin.admin.listTenants()), [{ tenantId, displayName, createTime }]);
  const { apiKey } = await admin.admin.createApiKey("REPORTER");
  assert.deepEqual([apiKey.tenantId, apiKey.role], [tenantId, "REPORTER"]);
  const keys = await all(admin.admin.listApiKeys({ tenantId }));
  assert.ok(keys.some(({ keyId }) => keyId === apiKey.keyId));
  assert.ok(keys.every((key) => key.tenantId === tenantId));
  await assert.rejects(admin.admin.createTenant("other"), { reason: "TENANT_NOT_ALLOWED" });
});

test("a repeated write counts once", async () => {
  const requestId = crypto.randomUUID();
  const first = await admin.admin.createApiKey("REPORTER", { requestId });
  const second = await admin.admin.createApiKey("REPORTER", { requestId });
  assert.ok(first.secret);
  assert.deepEqual(second, { apiKey: first.apiKey, secret: undefined });
  await assert.rejects(admin.admin.createApiKey("SENDER", { requestId }), {
    reason: "REQUEST_ID_REUSED",
    requestId,
  });
});

test("errors of administration have reasons", async () => {
  const missing = { tenantId: "missing" };
  await assert.rejects(installation.admin.getTenant(missing), { reason: "TENANT_NOT_FOUND" });
  await assert.rejects(admin.admin.updatePolicy({}), { reason: "UPDATE_MASK_INVALID" });
  await assert.rejects(admin.admin.updatePolicy({ retentionDays: 0 }), {
    reason: "FIELD_INVALID",
  });
  const misspelled = "READER" as "REPORTER";
  await assert.rejects(admin.admin.createApiKey(misspelled), TypeError);
  await assert.rejects(admin.admin.revokeApiKey("999999999"), { reason: "API_KEY_NOT_FOUND" });
});
