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
import type { RegisterOperation } from './register-operations.ts'

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

/** An operation that has begun, and has not ended. */
interface Live {
  readonly operation: RegisterOperation
  readonly bit: bigint
  readonly isLook: boolean
  /** Nobody knows the outcome: it never ends. */
  readonly isOpen: boolean
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

interface Moment {
  readonly rank: number
  readonly operation: RegisterOperation
  readonly ends: boolean
}

const ABSENT = 0

class Linearization {
  /** Steps taken. */
  work = 0
  readonly #options: SearchOptions & { readonly width: number }
  /** Whether configurations were left out for their number. */
  #narrowed = false
  readonly #live = new Map<RegisterOperation, Live>()
  readonly #freeBits: bigint[] = []
  #bits = 0n
  /** All live looks, live sets that will end, and live changes that will not, as bits. */
  #looks = 0n
  #sets = 0n
  #open = 0n
  #frontier: readonly Configuration[] = [{ state: ABSENT, done: 0n, spare: 0n, settledRank: -1 }]

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
      if (this.work > this.#options.workMax) return { kind: 'undecided' }
      if (this.#frontier.length > 0) continue
      if (this.#narrowed) return { kind: 'undecided' }
      return { kind: 'stuck', at: operation, values: this.#valuesFrom(before) }
    }
    return { kind: 'linearizable' }
  }

  #begin(operation: RegisterOperation): void {
    const isLook = !changes(operation)
    const isOpen = operation.endRank === Infinity
    const bit = this.#freeBits.pop() ?? 1n << this.#bits++
    this.#live.set(operation, { operation, bit, isLook, isOpen })
    if (isOpen) this.#open |= bit
    else if (operation.step.kind === 'set') this.#sets |= bit
    if (!isLook) return
    this.#looks |= bit
    this.#frontier = this.#pruned(this.#frontier.flatMap((configuration) => this.#look(configuration)))
  }

  #end(operation: RegisterOperation): void {
    const live = this.#live.get(operation) as Live
    const found: Configuration[] = []
    for (const configuration of this.#frontier) {
      for (const reached of this.#reach(configuration, live)) found.push(reached)
      if (this.work > this.#options.workMax) return
    }
    this.#live.delete(operation)
    this.#freeBits.push(live.bit)
    this.#looks &= ~live.bit
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
    if ((from.done & goal.bit) !== 0n) return [from]
    const found: Configuration[] = (from.spare & goal.bit) === 0n ? [] : [from]
    const stack: Attempt[] = [{ configuration: from, owed: [] }]
    const seen = new Set<string>()
    for (let attempt = stack.pop(); attempt !== undefined; attempt = stack.pop()) {
      const { configuration, owed } = attempt
      const name = `${nameOf(configuration)} ${owed.length > 0}`
      if (seen.has(name)) continue
      seen.add(name)
      if (++this.work > this.#options.workMax) break
      if ((configuration.done & goal.bit) !== 0n) {
        found.push(configuration)
        continue
      }
      found.push(...this.#finish(attempt, goal))
      for (const next of this.#stepsFrom(attempt, goal)) stack.push(next)
    }
    return found
  }

  /** The goal as the very next step. */
  #finish({ configuration, owed }: Attempt, goal: Live): Configuration[] {
    const { step, startRank } = goal.operation
    if (goal.isLook) return fits(goal.operation, configuration.state) ? [this.#settle(configuration, startRank)] : []
    if (step.kind === 'set' ? owed.length > 0 : !fits(goal.operation, configuration.state)) return []
    return this.#change(configuration, goal)
  }

  /** Another change before the goal. */
  #stepsFrom({ configuration, owed }: Attempt, goal: Live): Attempt[] {
    const next: Attempt[] = []
    const here = [...owed, this.#placeOf(configuration)]
    for (const live of this.#changesFrom({ configuration, owed }, goal)) {
      const isDue = !live.isOpen && live.operation.step.kind === 'swap'
      for (const changed of this.#change(configuration, live)) {
        const isSeen = ((changed.done ^ configuration.done) & this.#looks) !== 0n
        if (isDue || isSeen) next.push({ configuration: changed, owed: [] })
        else if (!here.includes(this.#placeOf(changed))) next.push({ configuration: changed, owed: here })
      }
    }
    return next
  }

  /** All of a configuration but which unknown outcomes it has used. */
  #placeOf({ state, done, spare }: Configuration): string {
    return `${state} ${done & ~this.#open} ${spare}`
  }

  /** Changes that can be made and may be of use. */
  #changesFrom({ configuration, owed }: Attempt, goal: Live): Live[] {
    const { state, done, spare, settledRank } = configuration
    const swaps: Live[] = []
    const sets: Live[] = []
    const tried = new Set<string>()
    for (const live of this.#live.values()) {
      const { operation, bit, isLook, isOpen } = live
      if (isLook || live === goal || (done & bit) !== 0n) continue
      if (isOpen && operation.abandonedRank < settledRank) continue
      const isSet = operation.step.kind === 'set'
      if (isSet ? owed.length > 0 : !fits(operation, state)) continue
      // Of unknown outcomes that would do the same, one will do.
      if (isOpen && !isFirst(tried, this.#twinName(live))) continue
      if ((isOpen || isSet) && !this.#isWanted(configuration, live, goal)) continue
      if (isSet) sets.push(live)
      else swaps.push(live)
    }
    if (this.#options.settling || (this.#sets & ~done & ~spare) !== 0n) return [...swaps, ...sets]
    // A set that would do the same as a swap is worth keeping, unless there is something for it to overwrite.
    const reached = new Set(swaps.flatMap(({ isOpen, operation }) => (isOpen ? [valueAfter(operation)] : [])))
    return [...swaps, ...sets.filter(({ isOpen, operation }) => !isOpen || !reached.has(valueAfter(operation)))]
  }

  /** Whether anything that is not done yet could depend on the change. */
  #isWanted({ done }: Configuration, { operation, bit }: Live, goal: Live): boolean {
    const to = valueAfter(operation)
    if (goal.operation.step.kind !== 'set' && fits(goal.operation, to)) return true
    for (const other of this.#live.values()) {
      if (other.bit === bit || (done & other.bit) !== 0n || other.operation.step.kind === 'set') continue
      if (fits(other.operation, to)) return true
    }
    return false
  }

  /** The same for operations that are the same in all that matters from here on. */
  #twinName({ operation: { step, abandonedRank } }: Live): string {
    const from = step.kind === 'swap' ? step.from : ''
    return `${from} ${step.kind === 'swap' || step.kind === 'set' ? step.to : ''} ${this.#options.settling ? abandonedRank : ''}`
  }

  #change({ done, spare, settledRank }: Configuration, { operation, bit }: Live): Configuration[] {
    const changed = done | bit
    const overwritten = operation.step.kind === 'set' ? spare | this.#sets : spare
    return this.#look({ state: valueAfter(operation), done: changed, spare: overwritten & ~changed, settledRank })
  }

  /** Does the looks that fit the state. Where one would rule something out, doing it and waiting are two ways. */
  #look(configuration: Configuration): Configuration[] {
    const starts: number[] = []
    for (const { operation, bit, isLook } of this.#live.values()) {
      if (!isLook || (configuration.done & bit) !== 0n || !fits(operation, configuration.state)) continue
      starts.push(operation.startRank)
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
    for (const { operation, bit, isLook } of this.#live.values()) {
      if (isLook && operation.startRank <= rank && fits(operation, configuration.state)) done |= bit
    }
    const isHarmless = !this.#options.settling || rank <= this.#firstAbandoned(configuration)
    return { ...configuration, done, settledRank: isHarmless ? configuration.settledRank : rank }
  }

  /** When the first of those was given up that could still happen. */
  #firstAbandoned({ done, settledRank }: Configuration): number {
    let first = Infinity
    for (const { operation, bit, isOpen } of this.#live.values()) {
      if (!isOpen || (done & bit) !== 0n || operation.abandonedRank < settledRank) continue
      first = Math.min(first, operation.abandonedRank)
    }
    return first
  }

  /** Without doubles, and without those that can do nothing that another cannot do as well. */
  #pruned(configurations: readonly Configuration[]): Configuration[] {
    const byState = new Map<number, Map<string, Configuration>>()
    for (const configuration of configurations) {
      const alike = byState.get(configuration.state) ?? new Map<string, Configuration>()
      byState.set(configuration.state, alike.set(nameOf(configuration), configuration))
    }
    const best = [...byState.values()].flatMap((alike) => this.#best([...alike.values()]))
    if (best.length <= this.#options.width) return best
    this.#narrowed = true
    // Those that have made the least use of unknown outcomes have most of them left.
    const used = new Map(best.map((configuration) => [configuration, countOf(configuration.done & this.#open)]))
    return best.toSorted((a, b) => (used.get(a) ?? 0) - (used.get(b) ?? 0)).slice(0, this.#options.width)
  }

  #best(alike: readonly Configuration[]): Configuration[] {
    const best: Configuration[] = []
    for (const configuration of alike) {
      this.work += best.length
      if (this.work > this.#options.workMax) break
      if (best.some((other) => this.#covers(other, configuration))) continue
      const rest = best.filter((other) => !this.#covers(configuration, other))
      best.length = 0
      best.push(...rest, configuration)
    }
    return best
  }

  /** Whether `a` can do whatever `b` can. Both hold the same value. */
  #covers(a: Configuration, b: Configuration): boolean {
    if (a.settledRank > b.settledRank) return false
    const different = (a.done ^ b.done) | (a.spare ^ b.spare)
    return (different & ~(a.spare | (this.#looks & a.done) | (this.#open & b.done))) === 0n
  }

  /** All values that the register could hold without an answer of its own to agree with, to tell somebody. */
  #valuesFrom(configurations: readonly Configuration[]): number[] {
    const values = new Set(configurations.map(({ state }) => state))
    const unused = [...this.#live.values()].filter(
      ({ isLook, bit }) => !isLook && configurations.some(({ done }) => (done & bit) === 0n),
    )
    for (const value of values) {
      for (const { operation } of unused) if (fits(operation, value)) values.add(valueAfter(operation))
    }
    return [...values]
  }
}

function momentsOf(operations: readonly RegisterOperation[]): Moment[] {
  const moments: Moment[] = []
  for (const operation of operations) {
    moments.push({ rank: operation.startRank, operation, ends: false })
    if (operation.endRank < Infinity) moments.push({ rank: operation.endRank, operation, ends: true })
  }
  return moments.toSorted((a, b) => a.rank - b.rank)
}

export function changes({ step }: RegisterOperation): boolean {
  return step.kind === 'set' || step.kind === 'swap'
}

/** Whether the operation's answer can come from a register that holds this value. */
function fits({ step }: RegisterOperation, state: number): boolean {
  switch (step.kind) {
    case 'read':
      return step.value === state
    case 'mismatch':
      return step.not !== state && (step.current === undefined || step.current === state)
    case 'swap':
      return step.from === state
    case 'set':
      return true
  }
}

function valueAfter({ step }: RegisterOperation): number {
  return step.kind === 'set' || step.kind === 'swap' ? step.to : ABSENT
}

function nameOf({ state, done, spare, settledRank }: Configuration): string {
  return `${state} ${done.toString(36)} ${spare.toString(36)} ${settledRank}`
}

function countOf(bits: bigint): number {
  let count = 0
  for (let left = bits; left !== 0n; left &= left - 1n) count++
  return count
}

function isFirst(seen: Set<string>, name: string): boolean {
  if (seen.has(name)) return false
  seen.add(name)
  return true
}
