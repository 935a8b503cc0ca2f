/** Custom tracking domains. */

import type { RequestIdOption, TenantOptions } from "./calls.js";

/** Options of `addTrackingDomain` and `removeTrackingDomain`. */
export interface ChangeTrackingDomainOptions extends TenantOptions, RequestIdOption {}

/** Options of `listTrackingDomains`. */
export interface ListTrackingDomainsOptions extends TenantOptions {
  /** Domains per page, at most 1,000. Default: 100. */
  readonly pageSize?: number;
}

/** A DNS record to create. */
export interface DnsRecord {
  /** The full name, without a dot at its end. */
  readonly name: string;
  /** "TXT" or "CNAME". */
  readonly type: string;
  /** The text of a TXT record, or the host that a CNAME record points to. */
  readonly value: string;
}

/** A name of a tenant that edges serve. */
export interface TrackingDomain {
  /** The name, in lower case and in ASCII. */
  readonly domain: string;
  readonly tenantId: string;
  readonly createTime: Date;
  /** The id of the API key that registered it. */
  readonly createActor: string;
  /** When it was verified; undefined while it is pending. */
  readonly verifyTime: Date | undefined;
  /** Whether it is the `defaultTrackingDomain` of the tenant's policy. */
  readonly isDefault: boolean;
  /**
   * The DNS records that the tenant needs, and that must stay; empty for keys that do not have
   * the role ADMIN.
   */
  readonly dnsRecords: readonly DnsRecord[];
}
