/**
 * Waiting, before a node closes, for what would otherwise be cut off.
 */
import type { Engine } from './engine.ts'

export const DRAIN_MS = 3_000
const LOOK_MS = 10

/** What is not done yet, or was not when the time was over. */
export interface DrainLeft {
  /** Calls of this process in flight. */
  readonly calls: number
  /** Answers to others that wait for the disk. */
  readonly held: number
  /** Bytes that are kept for replicas that can be reached. */
  readonly hintBytes: number
}

/** Takes no more calls from now on, and waits until nothing is left or the time is over. Gives what was left last. */
export async function drain(engine: Engine, left: () => DrainLeft, withinMs: number): Promise<DrainLeft> {
  const endsAtMs = performance.now() + withinMs
  engine.drain()
  for (;;) {
    const now = left()
    const isDone = now.calls === 0 && now.held === 0 && now.hintBytes === 0
    if (isDone || performance.now() >= endsAtMs) return now
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
