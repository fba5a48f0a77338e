/**
 * A small replicated store that does right by construction, and can be told to do one thing wrong.
 *
 * A replica's state is the plain set of writes it has heard of; merging is union; each write carries the set of writes
 * that it replaces. There is nothing clever to get wrong: a judge that accuses it is wrong itself, and a flaw that no
 * judge finds shows a blind judge. Every message between coordinator and replica may come late, twice or never.
 */
import type { ApLine } from '../../src/check/index.ts'
import type { Choices } from './choices.ts'

export type Flaw =
  | 'acknowledges before it writes'
  | 'counts one replica twice'
  | 'calls any quorum strict'
  | 'keeps one sibling'
  | 'forgets tombstones'
  | 'ignores contexts'
  | 'makes a new write of a retry'
  | 'lets sessions read anywhere'
  | 'repairs nothing'
  | 'never heals'
  | 'mixes up keys'
  | 'lets clocks run off'
  | 'undoes what it calls unknown'

export interface ModelOptions {
  readonly conflicts: 'siblings' | 'lww'
  readonly r: number
  readonly w: number
  /** Whether strict reads write back what they found before they answer. */
  readonly blocking: boolean
  readonly flaw?: Flaw
}

/** A write as replicas know it. In a set twice only when it was stamped twice. */
interface Version {
  readonly f: 'put' | 'delete'
  readonly value: string
  readonly replaces: ReadonlySet<Version>
  readonly stamp: number
}

type State = Set<Version>

/** What a client knows of a key: what its context covers, and the values that its history line names for it. */
interface Known {
  readonly context: State
  readonly saw: Set<string>
}

interface Write {
  readonly f: 'put' | 'delete'
  readonly key: string
  readonly process: number
  readonly value: string
  readonly context: ReadonlySet<Version>
  readonly saw: readonly string[]
  readonly strict: boolean
  readonly version: Version
  readonly op: string | undefined
}

const REPLICAS = [0, 1, 2]
const PROCESSES = [0, 1, 2, 3]
/** Every clock is at most this far from the truth; two of them at most twice as far from one another. */
const OFFSET_NS = 2e6
export const MODEL_SKEW_MS = 4

export class ModelStore {
  readonly lines: ApLine[] = []
  readonly #choices: Choices
  readonly #options: ModelOptions
  readonly #states = REPLICAS.map(() => new Map<string, State>())
  /** Messages under way. */
  readonly #messages: (() => void)[] = []
  /** How to give up on what each busy process is doing. */
  readonly #giveUp = new Map<number, () => void>()
  /** By process and key: what its last read, or its session, knows. */
  readonly #known = new Map<string, Known>()
  readonly #offsets: readonly number[]
  /** Whether clocks far apart matter depends on how fast things happen. */
  readonly #tickNs: number
  /** How many steps a client waits before it gives up, about. */
  readonly #patience: number
  #time = 0
  #written = 0

  constructor(choices: Choices, options: ModelOptions) {
    this.#choices = choices
    this.#options = options
    this.#tickNs = choices.of([1e4, 1e5, 1e6])
    this.#patience = choices.of([12, 80])
    const reach = options.flaw === 'lets clocks run off' ? 20 : 1
    this.#offsets = PROCESSES.map(() => (choices.below(3) - 1) * OFFSET_NS * reach)
    for (const session of ['s0', 's1']) {
      this.lines.push({ type: 'session', session, guarantees: ['ryw', 'mr', 'mw', 'wfr'] })
    }
    while (!choices.isOver) this.#step()
    this.#heal()
  }

  #step(): void {
    const choices = this.#choices
    this.#time += choices.below(3) * this.#tickNs
    const process = choices.of(PROCESSES)
    const giveUp = this.#giveUp.get(process)
    if (giveUp === undefined) this.#start(process)
    else if (choices.oneIn(this.#patience)) giveUp()
    else this.#deliver()
  }

  /** One of the messages arrives; it may be repeated later, or be dropped instead. */
  #deliver(): void {
    const at = this.#choices.below(this.#messages.length + 1)
    const message = this.#messages[at]
    if (message === undefined) return
    const repeats = this.#options.flaw === 'counts one replica twice' ? 2 : 6
    if (!this.#choices.oneIn(repeats)) this.#messages.splice(at, 1)
    if (!this.#choices.oneIn(15)) message()
  }

  #start(process: number): void {
    const f = this.#choices.of(['put', 'get', 'get', 'put', 'delete'] as const)
    const key = this.#choices.oneIn(4) ? 'y' : 'x'
    const asksStrict = !this.#choices.oneIn(4)
    if (f === 'get') return this.#startGet({ key, process, asksStrict })
    const known = this.#knownOf(process, key)
    const isBlind = process > 1 && this.#choices.oneIn(4)
    const context = isBlind ? new Set<Version>() : new Set(known.context)
    const saw = isBlind ? [] : [...known.saw]
    const value = `${f}${this.#written++}`
    const strict = asksStrict && this.#isStrict
    const version = this.#stamp({ f, value, context, process })
    this.#startWrite({ f, key, process, value, context, saw, strict, version, op: value })
  }

  get #isStrict(): boolean {
    const { r, w, flaw } = this.#options
    return r + w > REPLICAS.length || flaw === 'calls any quorum strict'
  }

