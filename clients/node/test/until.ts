/** Waits for something that another part of the process does. */

/** Returns when a condition holds; the timeout of the test bounds it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise(setImmediate);
  }
}
