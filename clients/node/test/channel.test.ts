/** Encryption, and where the API key may be sent. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { create } from "@bufbuild/protobuf";
import { ServerCredentials } from "@grpc/grpc-js";

import { channelCredentials, isLoopback } from "../src/channel.js";
import { ResolveLinkResponseSchema } from "../src/gen/hushpost/v1/tracking_pb.js";
import { Hushpost } from "../src/index.js";
import { ScriptedServer } from "./scripted-server.js";

const folder = mkdtempSync(join(tmpdir(), "hushpost-node-"));
const certificate = Buffer.from(process.env["HUSHPOST_TEST_CERTIFICATE"] ?? "");
const privateKey = Buffer.from(process.env["HUSHPOST_TEST_CERTIFICATE_KEY"] ?? "");
const RESOLVED = create(ResolveLinkResponseSchema, { url: "https://example.com/" });
let server: ScriptedServer;

before(async () => {
  const pair = { cert_chain: certificate, private_key: privateKey };
  const credentials = ServerCredentials.createSsl(null, [pair]);
  server = await new ScriptedServer().listen("127.0.0.1:0", credentials);
});

after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

for (const target of [
  "localhost",
  "localhost:50051",
  "LOCALHOST:50051",
  "127.0.0.1:50051",
  "127.8.9.10:50051",
  "[::1]:50051",
  "ipv4:127.0.0.1:50051,127.0.0.2:50051",
  "unix:/run/hushpost.sock",
]) {
  test(`${target} is not encrypted by default`, () => {
    assert.equal(isLoopback(target), true);
    assert.equal(channelCredentials(target, undefined)._isSecure(), false);
    assert.equal(channelCredentials(target, true)._isSecure(), true);
  });
}

for (const target of [
  "hushpost.example.com:50051",
  "localhost.example.com:50051",
  "127.0.0.1.example.com:50051",
  "10.0.0.1:50051",
  "[2001:db8::1]:50051",
  "0.0.0.0:50051",
  "ipv4:127.0.0.1:50051,10.0.0.1:50051",
  "dns:///localhost:50051",
  "127.0.0.1:50051@example.com:50051",
  "",
]) {
  test(`${target} is encrypted, and refused without TLS`, () => {
    assert.equal(channelCredentials(target, undefined)._isSecure(), true);
    const options = { target, apiKey: "hp_secret", tls: false };
    assert.throws(() => new Hushpost(options), /clear text/);
  });
}

test("calls to a trusted server are encrypted", async () => {
  server.respond(RESOLVED);
  const tls = { ca: certificate };
  const client = new Hushpost({ target: server.target, apiKey: "hp_x", tls });
  assert.equal(await client.tracking.resolveLink("t", 1), "https://example.com/");
  client.close();
});

for (const tls of [true, false]) {
  test(`an untrusted server gets no call, with tls: ${tls}`, async () => {
    server.requests.length = 0;
    const client = new Hushpost({ target: server.target, apiKey: "hp_x", tls });
    await assert.rejects(client.tracking.resolveLink("t", 1, { timeoutMs: 2000 }), {
      code: "UNAVAILABLE",
    });
    assert.equal(server.requests.length, 0);
    client.close();
  });
}

test("a Unix socket needs no TLS, and no proxy gets its calls", async () => {
  const local = await new ScriptedServer().listen(`unix:${join(folder, "authority.sock")}`);
  local.respond(RESOLVED);
  const client = new Hushpost({ target: local.target, apiKey: "hp_x" });
  assert.equal(await client.tracking.resolveLink("t", 1), "https://example.com/");
  client.close();
  local.close();
});

test("a proxy of the environment does not get calls to loopback addresses", async () => {
  const local = await new ScriptedServer().listen();
  local.respond(RESOLVED);
  process.env["grpc_proxy"] = "http://127.0.0.1:9";
  try {
    const client = new Hushpost({ target: local.target, apiKey: "hp_x" });
    assert.equal(await client.tracking.resolveLink("t", 1), "https://example.com/");
    client.close();
  } finally {
    delete process.env["grpc_proxy"];
    local.close();
  }
});

test("calls are spread over all addresses, and leave out one that is down", async () => {
  const servers = await Promise.all([1, 2].map(async () => new ScriptedServer().listen()));
  const target = `ipv4:${servers.map((each) => each.target).join()}`;
  const client = new Hushpost({ target, apiKey: "hp_x" });
  const [first, second] = servers as [ScriptedServer, ScriptedServer];
  const resolve = async (): Promise<void> => {
    first.respond(RESOLVED);
    second.respond(RESOLVED);
    await client.tracking.resolveLink("t", 1);
  };
  // The first calls may come before the second connection is there.
  while (first.requests.length < 10 || second.requests.length < 10) {
    await resolve();
  }
  client.close();
  first.close();
  const other = new Hushpost({ target, apiKey: "hp_x" });
  for (let number = 0; number < 10; number += 1) {
    second.respond(RESOLVED);
    await other.tracking.resolveLink("t", 1);
  }
  other.close();
  second.close();
});

test("calls go on while a server ends connections that are old", async () => {
  const ageing = await new ScriptedServer({ "grpc.max_connection_age_ms": 20 }).listen();
  const client = new Hushpost({ target: ageing.target, apiKey: "hp_x" });
  while (ageing.peers.size < 5) {
    ageing.respond(RESOLVED);
    await client.tracking.resolveLink("t", 1);
  }
  client.close();
  ageing.close();
});

test("the API key is read from a file", async () => {
  const apiKeyFile = join(folder, "edge.key");
  writeFileSync(apiKeyFile, "hp_from_file\n");
  const local = await new ScriptedServer().listen();
  local.respond(RESOLVED);
  const client = new Hushpost({ target: local.target, apiKeyFile });
  await client.tracking.resolveLink("t", 1);
  assert.deepEqual(local.headers[0]?.get("authorization"), ["Bearer hp_from_file"]);
  client.close();
  local.close();
});

test("a malformed API key is refused without showing it", () => {
  for (const apiKey of ["", "hp_secret\n", "hp_secret x", "hp_sécret"]) {
    assert.throws(
      () => new Hushpost({ target: "localhost:1", apiKey }),
      (error: Error) => error instanceof TypeError && !error.message.includes("secret"),
    );
  }
});