  #stamp(at: { f: 'put' | 'delete'; value: string; context: ReadonlySet<Version>; process: number }): Version {
    const clock = this.#time + (this.#offsets[at.process] ?? 0)
    const stamp = Math.max(clock, ...[...at.context].map((version) => version.stamp + 0.001))
    const replaces = new Set(at.context)
    // What a context covers covers all that it replaced.
    for (const version of at.context) for (const older of version.replaces) replaces.add(older)
    if (this.#options.flaw === 'ignores contexts') replaces.clear()
    const { f, value } = at
    return { f, value, replaces, stamp: this.#options.flaw === 'ignores contexts' ? clock : stamp }
  }

  #startWrite(write: Write): void {
    const { f, key, process, value, saw, strict, version, op } = write
    const { flaw } = this.#options
    this.lines.push({
      type: 'invoke',
      f,
      value,
      saw,
      strict,
      ...this.#common(process, key),
      ...(op !== undefined && { op }),
    })
    if (this.#choices.oneIn(16)) {
      this.lines.push({ type: 'fail', f, ...this.#common(process, key) })
      return
    }
    const acks: number[] = []
    const isFirst = this.#busy(process, () => this.#abandon(write))
    const acknowledge = (): void => {
      if (!isFirst()) return
      this.lines.push({ type: 'ok', f, ...this.#common(process, key) })
      const known = this.#knownOf(process, key)
      known.context.add(version)
      known.saw.add(value)
    }
    const need = strict ? this.#options.w : 1
    for (const replica of REPLICAS) {
      if (flaw === 'acknowledges before it writes' && this.#choices.oneIn(2)) continue
      this.#messages.push(() => {
        this.#apply(replica, key, new Set([version]))
        this.#messages.push(() => {
          acks.push(replica)
          const count = flaw === 'counts one replica twice' ? acks.length : new Set(acks).size
          if (count >= need) acknowledge()
        })
      })
    }
    if (flaw === 'acknowledges before it writes') acknowledge()
  }

  /** The outcome is unknown: messages under way may still arrive. Perhaps the client tries again. */
  #abandon(write: Write): void {
    const { f, key, process, value, context } = write
    const { flaw } = this.#options
    this.lines.push({
      type: flaw === 'undoes what it calls unknown' ? 'fail' : 'info',
      f,
      ...this.#common(process, key),
    })
    if (this.#choices.oneIn(2)) return
    const isSame = this.#options.conflicts === 'siblings' || this.#choices.oneIn(2)
    if (isSame && flaw !== 'makes a new write of a retry') return this.#startWrite(write)
    const version = this.#stamp({ f, value, context, process })
    this.#startWrite({ ...write, version, op: isSame ? value : undefined })
  }

  #startGet({ key, process, asksStrict }: { key: string; process: number; asksStrict: boolean }): void {
    const { r, blocking, flaw } = this.#options
    const strict = asksStrict && this.#isStrict
    this.lines.push({ type: 'invoke', f: 'get', strict, ...this.#common(process, key) })
    const isFirst = this.#busy(process, () => {
      this.lines.push({ type: this.#choices.of(['fail', 'info']), f: 'get', ...this.#common(process, key) })
    })
    const merged: State = new Set()
    const answered = new Map<number, State>()
    let isAnswered = false
    const answer = (): void => {
      if (isFirst()) this.#show({ process, key, merged })
    }
    const from = flaw === 'mixes up keys' && this.#choices.oneIn(9) ? 'y' : key
    for (const replica of REPLICAS) {
      this.#messages.push(() => {
        const state = new Set(this.#stateOf(replica, from))
        this.#messages.push(() => {
          if (isAnswered) return
          answered.set(replica, state)
          for (const version of state) merged.add(version)
          if (answered.size < (strict ? r : 1) || !this.#satisfies(process, key, merged)) return
          isAnswered = true
          const holders = new Set([...answered].filter(([, held]) => held.size === merged.size).map(([at]) => at))
          if (strict && blocking && flaw !== 'repairs nothing') this.#repair({ key, merged, holders, answer })
          else answer()
        })
      })
    }
  }

