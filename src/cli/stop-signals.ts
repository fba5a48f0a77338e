/**
 * Waiting to be stopped: by Ctrl-C, by a signal, or for a reason that comes up.
 */

/** Why to stop. */
export type StopReason = NodeJS.Signals | 'disconnected' | Error

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

export class StopSignals {
  /** Fulfilled with the first reason. */
  readonly first: Promise<StopReason>
  /** Called with each further signal: somebody is in a hurry. */
  onHurry: () => void = () => {}
  #resolve: (reason: StopReason) => void = () => {}
  #reason: StopReason | undefined

  /** @param ignored signals that are somebody else's to act upon. */
  constructor(ignored: readonly NodeJS.Signals[] = []) {
    this.first = new Promise((resolve) => (this.#resolve = resolve))
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        if (!ignored.includes(signal)) this.stop(signal)
      })
    }
  }

  get seen(): boolean {
    return this.#reason !== undefined
  }

  stop(reason: StopReason): void {
    if (this.#reason !== undefined) {
      if (SIGNALS.includes(reason as NodeJS.Signals)) this.onHurry()
      return
    }
    this.#reason = reason
    this.#resolve(reason)
  }
}
