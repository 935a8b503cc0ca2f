/** The client: one connection, one API key, the services of the authority. */

import { readFileSync } from "node:fs";

import { Admin } from "./admin.js";
import { Calls } from "./calls.js";
import { Campaigns } from "./campaigns.js";
import { openChannel, type TlsCertificates } from "./channel.js";
import { Domains } from "./domains.js";
import { Preferences } from "./preferences.js";
import { type RetryPolicy, retryPolicy } from "./retry-policy.js";
import { Stats } from "./stats.js";
import { Tracking } from "./tracking.js";

/**
 * The API key: as a text, or the file that contains it. Prefer the file where options may be
 * printed: they are an object of yours, which shows the text.
 */
export type ApiKeyOption =
  | { readonly apiKey: string; readonly apiKeyFile?: undefined }
  | { readonly apiKey?: undefined; readonly apiKeyFile: string | URL };

/** How to connect. */
export type HushpostOptions = ApiKeyOption & {
  /** `host:port`, or `unix:path` for a Unix socket. */
  readonly target: string;
  /**
   * Whether to encrypt, or the certificates to do it with. Default: encrypt unless the target
   * is a loopback address or a Unix socket. `false` is refused for all other targets.
   */
  readonly tls?: boolean | TlsCertificates;
  /**
   * Milliseconds that a call may take including retries, unless the call has its own timeout.
   * Streams have none. Default: 10,000.
   */
  readonly timeoutMs?: number;
  /** How to retry writes while the authority is UNAVAILABLE. */
  readonly retry?: Partial<RetryPolicy>;
};

/**
 * A client of the authority. It connects at its first call and reconnects after a break.
 *
 *     const hushpost = new Hushpost({ target: "localhost:50051", apiKeyFile: "reporter.key" });
 *     const { opens } = await hushpost.stats.getCampaignStats("spring-sale");
 */
export class Hushpost {
  /** Registers campaigns, issues tokens. */
  readonly campaigns: Campaigns;
  /** Records opens and clicks, resolves and watches links. */
  readonly tracking: Tracking;
  /** Sets, reads and lists preferences, erases contacts. */
  readonly preferences: Preferences;
  /** Reads statistics. */
  readonly stats: Stats;
  /** Manages tenants, policies and API keys. */
  readonly admin: Admin;
  /** Manages custom tracking domains. */
  readonly domains: Domains;
  readonly #calls: Calls;

  /**
   * @throws {Error} if the API key is missing or malformed, its file cannot be read, or it
   *   would be sent over a network in clear text.
   */
  constructor(options: HushpostOptions) {
    const apiKey = validKey(options.apiKey ?? readFileSync(options.apiKeyFile, "utf8").trim());
    const channel = openChannel(options.target, options.tls);
    const retry = retryPolicy(options.retry);
    this.#calls = new Calls(channel, apiKey, options.timeoutMs ?? 10_000, retry);
    this.campaigns = new Campaigns(this.#calls);
    this.tracking = new Tracking(this.#calls);
    this.preferences = new Preferences(this.#calls);
    this.stats = new Stats(this.#calls);
    this.admin = new Admin(this.#calls);
    this.domains = new Domains(this.#calls);
  }

  /** Closes the connection. Calls in progress, and later ones, reject with CANCELLED. */
  close(): void {
    this.#calls.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Returns the key. The error does not contain it, because it may be logged. */
function validKey(apiKey: string): string {
  if (!/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new TypeError("the API key is empty, or contains blanks or non-ASCII characters");
  }
  return apiKey;
}
