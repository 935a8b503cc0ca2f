/** Tenants, policies and API keys. */

import type * as types from "./admin-types.js";
import * as wire from "./admin-wire.js";
import { type CallOptions, type Calls, requestIdOrNew, type TenantOptions } from "./calls.js";
import { ROLE } from "./enum-codecs.js";
import type { Role } from "./enums.js";
import { AdminService } from "./gen/hushpost/v1/admin_pb.js";
import type { PolicyChange, PolicyUpdate } from "./policy-types.js";
import { changedPaths, policyChange, policyChanges } from "./policy-wire.js";
import { toTimestamp } from "./times.js";

const service = AdminService.method;

/**
 * Manages tenants, policies and API keys. Requires a key of role ADMIN.
 *
 * A key with a tenant manages that tenant, a key without one the whole installation. All
 * methods reject with `HushpostError`; the reasons TENANT_NOT_ALLOWED and
 * DATABASE_UNAVAILABLE are possible everywhere.
 */
export class Admin {
  readonly #calls: Calls;

  /** @internal */
  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /**
   * Creates a tenant. Requires a key of the installation.
   *
   * @param tenantId 1 to 64 lower-case letters, digits, hyphens and underscores; starts with a
   *   letter or digit.
   *
   * Reasons: ID_INVALID, FIELD_INVALID, TENANT_ALREADY_EXISTS, REQUEST_ID_INVALID,
   * REQUEST_ID_REUSED.
   */
  async createTenant(
    tenantId: string,
    options: types.CreateTenantOptions = {},
  ): Promise<types.Tenant> {
    const request = {
      tenantId,
      displayName: options.displayName,
      policy: policyChanges(options.policy ?? {}),
      requestId: requestIdOrNew(options),
    };
    const response = await this.#calls.unary(service.createTenant, request, options);
    return wire.tenant(response.tenant);
  }

  /**
   * Returns a tenant with its policy and anonymization job.
   *
   * Reasons: TENANT_NOT_FOUND.
   */
  async getTenant(options: TenantOptions = {}): Promise<types.Tenant> {
    const request = { tenantId: options.tenantId };
    return wire.tenant((await this.#calls.unary(service.getTenant, request, options)).tenant);
  }

  /**
   * Iterates over the tenants of the installation, sorted by id as bytes; with a key of one
   * tenant, over that one. Pages are fetched on demand.
   *
   * Reasons: PAGE_SIZE_INVALID.
   */
  async *listTenants(
    options: types.ListTenantsOptions = {},
  ): AsyncGenerator<types.TenantSummary, void, undefined> {
    const { pageSize } = options;
    const pages = this.#calls.pages(async (pageToken) =>
      this.#calls.unary(service.listTenants, { pageSize, pageToken }, options),
    );
    for await (const page of pages) {
      yield* page.tenants.map(wire.tenantSummary);
    }
  }

  /**
   * Changes settings of a tenant's policy.
   *
   * A stricter policy applies to every event that is committed after the call; a job
   * anonymizes earlier events, and `getTenant` returns its progress. A looser policy applies
   * to campaigns created afterwards.
   *
   * Reasons: TENANT_NOT_FOUND, UPDATE_MASK_INVALID (nothing to change), FIELD_INVALID,
   * DOMAIN_INVALID, DOMAIN_NOT_FOUND, DOMAIN_NOT_VERIFIED, REQUEST_ID_INVALID,
   * REQUEST_ID_REUSED.
   */
  async updatePolicy(
    policy: PolicyUpdate,
    options: types.UpdatePolicyOptions = {},
  ): Promise<types.Tenant> {
    const changes = policyChanges(policy);
    const request = {
      tenantId: options.tenantId,
      policy: changes,
      updateMask: { paths: changedPaths(changes) },
      requestId: requestIdOrNew(options),
    };
    return wire.tenant((await this.#calls.unary(service.updatePolicy, request, options)).tenant);
  }

  /**
   * Iterates over the audit log of a tenant's policy, oldest entry first: when modes or
   * releases changed, and by which API key. Pages are fetched on demand.
   *
   * Reasons: TENANT_NOT_FOUND, PAGE_SIZE_INVALID.
   */
  async *listPolicyChanges(
    options: types.ListPolicyChangesOptions = {},
  ): AsyncGenerator<PolicyChange, void, undefined> {
    const { tenantId, pageSize } = options;
    const pages = this.#calls.pages(async (pageToken) =>
      this.#calls.unary(service.listPolicyChanges, { tenantId, pageSize, pageToken }, options),
    );
    for await (const page of pages) {
      yield* page.changes.map(policyChange);
    }
  }

  /**
   * Creates an API key. Only this call returns its secret.
   *
   * Reasons: FIELD_INVALID, TENANT_NOT_FOUND, REQUEST_ID_INVALID, REQUEST_ID_REUSED.
   */
  async createApiKey(
    role: Role,
    options: types.CreateApiKeyOptions = {},
  ): Promise<types.NewApiKey> {
    const request = {
      tenantId: options.tenantId,
      role: ROLE.toWire(role),
      displayName: options.displayName,
      edgeTenantIds: Array.from(options.edgeTenantIds ?? []),
      expireTime: toTimestamp(options.expireTime),
      requestId: requestIdOrNew(options),
    };
    return wire.newApiKey(await this.#calls.unary(service.createApiKey, request, options));
  }

  /**
   * Iterates over API keys, oldest first, including revoked ones. Pages are fetched on demand.
   *
   * A key of the installation, without `tenantId`, lists the keys of all tenants.
   *
   * Reasons: PAGE_SIZE_INVALID.
   */
  async *listApiKeys(
    options: types.ListApiKeysOptions = {},
  ): AsyncGenerator<types.ApiKey, void, undefined> {
    const { tenantId, pageSize } = options;
    const pages = this.#calls.pages(async (pageToken) =>
      this.#calls.unary(service.listApiKeys, { tenantId, pageSize, pageToken }, options),
    );
    for await (const page of pages) {
      yield* page.apiKeys.map(wire.apiKey);
    }
  }

  /**
   * Revokes an API key permanently. All processes reject it within one second.
   *
   * Reasons: API_KEY_NOT_FOUND.
   */
  async revokeApiKey(keyId: string, options: CallOptions = {}): Promise<types.ApiKey> {
    const response = await this.#calls.unary(service.revokeApiKey, { keyId }, options);
    return wire.apiKey(response.apiKey);
  }
}
