/** Streams, pages, cancellation, and what calls send. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";

import { Calls } from "../src/calls.js";
import { openChannel } from "../src/channel.js";
import { GetTenantResponseSchema } from "../src/gen/hushpost/v1/admin_pb.js";
import { ListCampaignsResponseSchema } from "../src/gen/hushpost/v1/campaign_pb.js";
import { Verdict } from "../src/gen/hushpost/v1/privacy_pb.js";
import { WatchCampaignStatsResponseSchema } from "../src/gen/hushpost/v1/stats_pb.js";
import {
  type RecordEventsRequest,
  RecordEventsResponseSchema,
  TrackingService,
  WatchLinksResponseSchema,
} from "../src/gen/hushpost/v1/tracking_pb.js";
import { Hushpost } from "../src/index.js";
import { retryPolicy } from "../src/retry-policy.js";
import { ScriptedServer } from "./scripted-server.js";
import { until } from "./until.js";

let server: ScriptedServer;
let hushpost: Hushpost;

before(async () => {
  server = await new ScriptedServer().listen();
  const retry = { initialBackoffMs: 1, maxBackoffMs: 1 };
  hushpost = new Hushpost({ target: server.target, apiKey: "hp_secret", retry });
});

after(() => {
  hushpost.close();
  server.close();
});

beforeEach(() => {
  server.requests.length = 0;
  server.headers.length = 0;
});

function statsOf(total: number) {
  return create(WatchCampaignStatsResponseSchema, { stats: { sent: { total: BigInt(total) } } });
}

test("a stream resumes after an interruption, and yields changes only", async () => {
  server.respond(statsOf(1), statsOf(2));
  server.fail({ code: status.UNAVAILABLE, reason: "SHUTTING_DOWN", retryAfterMs: 1 });
  server.respond(statsOf(2), statsOf(3));
  const received: number[] = [];
  for await (const stats of hushpost.stats.watchCampaignStats("spring")) {
    received.push(stats.sent.total);
    if (stats.sent.total === 3) {
      break;
    }
  }
  assert.deepEqual(received, [1, 2, 3]);
  assert.deepEqual(server.field("campaignId"), ["spring", "spring", "spring"]);
});

test("a stream of links resumes at its cursor", async () => {
  server.respond(create(WatchLinksResponseSchema, { cursor: "c1" }));
  server.respond(create(WatchLinksResponseSchema, { cursor: "c2", snapshotComplete: true }));
  for await (const update of hushpost.tracking.watchLinks({ cursor: "c0" })) {
    if (update.snapshotComplete) {
      break;
    }
  }
  assert.deepEqual(server.field("cursor"), ["c0", "c1"]);
});

test("a stream rejects with any other error", async () => {
  server.fail({ code: status.INVALID_ARGUMENT, reason: "CURSOR_INVALID" });
  await assert.rejects(hushpost.tracking.watchLinks().next(), { reason: "CURSOR_INVALID" });
});

test("leaving the loop cancels the stream at the server", async () => {
  server.respondAndWait(statsOf(1));
  const cancelled = server.cancelled;
  for await (const stats of hushpost.stats.watchCampaignStats("spring")) {
    assert.equal(stats.sent.total, 1);
    break;
  }
  await until(() => server.cancelled > cancelled);
});

test("a signal ends a silent stream with its reason", async () => {
  server.respondAndWait(statsOf(1));
  const cancelled = server.cancelled;
  const controller = new AbortController();
  const { signal } = controller;
  const stream = hushpost.stats.watchCampaignStats("spring", { signal });
  assert.equal((await stream.next()).done, false);
  const waiting = stream.next();
  controller.abort(new Error("enough"));
  await assert.rejects(waiting, { message: "enough" });
  await until(() => server.cancelled > cancelled);
});

test("closing the client ends its streams and calls", async () => {
  const client = new Hushpost({ target: server.target, apiKey: "hp_x" });
  server.hang();
  server.hang();
  const stream = client.stats.watchCampaignStats("spring").next();
  const call = client.tracking.recordOpen("t", { timeoutMs: 600_000 });
  const ended = Promise.all([
    assert.rejects(stream, { code: "CANCELLED" }),
    assert.rejects(call, { code: "CANCELLED" }),
  ]);
  await until(() => server.requests.length === 2);
  client.close();
  await ended;
});

test("a list fetches all pages on demand", async () => {
  for (const [nextPageToken, ids] of [
    ["p2", ["a", "b"]],
    ["p3", []],
    ["", ["c"]],
  ] as const) {
    const campaigns = ids.map((campaignId) => ({ campaignId }));
    server.respond(create(ListCampaignsResponseSchema, { campaigns, nextPageToken }));
  }
  const ids: string[] = [];
  for await (const campaign of hushpost.campaigns.listCampaigns({ pageSize: 2 })) {
    ids.push(campaign.campaignId);
  }
  assert.deepEqual(ids, ["a", "b", "c"]);
  assert.deepEqual(server.field("pageToken"), ["", "p2", "p3"]);
  assert.deepEqual(server.field("pageSize"), [2, 2, 2]);
});

test("an aborted call rejects with the reason of its signal, and is cancelled", async () => {
  server.hang();
  const cancelled = server.cancelled;
  const controller = new AbortController();
  const call = hushpost.tracking.recordOpen("t", { signal: controller.signal });
  await until(() => server.requests.length === 1);
  const reason = new Error("the request was closed");
  controller.abort(reason);
  await assert.rejects(call, reason);
  await until(() => server.cancelled > cancelled);
});

test("an aborted signal sends nothing", async () => {
  const aborted = AbortSignal.abort();
  await assert.rejects(hushpost.tracking.recordOpen("t", { signal: aborted }), {
    name: "AbortError",
  });
  assert.equal(server.requests.length, 0);
});

test("a signal ends the waiting between tries", async () => {
  const controller = new AbortController();
  const calls = new Calls(openChannel(server.target, undefined), "hp_x", 10_000, retryPolicy(), {
    now: () => 0,
    random: () => 0,
    sleep: async (_, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        controller.abort(new Error("enough"));
      }),
  });
  server.fail({ code: status.UNAVAILABLE });
  const request = { token: "t", requestId: "0b0a5a0e-8f2c-4f1d-9a57-1f7d2d0f8b11" };
  const { signal } = controller;
  const call = calls.unary(TrackingService.method.recordOpen, request, { signal });
  await assert.rejects(call, { message: "enough" });
  calls.close();
});

test("many calls share a signal without a warning", async () => {
  const warnings: Error[] = [];
  process.on("warning", (warning) => warnings.push(warning));
  const { signal } = new AbortController();
  const calls = Array.from({ length: 40 }, async () => {
    server.respond(create(RecordEventsResponseSchema));
    return hushpost.tracking.recordEvents([{ token: "t" }], { signal });
  });
  await Promise.all(calls);
  await new Promise(setImmediate);
  assert.deepEqual(warnings, []);
});

test("each field of each event is sent, and an absent time stays absent", async () => {
  server.respond(create(RecordEventsResponseSchema, { acceptedCount: 2 }));
  const eventTime = new Date("2026-03-04T05:06:07.089Z");
  const click = { token: "two", linkNumber: 3, eventTime, verdict: "PREFETCH" } as const;
  const events = [{ token: "one" }, { ...click, privacySignal: true, repeated: true }];
  const recorded = await hushpost.tracking.recordEvents(events);
  assert.deepEqual(recorded, { acceptedCount: 2, rejected: [] });
  const [first, second] = (server.requests[0] as RecordEventsRequest).events;
  assert.deepEqual([first?.token, first?.linkNumber, first?.eventTime], ["one", 0, undefined]);
  assert.equal(first?.verdict, Verdict.UNKNOWN);
  assert.deepEqual([second?.token, second?.linkNumber], ["two", 3]);
  assert.deepEqual([second?.privacySignal, second?.repeated], [true, true]);
  assert.equal(second?.verdict, Verdict.PREFETCH);
  assert.deepEqual(second?.eventTime?.seconds, 1772600767n);
  assert.equal(second?.eventTime?.nanos, 89_000_000);
});

test("rejected events have reasons; an unknown one is named by its number", async () => {
  const rejected = [
    { index: 0, reason: 10, message: "m" },
    { index: 4, reason: 9999, message: "n" },
  ];
  server.respond(create(RecordEventsResponseSchema, { acceptedCount: 1, rejected }));
  const recorded = await hushpost.tracking.recordEvents([{ token: "t" }]);
  assert.deepEqual(recorded.rejected, [
    { index: 0, reason: "TOKEN_INVALID", message: "m" },
    { index: 4, reason: "9999", message: "n" },
  ]);
});

test("values that would be sent as others are refused", async () => {
  const { tracking } = hushpost;
  await assert.rejects(tracking.recordEvents([{ token: "t", linkNumber: 0 }]), RangeError);
  await assert.rejects(tracking.recordOpen("t", { openTime: new Date("") }), TypeError);
  for (const verdict of ["human", "UNSPECIFIED", "1", "constructor"]) {
    const options = { verdict: verdict as "HUMAN" };
    await assert.rejects(tracking.recordOpen("t", options), /is not one of HUMAN, PROXY/);
  }
  assert.equal(server.requests.length, 0);
});

test("a call has the API key and names the client", async () => {
  server.respond(create(RecordEventsResponseSchema));
  await hushpost.tracking.recordEvents([{ token: "t" }]);
  const [headers] = server.headers;
  assert.deepEqual(headers?.get("authorization"), ["Bearer hp_secret"]);
  assert.match(String(headers?.get("user-agent")), /^hushpost-client-node\/\d+\.\d+\.\d+ /);
});

test("a closed client rejects calls", async () => {
  const client = new Hushpost({ target: server.target, apiKey: "hp_x" });
  client.close();
  await assert.rejects(client.tracking.recordOpen("t"), { code: "CANCELLED", retryable: false });
  assert.equal(server.requests.length, 0);
});

test("a tenant has the progress of its anonymization", async () => {
  const folding = { foldedCount: 3n, totalCount: 10n, startTime: { seconds: 1_700_000_000n } };
  server.respond(create(GetTenantResponseSchema, { tenant: { tenantId: "shop", folding } }));
  const { anonymization } = await hushpost.admin.getTenant();
  assert.deepEqual(anonymization, {
    anonymizedCount: 3,
    totalCount: 10,
    startTime: new Date(1_700_000_000_000),
  });
});
