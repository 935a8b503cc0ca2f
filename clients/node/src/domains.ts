/** Custom tracking domains. */

import { type Calls, requestIdOrNew, type TenantOptions } from "./calls.js";
import type * as types from "./domain-types.js";
import * as wire from "./domain-wire.js";
import { DomainService } from "./gen/hushpost/v1/domain_pb.js";

const service = DomainService.method;

/**
 * Manages custom tracking domains: names of a tenant that edges serve. Requires a key of role
 * ADMIN; keys of role SENDER and EDGE may list verified domains.
 *
 * Names may be given in Unicode and in any case. All methods reject with `HushpostError`; the
 * reasons TENANT_NOT_ALLOWED, TENANT_NOT_FOUND and DATABASE_UNAVAILABLE are possible
 * everywhere.
 */
export class Domains {
  readonly #calls: Calls;

  /** @internal */
  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /**
   * Registers a domain, which is pending; `dnsRecords` says what to create. A domain that the
   * tenant has already is returned unchanged.
   *
   * Reasons: DOMAIN_INVALID, LIMIT_EXCEEDED, REQUEST_ID_INVALID, REQUEST_ID_REUSED.
   */
  async addTrackingDomain(
    domain: string,
    options: types.ChangeTrackingDomainOptions = {},
  ): Promise<types.TrackingDomain> {
    const request = { tenantId: options.tenantId, domain, requestId: requestIdOrNew(options) };
    const response = await this.#calls.unary(service.addTrackingDomain, request, options);
    return wire.trackingDomain(response.domain);
  }

  /**
   * Lets the authority look up the TXT record of a domain, and verifies the domain.
   *
   * Reasons: DOMAIN_INVALID, DOMAIN_NOT_FOUND, DOMAIN_NOT_VERIFIED (metadata `cause`),
   * DOMAIN_TAKEN, OVERLOADED.
   */
  async checkTrackingDomain(
    domain: string,
    options: TenantOptions = {},
  ): Promise<types.TrackingDomain> {
    const request = { tenantId: options.tenantId, domain };
    const response = await this.#calls.unary(service.checkTrackingDomain, request, options);
    return wire.trackingDomain(response.domain);
  }

  /**
   * Iterates over domains, by tenant and sorted by name. Pages are fetched on demand.
   *
   * A key that is not for one tenant, without `tenantId`, lists the domains of all tenants
   * that the key is for.
   *
   * Reasons: PAGE_SIZE_INVALID.
   */
  async *listTrackingDomains(
    options: types.ListTrackingDomainsOptions = {},
  ): AsyncGenerator<types.TrackingDomain, void, undefined> {
    const { tenantId, pageSize } = options;
    const pages = this.#calls.pages(async (pageToken) =>
      this.#calls.unary(service.listTrackingDomains, { tenantId, pageSize, pageToken }, options),
    );
    for await (const page of pages) {
      yield* page.domains.map(wire.trackingDomain);
    }
  }

  /**
   * Removes a domain. Links in mail that was sent with it will stop working.
   *
   * Reasons: DOMAIN_INVALID, DOMAIN_NOT_FOUND, REQUEST_ID_INVALID, REQUEST_ID_REUSED.
   */
  async removeTrackingDomain(
    domain: string,
    options: types.ChangeTrackingDomainOptions = {},
  ): Promise<void> {
    const request = { tenantId: options.tenantId, domain, requestId: requestIdOrNew(options) };
    await this.#calls.unary(service.removeTrackingDomain, request, options);
  }
}
