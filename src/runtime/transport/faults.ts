/**
 * Faults between members that share a machine: cut and slow directions, for local clusters and for tests.
 *
 * A rule acts where frames are sent, on links that were dialed and on links that were accepted alike, so one process's
 * rules are what it does to its own sending. A cut looks like silence: the sockets stay open, and a new connection
 * hangs in its handshake until the deadline.
 */

/** From whom to whom, by id. */
export interface Direction {
  readonly from: string
  readonly to: string
}

interface Rule {
  cut: boolean
  delayMs: number
}

/** The rules in force. One object may serve all members of a process. */
export class LinkFaults {
  readonly #rules = new Map<string, Map<string, Rule>>()

  /** Drops whatever is sent in this direction, from now on. */
  cut(direction: Direction): void {
    this.#rule(direction).cut = true
  }

  /** Holds back whatever is sent in this direction, in order; 0 ends it. */
  delay({ from, to, ms }: Direction & { readonly ms: number }): void {
    this.#rule({ from, to }).delayMs = ms
  }

  /** Ends every fault; frames that were held back leave soon. */
  clear(): void {
    this.#rules.clear()
  }

  /** Whether there is no rule at all: the usual case, and the one that costs nothing. */
  get quiet(): boolean {
    return this.#rules.size === 0
  }

  isCut({ from, to }: Direction): boolean {
    return this.#rules.get(from)?.get(to)?.cut === true
  }

  delayMs({ from, to }: Direction): number {
    return this.#rules.get(from)?.get(to)?.delayMs ?? 0
  }

  #rule({ from, to }: Direction): Rule {
    const rules = this.#rules.get(from) ?? new Map<string, Rule>()
    const rule = rules.get(to) ?? { cut: false, delayMs: 0 }
    this.#rules.set(from, rules.set(to, rule))
    return rule
  }
}

/** How often held frames are looked at: a rule that was cleared must not wait out its old delay. */
const LOOK_MS = 50

/** One link's way out through the faults. The caller closes it with the link. */
export class FaultyOutlet {
  readonly #faults: LinkFaults
  readonly #from: string
  readonly #write: (frame: Uint8Array) => void
  readonly #held: { readonly frame: Uint8Array; readonly sentAt: number }[] = []
  #heldBytes = 0
  #timer: NodeJS.Timeout | undefined
  /** The other side; before it has named itself no rule applies. */
  to: string | undefined

  constructor(options: {
    readonly faults: LinkFaults
    readonly from: string
    readonly write: (frame: Uint8Array) => void
  }) {
    this.#faults = options.faults
    this.#from = options.from
    this.#write = options.write
  }

  /** Bytes that are held back. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  get isCut(): boolean {
    return this.to !== undefined && this.#faults.isCut({ from: this.#from, to: this.to })
  }

  send(frame: Uint8Array): void {
    if (this.#held.length === 0 && (this.to === undefined || this.#faults.quiet)) {
      this.#write(frame)
      return
    }
    this.#held.push({ frame, sentAt: performance.now() })
    this.#heldBytes += frame.length
    this.#release()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#held.length = 0
    this.#heldBytes = 0
  }

  /** Lets go of every frame whose time has come, by the rules of this moment: a cut also hits what was on its way. */
  #release(): void {
    clearTimeout(this.#timer)
    const now = performance.now()
    const delayMs = this.to === undefined ? 0 : this.#faults.delayMs({ from: this.#from, to: this.to })
    const cut = this.isCut
    let released = 0
    for (const { frame, sentAt } of this.#held) {
      if (sentAt + delayMs > now) break
      released++
      this.#heldBytes -= frame.length
      if (!cut) this.#write(frame)
    }
    this.#held.splice(0, released)
    const next = this.#held[0]
    if (next === undefined) return
    this.#timer = setTimeout(() => this.#release(), Math.min(LOOK_MS, Math.max(1, next.sentAt + delayMs - now)))
    this.#timer.unref()
  }
}
