/** Makes calls: adds the API key, applies timeout and retries, translates errors. */

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Client, Metadata } from "@grpc/grpc-js";

import { HushpostError } from "./errors.js";
import { LinkedSignal } from "./linked-signal.js";
import { backoffMs, type RetryPolicy } from "./retry-policy.js";
import { translate } from "./status-errors.js";

/** Options of every call. */
export interface CallOptions {
  /**
   * Milliseconds that the call may take, including retries; for lists, each page. Default:
   * the client's timeout. Streams have none.
   */
  readonly timeoutMs?: number;
  /** Aborts the call, which then rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
}

/** Options of calls that act on a tenant. */
export interface TenantOptions extends CallOptions {
  /** The tenant to act on. Default: the key's own. */
  readonly tenantId?: string;
}

/** Options of writes that count once per request id. */
export interface RequestIdOption {
  /**
   * A random UUID that makes a repeated write count once (an idempotency key), for at least
   * seven days. Default: a new one for the call, which its retries share. To repeat a call
   * that failed, pass `HushpostError.requestId`.
   */
  readonly requestId?: string;
}

/** What calls need to know about time and chance. */
export interface Surroundings {
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** A random number from 0 to 1. */
  readonly random: () => number;
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

const SURROUNDINGS: Surroundings = {
  now: () => performance.now(),
  // Jitter spreads load; it needs no cryptographic randomness.
  random: Math.random,
  sleep: async (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
};

/** The path of a method, as gRPC names it. */
interface Method {
  readonly parent: { readonly typeName: string };
  readonly name: string;
}

/** Returns the caller's request id, or a new UUID. */
export function requestIdOrNew(options: RequestIdOption): string {
  return options.requestId ?? randomUUID();
}

/** Makes the calls of one client. */
export class Calls {
  readonly #channel: Client;
  readonly #metadata = new Metadata();
  readonly #timeoutMs: number;
  readonly #retry: RetryPolicy;
  readonly #surroundings: Surroundings;
  readonly #closing = new AbortController();

  constructor(
    channel: Client,
    apiKey: string,
    timeoutMs: number,
    retry: RetryPolicy,
    surroundings: Surroundings = SURROUNDINGS,
  ) {
    this.#channel = channel;
    this.#metadata.set("authorization", `Bearer ${apiKey}`);
    this.#timeoutMs = validTimeout(timeoutMs);
    this.#retry = retry;
    this.#surroundings = surroundings;
  }

  /** Closes the connection; calls in progress reject with CANCELLED. */
  close(): void {
    this.#closing.abort(new HushpostError("the client is closed", { code: "CANCELLED" }));
    this.#channel.close();
  }

  /**
   * Makes a call and returns its response.
   *
   * Has its own retry loop, because gRPC's service config chooses by method, not by the
   * presence of a request id, and ignores RetryInfo.
   *
   * @throws {HushpostError} if the call fails.
   */
  async unary<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    init: MessageInitShape<Input>,
    options: CallOptions,
  ): Promise<MessageShape<Output>> {
    const deadline = this.#surroundings.now() + validTimeout(options.timeoutMs ?? this.#timeoutMs);
    const message = create(method.input, init);
    const requestId = (message as { requestId?: string }).requestId || undefined;
    const request = toBuffer(toBinary(method.input, message));
    // Without a request id, a second try could count twice.
    const tries = requestId === undefined ? 1 : this.#retry.maxTries;
    const linked = new LinkedSignal(this.#closing.signal, options.signal);
    try {
      for (let failures = 1; ; failures += 1) {
        const remaining = Math.max(0, deadline - this.#surroundings.now());
        try {
          return await this.#unaryOnce(method, request, remaining, linked.signal);
        } catch (error) {
          linked.signal.throwIfAborted();
          const translated = translate(error, requestId);
          const { code, retryAfterMs } = translated;
          const pause = backoffMs(this.#retry, failures, retryAfterMs, this.#surroundings.random);
          const isTooLate = this.#surroundings.now() + pause >= deadline;
          if (code !== "UNAVAILABLE" || failures >= tries || isTooLate) {
            throw translated;
          }
          await this.#sleep(pause, linked.signal);
        }
      }
    } finally {
      linked.release();
    }
  }

  /** Yields page after page; `fetch` takes a page token. */
  async *pages<Page extends { nextPageToken: string }>(
    fetch: (pageToken: string) => Promise<Page>,
  ): AsyncGenerator<Page, void, undefined> {
    let token = "";
    do {
      const page = await fetch(token);
      yield page;
      token = page.nextPageToken;
    } while (token !== "");
  }

  /**
   * Yields the responses of a stream without end. Resumes with `nextRequest()` whenever the
   * stream breaks, for as long as the authority is UNAVAILABLE.
   *
   * @throws {HushpostError} after any other status.
   */
  async *stream<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodServerStreaming<Input, Output>,
    nextRequest: () => MessageInitShape<Input>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<MessageShape<Output>, void, undefined> {
    const linked = new LinkedSignal(this.#closing.signal, signal);
    try {
      let failures = 0;
      for (;;) {
        let retryAfterMs: number | undefined;
        try {
          for await (const response of this.#streamOnce(method, nextRequest(), linked.signal)) {
            failures = 0;
            yield response;
          }
        } catch (error) {
          linked.signal.throwIfAborted();
          const translated = translate(error, undefined);
          if (translated.code !== "UNAVAILABLE") {
            throw translated;
          }
          ({ retryAfterMs } = translated);
        }
        failures += 1;
        const { random } = this.#surroundings;
        await this.#sleep(backoffMs(this.#retry, failures, retryAfterMs, random), linked.signal);
      }
    } finally {
      linked.release();
    }
  }

  async #unaryOnce<Output extends DescMessage>(
    method: DescMethodUnary<DescMessage, Output>,
    request: Buffer,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<MessageShape<Output>> {
    signal.throwIfAborted();
    let cancel: (() => void) | undefined;
    try {
      return await new Promise((resolve, reject) => {
        const call = this.#channel.makeUnaryRequest<Buffer, MessageShape<Output>>(
          path(method),
          (bytes) => bytes,
          (bytes) => fromBinary(method.output, bytes),
          request,
          this.#metadata.clone(),
          { deadline: Date.now() + timeoutMs },
          (error, response) => {
            // gRPC gives either an error or a response.
            error === null ? resolve(response as MessageShape<Output>) : reject(error);
          },
        );
        cancel = () => call.cancel();
        signal.addEventListener("abort", cancel);
      });
    } finally {
      if (cancel !== undefined) {
        signal.removeEventListener("abort", cancel);
      }
    }
  }

  async *#streamOnce<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodServerStreaming<Input, Output>,
    init: MessageInitShape<Input>,
    signal: AbortSignal,
  ): AsyncGenerator<MessageShape<Output>, void, undefined> {
    signal.throwIfAborted();
    const call = this.#channel.makeServerStreamRequest<Buffer, MessageShape<Output>>(
      path(method),
      (bytes) => bytes,
      (bytes) => fromBinary(method.output, bytes),
      toBuffer(toBinary(method.input, create(method.input, init))),
      this.#metadata.clone(),
    );
    // A cancelled call emits an error. Without a listener, that would be an uncaught exception.
    call.on("error", () => undefined);
    const cancel = (): void => call.cancel();
    signal.addEventListener("abort", cancel);
    try {
      yield* call as AsyncIterable<MessageShape<Output>>;
    } finally {
      signal.removeEventListener("abort", cancel);
      call.cancel(); // ends the stream when the caller stops iterating
    }
  }

  async #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#surroundings.sleep(milliseconds, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }
}

function path(method: Method): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Returns the bytes as gRPC wants them, without copying. */
function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function validTimeout(timeoutMs: number): number {
  if (!(timeoutMs >= 0)) {
    throw new RangeError("timeoutMs must be a number of at least 0");
  }
  return timeoutMs;
}
