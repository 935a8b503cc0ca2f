/** Tracking domains, against a real authority. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { all, client } from "./role-clients.js";

/** A domain whose TXT record exists, though it is not verified yet. */
const PROVEN = process.env["HUSHPOST_TEST_PROVEN_DOMAIN"] ?? "";

const admin = client("ADMIN");
const sender = client("SENDER");
const { domains } = admin;

test("a domain is registered once and removed", async () => {
  const added = await domains.addTrackingDomain("Links.Bücher.example");
  const { tenantId } = await admin.admin.getTenant();
  assert.deepEqual([added.domain, added.tenantId], ["links.xn--bcher-kva.example", tenantId]);
  assert.ok(Math.abs(added.createTime.getTime() - Date.now()) < 300_000);
  assert.deepEqual([added.verifyTime, added.isDefault], [undefined, false]);
  const [text, alias] = added.dnsRecords;
  assert.deepEqual([text?.name, text?.type], [`_hushpost.${added.domain}`, "TXT"]);
  assert.match(text?.value ?? "", /^hushpost-domain=./);
  assert.deepEqual([alias?.name, alias?.type], [added.domain, "CNAME"]);
  assert.deepEqual(await domains.addTrackingDomain(added.domain), added);
  const keys = await all(admin.admin.listApiKeys());
  assert.ok(keys.some(({ keyId }) => keyId === added.createActor));

  await domains.removeTrackingDomain(added.domain);
  await assert.rejects(domains.removeTrackingDomain(added.domain), { reason: "DOMAIN_NOT_FOUND" });
});

test("a domain is verified by its TXT record, and is the default", async () => {
  await domains.addTrackingDomain("pending.example");
  await assert.rejects(domains.checkTrackingDomain("pending.example"), {
    code: "FAILED_PRECONDITION",
    reason: "DOMAIN_NOT_VERIFIED",
    metadata: { cause: "NO_RECORD" },
  });
  const verified = await domains.checkTrackingDomain(PROVEN);
  assert.ok(verified.verifyTime && verified.verifyTime >= verified.createTime);
  const changed = await admin.admin.updatePolicy({ defaultTrackingDomain: PROVEN });
  assert.equal(changed.policy.defaultTrackingDomain, PROVEN);

  const listed = await all(domains.listTrackingDomains({ pageSize: 1 }));
  assert.deepEqual(
    listed.map(({ domain, isDefault }) => [domain, isDefault]),
    [
      ["pending.example", false],
      [PROVEN, true],
    ],
  );
  const shown = await all(sender.domains.listTrackingDomains());
  assert.deepEqual(shown, [{ ...listed[1], dnsRecords: [] }]);

  const removed = await admin.admin.updatePolicy({ defaultTrackingDomain: "" });
  assert.equal(removed.policy.defaultTrackingDomain, undefined);
});

test("a repeated change of domains counts once", async () => {
  const requestId = crypto.randomUUID();
  await domains.addTrackingDomain("once.example", { requestId });
  await assert.rejects(domains.addTrackingDomain("twice.example", { requestId }), {
    reason: "REQUEST_ID_REUSED",
  });
  const removal = { requestId: crypto.randomUUID() };
  await domains.removeTrackingDomain("once.example", removal);
  await domains.removeTrackingDomain("once.example", removal);
});

test("errors of domains have reasons", async () => {
  await assert.rejects(domains.addTrackingDomain("localhost"), { reason: "DOMAIN_INVALID" });
  await assert.rejects(sender.domains.addTrackingDomain("mine.example"), {
    reason: "ROLE_NOT_ALLOWED",
  });
});
