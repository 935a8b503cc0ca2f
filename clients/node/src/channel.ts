/** Opens the channel: encryption, keepalive, message size. */

import { BlockList, isIP } from "node:net";

import { type ChannelCredentials, Client, credentials } from "@grpc/grpc-js";

import { VERSION } from "./version.js";

/** The certificates of an encrypted connection, PEM encoded, named as in Node's `tls`. */
export interface TlsCertificates {
  /** The certificate authorities to trust; by default those of Node. */
  readonly ca?: string | Buffer;
  /** A client certificate, if the server requires one. */
  readonly cert?: string | Buffer;
  /** The private key of the client certificate. */
  readonly key?: string | Buffer;
}

const OPTIONS = {
  // Detects a dead peer within 80 seconds, even while a stream is silent; that is below the
  // idle timeouts of common load balancers.
  "grpc.keepalive_time_ms": 60_000,
  "grpc.keepalive_timeout_ms": 20_000,
  "grpc.keepalive_permit_without_calls": 1,
  // The defaults are one second and two minutes, too long to notice the end of an outage.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  // A campaign may have 10,000 links of 8,192 bytes, more than gRPC's default of 4 MiB. The
  // authority limits the size of its responses itself.
  "grpc.max_receive_message_length": -1,
  // Uses all authorities that a name leads to, and not only the first that answers.
  "grpc.service_config": '{"loadBalancingConfig": [{"round_robin": {}}]}',
  "grpc.service_config_disable_resolution": 1,
  // Closing a client closes its connection, also if another client has the same target.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.primary_user_agent": `hushpost-client-node/${VERSION}`,
};

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/**
 * Opens a channel, which connects at the first call.
 *
 * @throws {Error} if it would send the API key over a network in clear text.
 */
export function openChannel(target: string, tls: boolean | TlsCertificates | undefined): Client {
  const credentials = channelCredentials(target, tls);
  // A proxy from the environment would get what must not leave this machine.
  const proxy = credentials._isSecure() ? {} : { "grpc.enable_http_proxy": 0 };
  return new Client(target, credentials, { ...OPTIONS, ...proxy });
}

/** Returns the credentials of a channel: with TLS unless the target is a loopback address. */
export function channelCredentials(
  target: string,
  tls: boolean | TlsCertificates | undefined,
): ChannelCredentials {
  if (tls ?? !isLoopback(target)) {
    const { ca, cert, key } = typeof tls === "object" ? tls : {};
    return credentials.createSsl(toBuffer(ca), toBuffer(key), toBuffer(cert));
  }
  if (!isLoopback(target)) {
    throw new Error(
      `${target} is no loopback address: without TLS, the API key would be sent in clear text`,
    );
  }
  return credentials.createInsecure();
}

/** Whether a target never leaves this machine. In doubt no, so that the call is encrypted. */
export function isLoopback(target: string): boolean {
  if (target.startsWith("unix:")) {
    return true;
  }
  const addresses = /^ipv[46]:(.*)/.exec(target)?.[1]?.split(",") ?? [target];
  return addresses.every(isLoopbackAddress);
}

function isLoopbackAddress(address: string): boolean {
  const host = address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  const family = isIP(host);
  return family === 0
    ? host.toLowerCase() === "localhost"
    : LOOPBACK.check(host, family === 4 ? "ipv4" : "ipv6");
}

function toBuffer(pem: string | Buffer | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}
