/** An abort signal that follows others for the time of one call. */

import { setMaxListeners } from "node:events";

/**
 * Aborts when one of several signals does, with its reason.
 *
 * Unlike `AbortSignal.any`, it can be released, so that a signal that lives long, such as
 * that of the client, keeps nothing of calls that have ended.
 */
export class LinkedSignal {
  readonly #controller = new AbortController();
  readonly #sources: readonly AbortSignal[];

  constructor(...sources: (AbortSignal | undefined)[]) {
    this.#sources = sources.filter((source) => source !== undefined);
    for (const source of this.#sources) {
      if (source.aborted) {
        this.#controller.abort(source.reason);
      }
      setMaxListeners(0, source); // Node 20 warns of more than ten calls with one signal
      source.addEventListener("abort", this.#follow);
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Stops following. */
  release(): void {
    for (const source of this.#sources) {
      source.removeEventListener("abort", this.#follow);
    }
  }

  readonly #follow = (event: Event): void => {
    this.#controller.abort((event.target as AbortSignal).reason);
  };
}
