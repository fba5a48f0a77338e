/**
 * Whether a disk is nearly full, asked for often and looked up at most once a second.
 *
 * A store that meets a full disk in the middle of a write can only stop. Refusing new writes while there is still a
 * reserve lets everything taken in so far finish, keeps reads going, and needs no restart once there is room again.
 */
import { statfsSync } from 'node:fs'

export interface FreeSpaceOptions {
  readonly directory: string
  /** Less free space than this is "nearly full". */
  readonly reserveBytes: number
  /** Free bytes for this process. Asks the file system by default. */
  readonly freeBytes?: (directory: string) => number
  /** Monotonic milliseconds. */
  readonly nowMs?: () => number
}

const LOOK_EVERY_MS = 1000

export class FreeSpace {
  readonly #options: FreeSpaceOptions
  #lookedAtMs = -Infinity
  #low = false

  constructor(options: FreeSpaceOptions) {
    this.#options = options
  }

  get low(): boolean {
    const nowMs = (this.#options.nowMs ?? performance.now.bind(performance))()
    if (nowMs - this.#lookedAtMs < LOOK_EVERY_MS) return this.#low
    this.#lookedAtMs = nowMs
    this.#low = this.#isLow()
    return this.#low
  }

  /** A file system that does not tell counts as roomy: a full disk then shows as a failed batch. */
  #isLow(): boolean {
    const { directory, reserveBytes, freeBytes = freeBytesOf } = this.#options
    try {
      return freeBytes(directory) < reserveBytes
    } catch {
      return false
    }
  }
}

function freeBytesOf(directory: string): number {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}
