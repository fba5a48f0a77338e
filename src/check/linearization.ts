/**
 * The search for an order of one register's operations in which every answer is right.
 *
 * Just-in-time linearisation (Lowe, "Testing for linearizability", 2017, after Wing and Gong, "Testing and verifying
 * concurrent objects", 1993), one register at a time (Horn and Kroening, "Faster linearizability checking via
 * P-compositionality", 2015): starts and ends are played in order of time, and a set of *configurations* holds
 * everything that may be true then. An operation takes effect no earlier than it has to, which is when it ends, or when
 * something that ends needs it. No configuration left means that no order exists.
 *
 * What is special about registers keeps the set small, with many operations of unknown outcome too:
 * - A look is done as soon as the value is right; that never does harm.
 * - A `set` that nobody sees needs no place in the order: it may have been overwritten at once by any later `set`. It is
 *   *spare* then, and may be left out when it ends.
 * - So a change whose end is not due is tried only where the next step depends on it.
 * - A configuration that can do everything that another can makes the other superfluous.
 */
import { LiveSet, Wanted, type Live } from './live-operations.ts'
import { changes, fits, valueAfter, type RegisterOperation } from './register-operations.ts'

export type Finding =
  | { readonly kind: 'linearizable' }
  /** At the end of `at` no order was left. Until then the register may have held one of `values`. */
  | { readonly kind: 'stuck'; readonly at: RegisterOperation; readonly values: readonly number[] }
  /** The allowance for work was used up, or no order was left among those that were kept. */
  | { readonly kind: 'undecided' }

export interface SearchOptions {
  /** By start. */
  readonly operations: readonly RegisterOperation[]
  /**
   * Whether a look puts an end to what was given up before the look began: from the look's moment on it cannot happen
   * any more.
   */
  readonly settling: boolean
  /** How many steps the search may take. */
  readonly workMax: number
}

/**
 * How many configurations are kept, in searches one after the other. One order is enough, and one of few is found soon
 * where operations of unknown outcome and of equal effect give many; only a history that is wrong needs them all.
 */
const WIDTHS = [16, 512, Infinity] as const

/** What is found within the allowance, and how many steps that took. */
export function linearize(options: SearchOptions): { readonly finding: Finding; readonly work: number } {
  let work = 0
  let finding: Finding = { kind: 'undecided' }
  for (const width of WIDTHS) {
    if (finding.kind !== 'undecided' || work > options.workMax) break
    const search = new Linearization({ ...options, workMax: options.workMax - work, width })
    finding = search.run()
    work += search.work
  }
  return { finding, work }
}

/** One way how things may stand, in terms of what is live. */
interface Configuration {
  readonly state: number
  /** What has taken effect. */
  readonly done: bigint
  /** Sets that may have been overwritten unseen. */
  readonly spare: bigint
  /** What was given up before this rank, and has not happened, cannot happen any more. */
  readonly settledRank: number
}

/** A configuration on the way to an end. */
interface Attempt {
  readonly configuration: Configuration
  /**
   * What it has gone through since something last depended on a change; it *owes* when there is something. To go through
   * the same again leads nowhere.
   */
  readonly owed: readonly string[]
}

const ABSENT = 0
/** So few are compared with one another at once; of more, doubles are found by name first. */
const FEW = 8

class Linearization {
  /** Steps taken: configurations, and operations that were looked at for one. */
  work = 0
  readonly #options: SearchOptions & { readonly width: number }
  readonly #looks = new LiveSet()
  /** Changes that will end. */
  readonly #due = new LiveSet()
  /** Changes of unknown outcome, which never end. */
  readonly #open = new LiveSet()
  /** Those of `#due` that are sets, as bits. */
  #sets = 0n
  readonly #freeBits: bigint[] = []
  #bits = 0n
  #frontier: readonly Configuration[] = [{ state: ABSENT, done: 0n, spare: 0n, settledRank: -1 }]
  /** Whether configurations were left out for their number. */
  #narrowed = false

