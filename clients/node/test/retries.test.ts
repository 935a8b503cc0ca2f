/** Which calls are retried, when, and how often. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";

import { Calls } from "../src/calls.js";
import { openChannel } from "../src/channel.js";
import {
  RecordClickResponseSchema,
  RecordOpenResponseSchema,
  TrackingService,
} from "../src/gen/hushpost/v1/tracking_pb.js";
import { Hushpost, HushpostError, type HushpostOptions } from "../src/index.js";
import { backoffMs, retryPolicy } from "../src/retry-policy.js";
import { BreakingProxy } from "./breaking-proxy.js";
import { ScriptedServer } from "./scripted-server.js";
import { until } from "./until.js";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const OPENED = create(RecordOpenResponseSchema);
const RETRY = { maxTries: 4, initialBackoffMs: 1, maxBackoffMs: 1 };

let server: ScriptedServer;
let hushpost: Hushpost;

function connect(target: string, options: Partial<HushpostOptions> = {}): Hushpost {
  return new Hushpost({ target, apiKey: "hp_x", retry: RETRY, ...options } as HushpostOptions);
}

before(async () => {
  server = await new ScriptedServer().listen();
  hushpost = connect(server.target);
});

after(() => {
  hushpost.close();
  server.close();
});

beforeEach(() => {
  server.requests.length = 0;
});

test("a write is retried with the same request id", async () => {
  server.fail({ code: status.UNAVAILABLE, reason: "DATABASE_UNAVAILABLE" });
  server.fail({ code: status.UNAVAILABLE, reason: "SHUTTING_DOWN" });
  server.respond(create(RecordClickResponseSchema, { url: "https://shop.example.com/" }));
  assert.equal(await hushpost.tracking.recordClick("t", 1), "https://shop.example.com/");
  const [first, ...others] = server.field("requestId");
  assert.match(String(first), UUID);
  assert.deepEqual(others, [first, first]);
});

test("writes of administration are retried with the same request id", async () => {
  const writes = [
    () => hushpost.admin.createTenant("shop"),
    () => hushpost.admin.updatePolicy({ retentionDays: 30 }),
    () => hushpost.admin.createApiKey("SENDER"),
    () => hushpost.domains.addTrackingDomain("links.example"),
    () => hushpost.domains.removeTrackingDomain("links.example"),
  ];
  for (const write of writes) {
    server.requests.length = 0;
    server.fail({ code: status.UNAVAILABLE, reason: "SHUTTING_DOWN" });
    server.fail({ code: status.PERMISSION_DENIED, reason: "ROLE_NOT_ALLOWED" });
    await assert.rejects(write, { reason: "ROLE_NOT_ALLOWED" });
    const [first, second] = server.field("requestId");
    assert.match(String(first), UUID);
    assert.equal(second, first);
  }
});

test("the caller's request id is sent, and is in the error", async () => {
  const requestId = "0b0a5a0e-8f2c-4f1d-9a57-1f7d2d0f8b11";
  server.fail({ code: status.RESOURCE_EXHAUSTED, reason: "OVERLOADED", retryAfterMs: 500 });
  await assert.rejects(hushpost.tracking.recordOpen("t", { requestId }), {
    name: "HushpostError",
    message: "OVERLOADED: the message",
    code: "RESOURCE_EXHAUSTED",
    reason: "OVERLOADED",
    retryAfterMs: 500,
    retryable: true,
    requestId,
  });
  assert.deepEqual(server.field("requestId"), [requestId]);
});

test("each write has its own request id", async () => {
  server.respond(OPENED);
  server.respond(OPENED);
  await hushpost.tracking.recordOpen("t");
  await hushpost.tracking.recordOpen("t");
  const [first, second] = server.field("requestId");
  assert.notEqual(first, second);
});

test("calls without a request id are not retried", async () => {
  const calls = [
    () => hushpost.tracking.resolveLink("t", 1),
    () => hushpost.campaigns.closeCampaign("spring"),
    () => hushpost.admin.revokeApiKey("key"),
    () => hushpost.domains.checkTrackingDomain("links.example"),
  ];
  for (const call of calls) {
    server.requests.length = 0;
    server.fail({ code: status.UNAVAILABLE });
    await assert.rejects(call, { code: "UNAVAILABLE", reason: undefined, retryable: true });
    assert.equal(server.requests.length, 1);
  }
});

test("tries are bounded", async () => {
  for (let number = 0; number < 4; number += 1) {
    server.fail({ code: status.UNAVAILABLE, reason: "DATABASE_UNAVAILABLE" });
  }
  await assert.rejects(hushpost.tracking.recordOpen("t"), { reason: "DATABASE_UNAVAILABLE" });
  assert.equal(server.requests.length, 4);
});

for (const code of [status.RESOURCE_EXHAUSTED, status.INTERNAL, status.ABORTED]) {
  test(`${status[code]} is not retried`, async () => {
    server.fail({ code, retryAfterMs: 1 });
    await assert.rejects(hushpost.tracking.recordOpen("t"), { code: status[code] });
    assert.equal(server.requests.length, 1);
  });
}

test("CANCELLED by the server counts as UNAVAILABLE", async () => {
  server.fail({ code: status.CANCELLED });
  server.respond(OPENED);
  await hushpost.tracking.recordOpen("t");
  assert.equal(server.requests.length, 2);
});

test("a retry waits for the requested delay plus jitter, within the deadline of the call", async () => {
  const pauses: number[] = [];
  let time = 0;
  const calls = new Calls(openChannel(server.target, undefined), "hp_x", 10_000, retryPolicy(), {
    now: () => time,
    random: () => 0.5,
    sleep: async (milliseconds) => {
      pauses.push(milliseconds);
      time += milliseconds;
    },
  });
  for (const retryAfterMs of [2000, undefined, 7749]) {
    server.fail({ code: status.UNAVAILABLE, ...(retryAfterMs && { retryAfterMs }) });
  }
  const request = { token: "t", requestId: "0b0a5a0e-8f2c-4f1d-9a57-1f7d2d0f8b11" };
  await assert.rejects(calls.unary(TrackingService.method.recordOpen, request, {}), {
    retryAfterMs: 7749,
  });
  assert.deepEqual(pauses, [2050, 100]); // 2150 + 7749 + 200 would be too late
  calls.close();
});

test("a delay beyond the deadline fails at once", async () => {
  server.fail({ code: status.UNAVAILABLE, retryAfterMs: 60_000 });
  await assert.rejects(hushpost.tracking.recordOpen("t", { timeoutMs: 30_000 }), {
    code: "UNAVAILABLE",
    retryAfterMs: 60_000,
  });
  assert.equal(server.requests.length, 1);
});

test("a call ends at its deadline", async () => {
  server.hang();
  await assert.rejects(hushpost.tracking.recordOpen("t", { timeoutMs: 100 }), {
    code: "DEADLINE_EXCEEDED",
    retryable: true,
  });
});

test("malformed error details leave the status", async () => {
  server.fail({ code: status.NOT_FOUND, trailer: Buffer.from("nonsense") });
  await assert.rejects(hushpost.tracking.recordOpen("t"), {
    code: "NOT_FOUND",
    message: "NOT_FOUND: the message",
  });
});

test("an error has the details of its reason", async () => {
  server.fail({
    code: status.INVALID_ARGUMENT,
    reason: "NEW_REASON",
    metadata: { index: "7" },
    callId: "c7",
  });
  await assert.rejects(hushpost.tracking.recordOpen("t"), {
    reason: "NEW_REASON",
    metadata: { index: "7" },
    callId: "c7",
    retryable: false,
  });
});

test("a write is retried over a new connection after one is lost", async () => {
  const proxy = await new BreakingProxy(server.target).listen();
  const retry = { maxTries: 1000, initialBackoffMs: 10, maxBackoffMs: 10 };
  const client = connect(proxy.target, { retry });
  try {
    server.hang();
    const call = client.tracking.recordOpen("t");
    await until(() => server.requests.length === 1);
    server.respond(OPENED);
    proxy.breakConnections();
    await call;
    const [first, second] = server.field("requestId");
    assert.equal(first, second);
  } finally {
    client.close();
    proxy.close();
  }
});

test("a server that is killed during a call is UNAVAILABLE", async () => {
  const killed = await new ScriptedServer().listen();
  const client = connect(killed.target, { retry: { maxTries: 1 } });
  killed.hang();
  const call = client.tracking.recordOpen("t");
  const rejected = assert.rejects(call, { code: "UNAVAILABLE" });
  await until(() => killed.requests.length === 1);
  killed.close();
  await rejected;
  client.close();
});

test("a backoff is the requested delay plus a random part of a bound that doubles", () => {
  const policy = retryPolicy({ initialBackoffMs: 100, maxBackoffMs: 500 });
  const bounds = [1, 2, 3, 4, 5000].map((failures) => backoffMs(policy, failures, 7, () => 1));
  assert.deepEqual(bounds, [107, 207, 407, 507, 507]);
  assert.equal(
    backoffMs(policy, 4, undefined, () => 0),
    0,
  );
});

test("an invalid policy is refused", () => {
  for (const retry of [{ maxTries: 0 }, { initialBackoffMs: -1 }, { initialBackoffMs: 5000 }]) {
    assert.throws(() => connect(server.target, { retry }), RangeError);
  }
  assert.throws(() => connect(server.target, { timeoutMs: Number.NaN }), RangeError);
});

test("an error is an Error", () => {
  assert.ok(new HushpostError("m", { code: "UNKNOWN" }) instanceof Error);
});
