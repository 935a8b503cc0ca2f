/** A gRPC server that responds by script, for responses that a healthy authority never sends. */

import { create, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerOptions,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";

import {
  ErrorInfoSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "../src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../src/gen/google/rpc/status_pb.js";
import { AdminService } from "../src/gen/hushpost/v1/admin_pb.js";
import { CampaignService } from "../src/gen/hushpost/v1/campaign_pb.js";
import { DomainService } from "../src/gen/hushpost/v1/domain_pb.js";
import { StatsService } from "../src/gen/hushpost/v1/stats_pb.js";
import { TrackingService } from "../src/gen/hushpost/v1/tracking_pb.js";

/** What a failed call ends with. */
export interface Failure {
  code: status;
  reason?: string;
  metadata?: Record<string, string>;
  retryAfterMs?: number;
  callId?: string;
  trailer?: Buffer;
}

type Step = { messages: Message[]; thenWait?: boolean } | Failure | "hang";
type UnaryCall = ServerUnaryCall<Message, Message>;
type StreamCall = ServerWritableStream<Message, Message>;

/** Responds to each call with the next step of its script; keeps the requests. */
export class ScriptedServer {
  readonly requests: Message[] = [];
  readonly headers: Metadata[] = [];
  target = "";
  /** How many calls the client has cancelled. */
  cancelled = 0;
  /** The connections that calls came over. */
  readonly peers = new Set<string>();
  readonly #script: Step[] = [];
  readonly #server: Server;

  constructor(options: ServerOptions = {}) {
    this.#server = new Server(options);
  }

  async listen(address = "127.0.0.1:0", credentials = ServerCredentials.createInsecure()) {
    const services = [AdminService, CampaignService, DomainService, StatsService, TrackingService];
    for (const service of services) {
      for (const method of service.methods) {
        const stream = method.methodKind === "server_streaming";
        this.#server.register(
          `/${service.typeName}/${method.name}`,
          stream ? (this.#stream as never) : (this.#unary as never),
          (message: Message) => Buffer.from(toBinary(method.output, message)),
          (bytes: Buffer) => fromBinary(method.input, bytes),
          stream ? "serverStream" : "unary",
        );
      }
    }
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, credentials, (error, bound) => {
        error === null ? resolve(bound) : reject(error);
      });
    });
    this.target = address.startsWith("unix:") ? address : `127.0.0.1:${port}`;
    return this;
  }

  /** Responds to the next call; a stream breaks after the messages. */
  respond(...messages: Message[]): void {
    this.#script.push({ messages });
  }

  /** Streams messages to the next call, and then stays silent. */
  respondAndWait(...messages: Message[]): void {
    this.#script.push({ messages, thenWait: true });
  }

  /** Fails the next call, with error details as the authority sends them. */
  fail(failure: Failure): void {
    this.#script.push(failure);
  }

  /** Never responds to the next call. */
  hang(): void {
    this.#script.push("hang");
  }

  close(): void {
    this.#server.forceShutdown();
  }

  /** The requests as plain values of one field. */
  field(name: string): unknown[] {
    return this.requests.map((request) => (request as unknown as Record<string, unknown>)[name]);
  }

  readonly #unary = (call: UnaryCall, callback: sendUnaryData<Message>): void => {
    const step = this.#next(call);
    if (typeof step === "object") {
      "messages" in step ? callback(null, step.messages[0]) : callback(statusOf(step));
    }
  };

  readonly #stream = (call: StreamCall): void => {
    const step = this.#next(call);
    if (typeof step !== "object") {
      return;
    }
    for (const message of "messages" in step ? step.messages : []) {
      call.write(message);
    }
    if (!("messages" in step && step.thenWait)) {
      call.emit("error", statusOf("messages" in step ? { code: status.UNAVAILABLE } : step));
    }
  };

  #next(call: UnaryCall | StreamCall): Step | undefined {
    this.requests.push(call.request);
    this.headers.push(call.metadata);
    this.peers.add(call.getPeer());
    call.on("cancelled", () => {
      this.cancelled += 1;
    });
    return this.#script.shift();
  }
}

function statusOf({ code, reason, metadata = {}, retryAfterMs, callId, trailer }: Failure) {
  const details = create(StatusSchema, { code, message: "the message" });
  const add = <Desc extends DescMessage>(schema: Desc, value: object): void => {
    details.details.push(anyPack(schema, create(schema, value as never)));
  };
  if (reason !== undefined) {
    add(ErrorInfoSchema, { reason, domain: "hushpost", metadata });
  }
  if (retryAfterMs !== undefined) {
    add(RetryInfoSchema, { retryDelay: durationFromMs(retryAfterMs) });
  }
  if (callId !== undefined) {
    add(RequestInfoSchema, { requestId: callId });
  }
  const trailers = new Metadata();
  const bytes = trailer ?? Buffer.from(toBinary(StatusSchema, details));
  trailers.set("grpc-status-details-bin", bytes);
  return { code, details: "the message", metadata: trailers };
}