  constructor(options: SearchOptions & { readonly width: number }) {
    this.#options = options
  }

  run(): Finding {
    for (const { operation, ends } of momentsOf(this.#options.operations)) {
      if (!ends) {
        this.#begin(operation)
        continue
      }
      const before = this.#frontier
      this.#end(operation)
      if (this.#isExhausted) return { kind: 'undecided' }
      if (this.#frontier.length > 0) continue
      if (this.#narrowed) return { kind: 'undecided' }
      return { kind: 'stuck', at: operation, values: this.#valuesFrom(before) }
    }
    return { kind: 'linearizable' }
  }

  get #isExhausted(): boolean {
    return this.work > this.#options.workMax
  }

  #setOf(operation: RegisterOperation): LiveSet {
    if (!changes(operation)) return this.#looks
    return operation.endRank === Infinity ? this.#open : this.#due
  }

  #begin(operation: RegisterOperation): void {
    const bit = this.#freeBits.pop() ?? 1n << this.#bits++
    const set = this.#setOf(operation)
    set.add({ operation, bit })
    if (set === this.#due && operation.step.kind === 'set') this.#sets |= bit
    if (set !== this.#looks) return
    this.#frontier = this.#pruned(this.#frontier.flatMap((configuration) => this.#look(configuration)))
  }

  #end(operation: RegisterOperation): void {
    const set = this.#setOf(operation)
    const live = set.get(operation)
    const found: Configuration[] = []
    for (const configuration of this.#frontier) {
      found.push(...this.#reach(configuration, live))
      if (this.#isExhausted) return
    }
    set.delete(operation)
    this.#freeBits.push(live.bit)
    this.#sets &= ~live.bit
    const without = found.map(({ done, spare, ...rest }) => ({
      ...rest,
      done: done & ~live.bit,
      spare: spare & ~live.bit,
    }))
    this.#frontier = this.#pruned(without)
  }

  /** All configurations, by the fewest steps, in which an operation that ends now is done. */
  #reach(from: Configuration, goal: Live): Configuration[] {
    this.work++
    if ((from.done & goal.bit) !== 0n) return [from]
    const found: Configuration[] = (from.spare & goal.bit) === 0n ? [] : [from]
    const stack: Attempt[] = [{ configuration: from, owed: [] }]
    const seen = new Set<string>()
    for (let attempt = stack.pop(); attempt !== undefined; attempt = stack.pop()) {
      const { configuration, owed } = attempt
      if (!isNew(seen, `${nameOf(configuration)} ${owed.length > 0}`)) continue
      if (++this.work > this.#options.workMax) break
      if ((configuration.done & goal.bit) !== 0n) {
        found.push(configuration)
        continue
      }
      found.push(...this.#finish(attempt, goal))
      stack.push(...this.#stepsFrom(attempt, goal))
    }
    return found
  }

  /** The goal as the very next step. */
  #finish({ configuration, owed }: Attempt, goal: Live): Configuration[] {
    const { operation } = goal
    const { kind } = operation.step
    if (kind === 'set' ? owed.length > 0 : !fits(operation, configuration.state)) return []
    if (changes(operation)) return this.#change(configuration, goal)
    return [this.#settle(configuration, operation.startRank)]
  }

  /** Another change before the goal. */
  #stepsFrom(attempt: Attempt, goal: Live): Attempt[] {
    const { configuration, owed } = attempt
    const changing = this.#changesFrom(attempt, goal)
    if (changing.length === 0) return []
    const next: Attempt[] = []
    const here = [...owed, this.#placeOf(configuration)]
    for (const live of changing) {
      const isDueSwap = live.operation.step.kind === 'swap' && live.operation.endRank < Infinity
      for (const changed of this.#change(configuration, live)) {
        const isSeen = ((changed.done ^ configuration.done) & this.#looks.bits) !== 0n
        if (isDueSwap || isSeen) next.push({ configuration: changed, owed: [] })
        else if (!here.includes(this.#placeOf(changed))) next.push({ configuration: changed, owed: here })
      }
    }
    return next
  }

  /** All of a configuration but which unknown outcomes it has used. */
  #placeOf({ state, done, spare }: Configuration): string {
    return `${state} ${done & ~this.#open.bits} ${spare}`
  }

  /** Changes that can be made and may be of use. */
  #changesFrom({ configuration, owed }: Attempt, goal: Live): Live[] {
    const { state, done, spare, settledRank } = configuration
    const wanted = this.#wanted(configuration, goal)
    const swaps: Live[] = []
    const sets: Live[] = []
    for (const live of this.#due) {
      const { operation, bit } = live
      this.work++
      if (live === goal || (done & bit) !== 0n) continue
      if (operation.step.kind === 'swap') {
        if (fits(operation, state)) swaps.push(live)
      } else if (owed.length === 0 && wanted.has(valueAfter(operation))) sets.push(live)
    }
    const openSets: Live[] = []
    const reached = new Set<number>()
    const tried = new Set<string>()
    for (const live of wanted.among(this.#open)) {
      const { operation, bit } = live
      this.work++
      if ((done & bit) !== 0n || operation.abandonedRank < settledRank) continue
      const isSet = operation.step.kind === 'set'
      if (isSet ? owed.length > 0 : !fits(operation, state)) continue
      // Of unknown outcomes that would do the same, one will do.
      if (!isNew(tried, this.#twinName(operation))) continue
      if (isSet) openSets.push(live)
      else {
        swaps.push(live)
        reached.add(valueAfter(operation))
      }
    }
    // A set that would do the same as a swap is worth keeping, unless there is something for it to overwrite.
    const keepsSets = !this.#options.settling && (this.#sets & ~done & ~spare) === 0n
    const used = keepsSets ? openSets.filter(({ operation }) => !reached.has(valueAfter(operation))) : openSets
    return [...swaps, ...sets, ...used]
  }

  /** The values on which something that is not done yet depends, be it by way of unknown outcomes. */
  #wanted({ done }: Configuration, goal: Live): Wanted {
    const wanted = new Wanted()
    wanted.add(goal.operation)
    for (const { operation, bit } of this.#looks) if ((done & bit) === 0n) wanted.add(operation)
    for (const { operation, bit } of this.#due) if ((done & bit) === 0n) wanted.add(operation)
    wanted.addWaysThrough(this.#open)
    return wanted
  }

  /** The same for operations that are the same in all that matters from here on. */
  #twinName({ step, abandonedRank }: RegisterOperation): string {
    const from = step.kind === 'swap' ? step.from : ''
    const to = step.kind === 'swap' || step.kind === 'set' ? step.to : ''
    return `${from} ${to} ${this.#options.settling ? abandonedRank : ''}`
  }

  #change({ done, spare, settledRank }: Configuration, { operation, bit }: Live): Configuration[] {
    const changed = done | bit
    const overwritten = operation.step.kind === 'set' ? spare | this.#sets : spare
    return this.#look({ state: valueAfter(operation), done: changed, spare: overwritten & ~changed, settledRank })
  }

  /** Does the looks that fit the state. Where one would rule something out, doing it and waiting are two ways. */
  #look(configuration: Configuration): Configuration[] {
    const starts: number[] = []
    for (const { operation, bit } of this.#looks) {
      if ((configuration.done & bit) === 0n && fits(operation, configuration.state)) starts.push(operation.startRank)
    }
    if (starts.length === 0) return [configuration]
    if (!this.#options.settling) return [this.#settle(configuration, Infinity)]
    const harmless = this.#firstAbandoned(configuration)
    const ways = new Set([...starts.filter((rank) => rank > harmless), harmless])
    return [...ways].map((rank) => this.#settle(configuration, rank))
  }

  /** The configuration with all looks done that fit and began no later than `rank`. */
  #settle(configuration: Configuration, rank: number): Configuration {
    let { done } = configuration
    for (const { operation, bit } of this.#looks) {
      if (operation.startRank <= rank && fits(operation, configuration.state)) done |= bit
    }
    const isHarmless = !this.#options.settling || rank <= this.#firstAbandoned(configuration)
    return { ...configuration, done, settledRank: isHarmless ? configuration.settledRank : rank }
  }

  /** When the first of those was given up that could still happen. */
  #firstAbandoned({ done, settledRank }: Configuration): number {
    let first = Infinity
    for (const { operation, bit } of this.#open) {
      if ((done & bit) !== 0n || operation.abandonedRank < settledRank) continue
      first = Math.min(first, operation.abandonedRank)
    }
    return first
  }

  /** Without doubles, and without those that can do nothing that another cannot do as well. */
  #pruned(configurations: readonly Configuration[]): readonly Configuration[] {
    if (configurations.length <= 1) return configurations
    const best = configurations.length <= FEW ? this.#best(configurations) : this.#bestOfMany(configurations)
    if (best.length <= this.#options.width) return best
    this.#narrowed = true
    // Those that have made the least use of unknown outcomes have most of them left.
    const used = new Map(best.map((configuration) => [configuration, countOf(configuration.done & this.#open.bits)]))
    return best.toSorted((a, b) => (used.get(a) ?? 0) - (used.get(b) ?? 0)).slice(0, this.#options.width)
  }

  #bestOfMany(configurations: readonly Configuration[]): Configuration[] {
    const byState = new Map<number, Map<string, Configuration>>()
    for (const configuration of configurations) {
      const alike = byState.get(configuration.state) ?? new Map<string, Configuration>()
      byState.set(configuration.state, alike.set(nameOf(configuration), configuration))
    }
    return [...byState.values()].flatMap((alike) => this.#best([...alike.values()]))
  }

  #best(configurations: readonly Configuration[]): Configuration[] {
    let best: Configuration[] = []
    for (const configuration of configurations) {
      this.work += best.length
      if (this.#isExhausted) break
      if (best.some((other) => this.#covers(other, configuration))) continue
      best = [...best.filter((other) => !this.#covers(configuration, other)), configuration]
    }
    return best
  }

  /** Whether `a` can do whatever `b` can. */
  #covers(a: Configuration, b: Configuration): boolean {
    if (a.state !== b.state || a.settledRank > b.settledRank) return false
    const different = (a.done ^ b.done) | (a.spare ^ b.spare)
    return (different & ~(a.spare | (this.#looks.bits & a.done) | (this.#open.bits & b.done))) === 0n
  }

  /** All values that the register could hold without an answer of its own to agree with, to tell somebody. */
  #valuesFrom(configurations: readonly Configuration[]): number[] {
    const values = new Set(configurations.map(({ state }) => state))
    const unused = [...this.#due, ...this.#open].filter(({ bit }) =>
      configurations.some(({ done }) => (done & bit) === 0n),
    )
    for (const value of values) {
      for (const { operation } of unused) if (fits(operation, value)) values.add(valueAfter(operation))
    }
    return [...values]
  }
}

interface Moment {
  readonly rank: number
  readonly operation: RegisterOperation
  readonly ends: boolean
}

function momentsOf(operations: readonly RegisterOperation[]): Moment[] {
  const moments: Moment[] = []
  for (const operation of operations) {
    moments.push({ rank: operation.startRank, operation, ends: false })
    if (operation.endRank < Infinity) moments.push({ rank: operation.endRank, operation, ends: true })
  }
  return moments.toSorted((a, b) => a.rank - b.rank)
}

function nameOf({ state, done, spare, settledRank }: Configuration): string {
  return `${state} ${done.toString(32)} ${spare.toString(32)} ${settledRank}`
}

function countOf(bits: bigint): number {
  let count = 0
  for (let left = bits; left !== 0n; left &= left - 1n) count++
  return count
}

function isNew(seen: Set<string>, name: string): boolean {
  if (seen.has(name)) return false
  seen.add(name)
  return true
}
