/** Tenants and their API keys. */

import type { CallOptions, RequestIdOption, TenantOptions } from "./calls.js";
import type { Role } from "./enums.js";
import type { Policy, PolicyUpdate } from "./policy-types.js";

/** Options of `createTenant`. */
export interface CreateTenantOptions extends CallOptions, RequestIdOption {
  /** A human-readable name of at most 256 bytes. */
  readonly displayName?: string;
  /** The settings that differ from the default policy. */
  readonly policy?: PolicyUpdate;
}

/** Options of `listTenants`. */
export interface ListTenantsOptions extends CallOptions {
  /** Tenants per page, at most 1,000. Default: 100. */
  readonly pageSize?: number;
}

/** Options of `updatePolicy`. */
export interface UpdatePolicyOptions extends TenantOptions, RequestIdOption {}

/** Options of `listPolicyChanges`. */
export interface ListPolicyChangesOptions extends TenantOptions {
  /** Entries per page, at most 1,000. Default: 100. */
  readonly pageSize?: number;
}

/** Options of `createApiKey`. */
export interface CreateApiKeyOptions extends CallOptions, RequestIdOption {
  /**
   * The tenant of the new key. Default: that of the calling key. A key of the installation
   * creates a key without a tenant then: required for EDGE, and for an ADMIN of the
   * installation.
   */
  readonly tenantId?: string;
  /** A human-readable name of at most 256 bytes. */
  readonly displayName?: string;
  /**
   * For role EDGE, the tenants that the key is limited to, at most 1,000. Default: all.
   */
  readonly edgeTenantIds?: Iterable<string>;
  /** When the key expires. Default: never. */
  readonly expireTime?: Date;
}

/** Options of `listApiKeys`. */
export interface ListApiKeysOptions extends TenantOptions {
  /** Keys per page, at most 1,000. Default: 100. */
  readonly pageSize?: number;
}

/** The progress of the job that anonymizes events after a policy became stricter. */
export interface AnonymizationProgress {
  /** How many events have been anonymized. */
  readonly anonymizedCount: number;
  /**
   * How many identified events the tenant had when the job started: an upper limit, because
   * events of contacts who consented stay.
   */
  readonly totalCount: number;
  /** When the policy was changed. */
  readonly startTime: Date;
}

/** A tenant in a list; `getTenant` returns its policy, too. */
export interface TenantSummary {
  /** 1 to 64 lower-case letters, digits, hyphens and underscores. */
  readonly tenantId: string;
  readonly displayName: string | undefined;
  readonly createTime: Date;
}

/** A customer of the installation. */
export interface Tenant extends TenantSummary {
  /** The current policy. */
  readonly policy: Policy;
  /** The running job after the policy became stricter; undefined if there is none. */
  readonly anonymization: AnonymizationProgress | undefined;
}

/** An API key, without its secret. */
export interface ApiKey {
  /** The id of the key; not the secret. */
  readonly keyId: string;
  /** Undefined for keys of role EDGE and for ADMIN keys of the whole installation. */
  readonly tenantId: string | undefined;
  /** What the key may do. */
  readonly role: Role | undefined;
  readonly displayName: string | undefined;
  readonly createTime: Date;
  /**
   * The id of the key that created it; "admin-key" if the command `hushpost admin-key` did.
   */
  readonly createActor: string;
  /** The tenants that a key of role EDGE is limited to, sorted; empty for all. */
  readonly edgeTenantIds: readonly string[];
  /** When the key expires; undefined for never. */
  readonly expireTime: Date | undefined;
  /**
   * The start of the last day, UTC, on which a call was made with the key; undefined if there
   * was none. Written about a minute after the call.
   */
  readonly lastUsedTime: Date | undefined;
  /** When the key was revoked; undefined if it was not. */
  readonly revokeTime: Date | undefined;
  /** The id of the key that revoked it. */
  readonly revokeActor: string | undefined;
}

/** An API key that was just created. It hides the secret where it is printed, and from JSON. */
export interface NewApiKey {
  readonly apiKey: ApiKey;
  /**
   * The value for the option `apiKey` of the client. The authority returns it only once:
   * undefined if an earlier try of this call created the key and its response was lost. In
   * that case, revoke the key and create another.
   */
  readonly secret: string | undefined;
}
