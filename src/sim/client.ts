/**
 * A client: works for as long as the run's first phase lasts, one operation after another, with the habits that its
 * plan gives it. It threads contexts and sessions as an application would, and repeats writes whose fate is unknown
 * through another coordinator, under the same identity.
 */
import type { Guarantee } from '../check/history.ts'
import type { Random } from '../core/base/random.ts'
import type { OperationId } from '../core/operation/operation-name.ts'
import type { Level } from '../core/quorum/level.ts'
import { Caller, type CallerSurroundings, type Manner, type PutOutcome } from './caller.ts'
import { spanMs } from './delays.ts'
import { joinSeen, type Seen } from './history.ts'
import type { Host } from './host.ts'
import type { WorkloadPlan } from './workload-plan.ts'

export interface ClientParts {
  readonly process: number
  readonly plan: WorkloadPlan
  readonly around: CallerSurroundings
  readonly random: Random
  readonly hosts: readonly Host[]
  /** Where it makes most of its calls. */
  readonly home: Host
  /** Numbers for processes that make one read. */
  readonly readers: () => number
  /** Takes one of the operations that are left; false when there is none, or the first phase is over. */
  readonly take: () => boolean
  readonly isOver: () => boolean
}

interface Session {
  readonly name: string
  readonly promises: readonly Guarantee[]
  readonly seen: Map<string, Seen>
}

/** A write with all attempts to get it done. */
interface Write {
  readonly key: string
  readonly value: string
  readonly isDelete: boolean
  readonly follows: Seen | undefined
  readonly session: Session | undefined
  operation: OperationId | 'plan' | undefined
  /** Whether an attempt may have happened. */
  isOpen: boolean
  attemptsLeft: number
}

const PROMISES: readonly (readonly Guarantee[])[] = [
  ['ryw', 'mr', 'mw', 'wfr'],
  ['ryw', 'mr', 'mw', 'wfr'],
  ['ryw', 'mr'],
  ['mw', 'wfr'],
]

export class Client {
  /** Whether an operation is under way. */
  isBusy = false
  readonly #parts: ClientParts
  readonly #caller: Caller
  readonly #random: Random
  /** What the last read or write of a key showed, for clients without a session. */
  readonly #last = new Map<string, Seen>()
  #session: Session | undefined
  #sessions = 0
  #writes = 0

  constructor(parts: ClientParts) {
    this.#parts = parts
    this.#random = parts.random
    this.#caller = new Caller(parts.process, parts.around)
  }

  start(): void {
    if (this.#random.chance(this.#parts.plan.sessionRate)) this.#newSession()
    this.#later(this.#thinkMs())
  }

  #later(delayMs: number): void {
    this.isBusy = false
    this.#parts.around.simulator.after(delayMs, () => this.#act())
  }

