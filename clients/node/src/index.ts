/**
 * A typed client of the Hushpost authority.
 *
 * Results are plain objects, with `Date` for times and undefined for absent values. Those with
 * secrets hide them where they are printed. A failed call rejects with `HushpostError`; branch
 * on its `reason`. Writes are retried while the authority is unavailable and still count once.
 * Connections are encrypted unless the target is a loopback address.
 */

export type { Admin } from "./admin.js";
export type * from "./admin-types.js";
export type * from "./branding-types.js";
export type { CallOptions, RequestIdOption, TenantOptions } from "./calls.js";
export type * from "./campaign-types.js";
export type { Campaigns } from "./campaigns.js";
export type { TlsCertificates } from "./channel.js";
export { type ApiKeyOption, Hushpost, type HushpostOptions } from "./client.js";
export type * from "./domain-types.js";
export type { Domains } from "./domains.js";
export type * from "./enums.js";
export {
  type ErrorReason,
  HushpostError,
  type HushpostErrorFields,
  type KnownErrorReason,
  type StatusCode,
} from "./errors.js";
export type * from "./policy-types.js";
export type * from "./preference-types.js";
export type { Preferences } from "./preferences.js";
export type { RetryPolicy } from "./retry-policy.js";
export type { Stats } from "./stats.js";
export type * from "./stats-types.js";
export type { Tracking } from "./tracking.js";
export type * from "./tracking-types.js";
