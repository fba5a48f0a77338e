/**
 * A check that must hold whatever the outside does; a failure is a bug in quorate, never bad input.
 *
 * Ring: values.
 */

/** Throws when `condition` does not hold. Use for what the code itself promises, not for checking input. */
export function invariant(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new Error(`quorate broke its own promise: ${promise}. Please report this.`)
}
