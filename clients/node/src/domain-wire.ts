/** Converts tracking domains from the wire. */

import type * as types from "./domain-types.js";
import { HushpostError } from "./errors.js";
import type * as wire from "./gen/hushpost/v1/domain_pb.js";
import { toDate, toRequiredDate } from "./times.js";

/** Converts a tracking domain. */
export function trackingDomain(message: wire.TrackingDomain | undefined): types.TrackingDomain {
  if (message === undefined) {
    throw new HushpostError("the response has no domain", { code: "INTERNAL" });
  }
  return {
    domain: message.domain,
    tenantId: message.tenantId,
    createTime: toRequiredDate(message.createTime),
    createActor: message.createActor,
    verifyTime: toDate(message.verifyTime),
    isDefault: message.isDefault,
    dnsRecords: message.dnsRecords.map(({ name, type, value }) => ({ name, type, value })),
  };
}
