/** Clients of the real authority, one per role of the test's tenant. */

import { after } from "node:test";

import { Hushpost, type Role } from "../src/index.js";

/** Returns the client of a role; the test that starts this one sets the environment. */
export function client(role: Role | "INSTALLATION"): Hushpost {
  const target = process.env["HUSHPOST_TEST_TARGET"] ?? "";
  const apiKeyFile = process.env[`HUSHPOST_TEST_${role}_KEY_FILE`] ?? "";
  const hushpost = new Hushpost({ target, apiKeyFile });
  after(() => hushpost.close());
  return hushpost;
}

/** Collects the items of a list. */
export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) {
    list.push(item);
  }
  return list;
}
