/** Hides secrets of results where the whole object is printed. Their properties have them. */

import { inspect } from "node:util";

/** Hides properties from `console.log` and `util.inspect`, but not from JSON. */
export function hideFromPrint<Result extends object>(
  result: Result,
  ...secrets: readonly (keyof Result)[]
): Result {
  // Not enumerable, so that the result remains a plain object for comparisons and copies.
  return Object.defineProperty(result, inspect.custom, { value: () => redacted(result, secrets) });
}

/** Hides properties from `JSON.stringify`, which many loggers use, as well. */
export function hideFromPrintAndJson<Result extends object>(
  result: Result,
  ...secrets: readonly (keyof Result)[]
): Result {
  const hidden = hideFromPrint(result, ...secrets);
  return Object.defineProperty(hidden, "toJSON", { value: () => redacted(result, secrets) });
}

/** Returns a copy without the secrets, which says which there are. */
function redacted<Result extends object>(
  result: Result,
  secrets: readonly (keyof Result)[],
): object {
  const present = secrets.filter((name) => result[name] !== undefined);
  return { ...result, ...Object.fromEntries(present.map((name) => [name, "[redacted]"])) };
}
