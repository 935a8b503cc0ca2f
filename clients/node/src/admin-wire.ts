/** Converts tenants and API keys from the wire. */

import type * as types from "./admin-types.js";
import { ROLE } from "./enum-codecs.js";
import { HushpostError } from "./errors.js";
import type * as wire from "./gen/hushpost/v1/admin_pb.js";
import { policy } from "./policy-wire.js";
import { hideFromPrintAndJson } from "./secrets.js";
import { toDate, toRequiredDate } from "./times.js";

/** Converts a tenant. */
export function tenant(message: wire.Tenant | undefined): types.Tenant {
  if (message === undefined) {
    throw new HushpostError("the response has no tenant", { code: "INTERNAL" });
  }
  return {
    ...tenantSummary(message),
    policy: policy(message.policy),
    anonymization: message.folding && {
      anonymizedCount: Number(message.folding.foldedCount),
      totalCount: Number(message.folding.totalCount),
      startTime: toRequiredDate(message.folding.startTime),
    },
  };
}

/** Converts a tenant of a list. */
export function tenantSummary(message: wire.Tenant | wire.TenantSummary): types.TenantSummary {
  return {
    tenantId: message.tenantId,
    displayName: message.displayName || undefined,
    createTime: toRequiredDate(message.createTime),
  };
}

/** Converts an API key. */
export function apiKey(message: wire.ApiKey | undefined): types.ApiKey {
  if (message === undefined) {
    throw new HushpostError("the response has no API key", { code: "INTERNAL" });
  }
  return {
    keyId: message.keyId,
    tenantId: message.tenantId || undefined,
    role: ROLE.fromWire(message.role),
    displayName: message.displayName || undefined,
    createTime: toRequiredDate(message.createTime),
    createActor: message.createActor,
    edgeTenantIds: message.edgeTenantIds,
    expireTime: toDate(message.expireTime),
    lastUsedTime: toDate(message.lastUsedTime),
    revokeTime: toDate(message.revokeTime),
    revokeActor: message.revokeActor || undefined,
  };
}

/** Converts an API key that was just created, which hides its secret where it is printed. */
export function newApiKey(response: wire.CreateApiKeyResponse): types.NewApiKey {
  const created = { apiKey: apiKey(response.apiKey), secret: response.secret || undefined };
  return hideFromPrintAndJson(created, "secret");
}
