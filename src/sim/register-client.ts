/**
 * A client of registers: reads, writes, compares and sets, and deletes, one operation after another. What failed with
 * an unknown outcome it repeats under the same identity through another coordinator, or has it settled there, or leaves.
 */
import type { Random } from '../core/base/random.ts'
import type { OperationId } from '../core/operation/operation-name.ts'
import type { Manner } from './caller.ts'
import type { ClientParts } from './client.ts'
import { spanMs } from './delays.ts'
import { RegisterCaller, type ChangeOutcome, type Held } from './register-caller.ts'

/** A change with all attempts to get it done. */
interface Attempted {
  readonly key: string
  readonly value: string | null
  readonly expected: Held | undefined
  operation: OperationId | 'plan' | undefined
  /** Whether an attempt may have happened. */
  isOpen: boolean
  attemptsLeft: number
}

const ABSENT: Held = { value: null, revision: 0 }
/** How often an operation of unknown outcome is settled rather than repeated. */
const SETTLE_RATE = 0.3
/** How often a delete looks first at what it deletes. */
const LOOKS_RATE = 0.3

export class RegisterClient {
  /** Whether an operation is under way. */
  isBusy = false
  readonly #parts: ClientParts
  readonly #caller: RegisterCaller
  readonly #random: Random
  /** What the last call showed of a key. */
  readonly #last = new Map<string, Held>()
  #writes = 0

  constructor(parts: ClientParts) {
    this.#parts = parts
    this.#random = parts.random
    this.#caller = new RegisterCaller(parts.process, parts.readers, parts.around)
  }

  start(): void {
    this.#next()
  }

  #next(): void {
    const { plan, around } = this.#parts
    const thinkMs = this.#random.chance(plan.burstRate) ? 0 : spanMs(this.#random, { min: 0, max: plan.thinkMs * 3 })
    this.isBusy = false
    around.simulator.after(thinkMs, () => this.#act())
  }

  #act(): void {
    const { plan, take } = this.#parts
    if (!take()) return
    const key = this.#random.pick(plan.keys)
    const kind = this.#drawKind()
    this.isBusy = true
    if (kind === 'get' || kind === 'scan') this.#read(key, () => this.#next())
    else if (kind === 'update') this.#read(key, (held) => this.#afterRead(key, held))
    else if (kind === 'delete') this.#change(key, null, this.#random.chance(LOOKS_RATE) ? this.#seen(key) : undefined)
    else this.#change(key, this.#newValue(), kind === 'blind' ? undefined : this.#seen(key))
  }

  #drawKind(): string {
    const { weights } = this.#parts.plan
    let left = this.#random.fraction() * weights.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [kind, weight] of weights) {
      left -= weight
      if (left < 0) return kind
    }
    return 'get'
  }

  #newValue(): string {
    return `v${this.#parts.process}.${++this.#writes}`
  }

  #seen(key: string): Held {
    return this.#last.get(key) ?? ABSENT
  }

  #read(key: string, then: (held: Held | undefined) => void): void {
    const how = this.#manner()
    if (how === undefined) return
    this.#caller.read(how, key, ({ held }) => {
      if (held !== undefined) this.#last.set(key, held)
      then(held)
    })
  }

  /** The second half of an update. */
  #afterRead(key: string, held: Held | undefined): void {
    if (held === undefined || this.#parts.isOver()) this.#next()
    else {
      const pauseMs = this.#random.fraction() * 5
      this.#parts.around.simulator.after(pauseMs, () => this.#change(key, this.#newValue(), held))
    }
  }

  #change(key: string, value: string | null, expected: Held | undefined): void {
    const operation = this.#random.chance(this.#parts.plan.plannedRate) ? 'plan' : undefined
    this.#attempt({ key, value, expected, operation, isOpen: false, attemptsLeft: 4 })
  }

  #attempt(what: Attempted): void {
    const how = this.#manner()
    if (how === undefined) return
    this.#caller.change({ ...what, how }, (outcome) => this.#afterChange(what, outcome))
  }

  #afterChange(what: Attempted, { kind, held, operation }: ChangeOutcome): void {
    if (held !== undefined) this.#last.set(what.key, held)
    what.isOpen ||= kind === 'info'
    what.attemptsLeft--
    // One whose identity nobody knows must not be repeated: it would be another change of the same value.
    const canRepeat = kind !== 'ok' && held === undefined && (operation !== undefined || !what.isOpen)
    const { plan, isOver, around } = this.#parts
    if (!canRepeat || !this.#random.chance(plan.retryRate) || what.attemptsLeft === 0 || isOver()) {
      this.#next()
      return
    }
    what.operation = what.isOpen || this.#random.chance(0.5) ? operation : undefined
    const settles = operation !== undefined && what.isOpen && this.#random.chance(SETTLE_RATE)
    around.simulator.after(spanMs(this.#random, { min: 0, max: plan.retryMs }), () => {
      if (settles) this.#settle(what, operation)
      else this.#attempt(what)
    })
  }

  #settle(what: Attempted, operation: OperationId): void {
    const how = this.#manner()
    if (how !== undefined) this.#caller.settle({ ...what, how, operation }, () => this.#next())
  }

  /** Through which host. Without one that is ready, the operation is dropped and the client waits. */
  #manner(): Manner | undefined {
    const { plan, hosts, home, around } = this.#parts
    const ready = hosts.filter((host) => host.isReady)
    if (ready.length === 0) {
      this.isBusy = false
      around.simulator.after(200, () => this.#act())
      return undefined
    }
    const host = home.isReady && this.#random.chance(plan.homeRate) ? home : this.#random.pick(ready)
    const { timeoutMs } = plan
    const isHasty = this.#random.chance(plan.hasteRate)
    const giveUpMs = isHasty ? this.#random.below(timeoutMs) : timeoutMs * 1.5 + 1000
    return { host, session: undefined, level: undefined, timeoutMs, giveUpMs }
  }
}