  #thinkMs(): number {
    const { plan } = this.#parts
    return this.#random.chance(plan.burstRate) ? 0 : spanMs(this.#random, { min: 0, max: plan.thinkMs * 3 })
  }

  #next(): void {
    this.#later(this.#thinkMs())
  }

  /** The next operation. */
  #act(): void {
    const { plan, take } = this.#parts
    if (!take()) return
    if (this.#session !== undefined && this.#random.chance(0.02)) this.#newSession()
    const key = this.#random.pick(plan.keys)
    const kind = this.#drawKind()
    this.isBusy = true
    if (kind === 'get') this.#get(key, () => this.#next())
    else if (kind === 'scan') this.#scan('')
    else if (kind === 'update') this.#get(key, (seen) => this.#afterRead(key, seen))
    else this.#write({ key, isDelete: kind === 'delete', follows: kind === 'blind' ? undefined : this.#lastSeen(key) })
  }

  #drawKind(): 'get' | 'put' | 'blind' | 'delete' | 'update' | 'scan' {
    const { weights } = this.#parts.plan
    let left = this.#random.fraction() * weights.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [kind, weight] of weights) {
      left -= weight
      if (left < 0) return kind
    }
    return 'get'
  }

  #get(key: string, then: (seen: Seen | undefined) => void): void {
    const session = this.#session
    const guards = session?.promises.includes('mr') ?? false
    const how = this.#manner(session, this.#parts.plan.readLevels)
    if (how === undefined) return
    const atLeast = guards ? session?.seen.get(key) : undefined
    this.#caller.get({ how, key, repair: undefined, atLeast }, ({ seen }) => {
      if (seen !== undefined) this.#see(session, key, seen)
      then(seen)
    })
  }

  /** The second half of an update. */
  #afterRead(key: string, seen: Seen | undefined): void {
    if (seen === undefined || this.#parts.isOver()) {
      this.#next()
      return
    }
    this.#parts.around.simulator.after(this.#random.fraction() * 5, () => {
      this.#write({ key, isDelete: false, follows: seen })
    })
  }

  #write({ key, isDelete, follows }: Pick<Write, 'key' | 'isDelete' | 'follows'>): void {
    const { plan, process } = this.#parts
    const session = this.#session
    const threads = session?.promises.includes('mw') ?? false
    const context = threads ? session?.seen.get(key) : follows
    // Under lww, a stamp that was taken before the coordinator learned of the context may be older than the context.
    const mayPlan = !plan.isLww || context === undefined
    this.#attempt({
      key,
      value: `${isDelete ? 'd' : 'v'}${process}.${++this.#writes}`,
      isDelete,
      follows: context,
      session,
      operation: mayPlan && this.#random.chance(plan.plannedRate) ? 'plan' : undefined,
      isOpen: false,
      attemptsLeft: 3,
    })
  }

  #attempt(write: Write): void {
    const how = this.#manner(write.session, this.#parts.plan.writeLevels)
    if (how === undefined) return
    const { key, value, isDelete, follows, operation } = write
    this.#caller.put({ how, key, value, isDelete, follows, operation }, (outcome) => {
      this.#afterWrite(write, outcome)
    })
  }

  #afterWrite(write: Write, { kind, seen, operation }: PutOutcome): void {
    const { simulator } = this.#parts.around
    const { plan, isOver } = this.#parts
    if (seen !== undefined) this.#see(write.session, write.key, seen)
    write.attemptsLeft--
    write.isOpen ||= kind === 'info'
    // An open write whose identity nobody knows must not be repeated: it would be another write of the same value.
    const canRepeat = kind !== 'ok' && (operation !== undefined || !write.isOpen)
    if (!canRepeat || !this.#random.chance(plan.retryRate) || write.attemptsLeft === 0 || isOver()) {
      this.#next()
      return
    }
    // Under lww a write keeps the stamp of its identity, so one that certainly did not happen begins afresh.
    write.operation = write.isOpen || (!plan.isLww && this.#random.chance(0.5)) ? operation : undefined
    simulator.after(spanMs(this.#random, { min: 0, max: plan.retryMs }), () => this.#attempt(write))
  }

  #scan(after: string): void {
    const how = this.#manner(undefined, this.#parts.plan.readLevels)
    if (how === undefined) return
    const limit = this.#random.chance(0.5) ? 1 + this.#random.below(3) : 100
    this.#caller.scan({ how, after, limit }, this.#parts.readers, (next) => {
      if (next === undefined) this.#next()
      else this.#parts.around.simulator.after(this.#random.fraction() * 5, () => this.#scan(next))
    })
  }

  /** Through which host, and how. Without one that is ready, the operation is dropped and the client waits. */
  #manner(session: Session | undefined, levels: readonly Level[]): Manner | undefined {
    const { plan, hosts, home } = this.#parts
    const ready = hosts.filter((host) => host.isReady)
    if (ready.length === 0) {
      this.#later(200)
      return undefined
    }
    const host = home.isReady && this.#random.chance(plan.homeRate) ? home : this.#random.pick(ready)
    const { timeoutMs } = plan
    const isHasty = this.#random.chance(plan.hasteRate)
    const giveUpMs = isHasty ? this.#random.below(timeoutMs) : timeoutMs * 1.5 + 1000
    return { host, session: session?.name, level: this.#level(levels), timeoutMs, giveUpMs }
  }

  #level(levels: readonly Level[]): Level | undefined {
    return levels.length > 0 && this.#random.chance(this.#parts.plan.levelRate) ? this.#random.pick(levels) : undefined
  }

  #lastSeen(key: string): Seen | undefined {
    return this.#last.get(key)
  }

  #see(session: Session | undefined, key: string, seen: Seen): void {
    session?.seen.set(key, joinSeen(session.seen.get(key), seen))
    this.#last.set(key, seen)
  }

  #newSession(): void {
    const name = `s${this.#parts.process}.${++this.#sessions}`
    const promises = this.#random.pick(PROMISES)
    this.#session = { name, promises, seen: new Map() }
    this.#parts.around.recorder.session(name, promises)
  }
}