  /** Writes back what was read until a write quorum holds it. */
  #repair(at: { key: string; merged: State; holders: Set<number>; answer: () => void }): void {
    const { key, merged, holders, answer } = at
    if (holders.size >= this.#options.w) return answer()
    for (const replica of REPLICAS) {
      this.#messages.push(() => {
        this.#apply(replica, key, merged)
        this.#messages.push(() => {
          holders.add(replica)
          if (holders.size >= this.#options.w) answer()
        })
      })
    }
  }

  /** A session's read must know at least what the session knows. */
  #satisfies(process: number, key: string, merged: State): boolean {
    if (process > 1 || this.#options.flaw === 'lets sessions read anywhere') return true
    const { context } = this.#knownOf(process, key)
    if (this.#options.conflicts === 'siblings') return [...context].every((version) => merged.has(version))
    return newestOf([...context, ...merged]) === newestOf([...merged])
  }

  #show({ process, key, merged }: { process: number; key: string; merged: State }): void {
    const value = this.#live(merged).map((version) => version.value)
    this.lines.push({ type: 'ok', f: 'get', value, ...this.#common(process, key) })
    const known = this.#knownOf(process, key)
    if (process > 1) {
      // Without a session the context is that of the last read alone.
      known.context.clear()
      known.saw.clear()
    }
    for (const version of merged) known.context.add(version)
    for (const shown of value) known.saw.add(shown)
  }

  /** Everybody hears of everything, or of nothing more; then each replica says what it holds. */
  #heal(): void {
    while (this.#messages.length > 0 && !this.#choices.oneIn(8)) this.#deliver()
    for (const key of ['x', 'y']) {
      const all = REPLICAS.flatMap((replica) => [...this.#stateOf(replica, key)])
      for (const replica of REPLICAS) {
        if (this.#options.flaw !== 'never heals') this.#apply(replica, key, new Set(all))
        const value = this.#live(this.#stateOf(replica, key)).map((version) => version.value)
        this.lines.push({ type: 'final', replica: `r${replica}`, key, value })
      }
    }
  }

  #apply(replica: number, key: string, versions: State): void {
    const state = this.#stateOf(replica, key)
    for (const version of versions) state.add(version)
    if (this.#options.flaw === 'forgets tombstones') {
      for (const version of state) {
        if (version.f === 'put') continue
        for (const replaced of version.replaces) state.delete(replaced)
        state.delete(version)
      }
    }
    if (this.#options.flaw === 'keeps one sibling') for (const other of this.#live(state).slice(1)) state.delete(other)
  }

  #live(state: State): Version[] {
    if (this.#options.conflicts === 'siblings') {
      const replaced = new Set<Version>()
      for (const { replaces } of state) for (const version of replaces) replaced.add(version)
      return [...state].filter((version) => version.f === 'put' && !replaced.has(version))
    }
    const winner = newestOf([...state])
    return winner?.f === 'put' ? [winner] : []
  }

  #stateOf(replica: number, key: string): State {
    return entryOf(this.#states[replica] as Map<string, State>, key, () => new Set())
  }

  #knownOf(process: number, key: string): Known {
    return entryOf(this.#known, `${process} ${key}`, () => ({ context: new Set(), saw: new Set() }))
  }

  #common(process: number, key: string): { process: number; key: string; time: number; session?: string } {
    return { process, key, time: this.#time, ...(process < 2 ? { session: `s${process}` } : {}) }
  }

  /** Marks a process busy. What it gives is true when asked first, and false after that or after giving up. */
  #busy(process: number, onGiveUp: () => void): () => boolean {
    const giveUp = (): void => {
      this.#giveUp.delete(process)
      onGiveUp()
    }
    this.#giveUp.set(process, giveUp)
    return () => this.#giveUp.get(process) === giveUp && this.#giveUp.delete(process)
  }
}

/** The last writer: by stamp, and between equal stamps by name, the same on every replica. */
function newestOf(versions: readonly Version[]): Version | undefined {
  return versions.toSorted((a, b) => b.stamp - a.stamp || (a.value < b.value ? 1 : -1))[0]
}

function entryOf<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}
