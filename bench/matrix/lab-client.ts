/**
 * A client in virtual time: carries out the steps of a workload, one after another, through one coordinator.
 *
 * It writes what follows from what it has seen, as an application does that keeps the context of its last read; a
 * `modify` reads first. A compare that failed is tried again a few times after another look.
 */
import type { Random } from '../../src/core/base/random.ts'
import { Caller, type Manner } from '../../src/sim/caller.ts'
import { exponential } from '../../src/sim/delays.ts'
import { joinSeen, type Seen } from '../../src/sim/history.ts'
import type { Host } from '../../src/sim/host.ts'
import { RegisterCaller, type Held } from '../../src/sim/register-caller.ts'
import { TIMEOUT_MS, type Lab } from './lab.ts'
import type { Step } from './workloads.ts'

export interface LabClientParts {
  readonly lab: Lab
  readonly process: number
  readonly host: Host
  readonly random: Random
  readonly stale: boolean
  readonly thinkMs: number
  /** The next step; nothing when there are none left. */
  readonly take: () => Step | undefined
  /** Numbers of processes that nobody has. */
  readonly others: () => number
}

const TRIES = 4

export abstract class LabClient {
  protected readonly parts: LabClientParts
  #writes = 0

  constructor(parts: LabClientParts) {
    this.parts = parts
  }

  start(): void {
    this.think()
  }

  protected think(): void {
    const { lab, random, thinkMs } = this.parts
    lab.simulator.after(thinkMs * exponential(random), () => this.#act())
  }

  #act(): void {
    const step = this.parts.take()
    if (step === undefined) return
    if (step.kind === 'read') this.read(step.key)
    else if (step.kind === 'scan') this.scan(step)
    else if (step.kind === 'modify') this.modify(step.key, TRIES)
    else this.write(step.key)
  }

  protected nextValue(): string {
    return `v${this.parts.process}.${++this.#writes}`
  }

  protected manner(session?: string): Manner {
    const { host } = this.parts
    return { host, session, level: undefined, timeoutMs: TIMEOUT_MS, giveUpMs: 1.5 * TIMEOUT_MS }
  }

  protected abstract read(key: string): void
  protected abstract scan(step: Step): void
  protected abstract modify(key: string, triesLeft: number): void
  protected abstract write(key: string): void
}

export class ApLabClient extends LabClient {
  readonly #caller: Caller
  readonly #seen = new Map<string, Seen>()
  readonly #session: string

  constructor(parts: LabClientParts) {
    super(parts)
    this.#caller = new Caller(parts.process, parts.lab.around)
    this.#session = `c${parts.process}`
    parts.lab.recorder.session(this.#session, ['ryw', 'mr'])
  }

  protected override read(key: string): void {
    this.#get(key, () => this.think())
  }

  #get(key: string, then: (seen: Seen | undefined) => void): void {
    const how = this.manner(this.#session)
    this.#caller.get({ how, key, repair: undefined, atLeast: undefined }, ({ seen }) => {
      if (seen !== undefined) this.#seen.set(key, seen)
      then(seen)
    })
  }

  protected override modify(key: string): void {
    this.#get(key, (seen) => {
      if (seen === undefined) this.think()
      else this.parts.lab.simulator.after(0, () => this.#put(key, seen))
    })
  }

  protected override write(key: string): void {
    this.#put(key, this.#seen.get(key))
  }

  #put(key: string, follows: Seen | undefined): void {
    const what = { key, value: this.nextValue(), isDelete: false, follows, operation: undefined }
    this.#caller.put({ how: this.manner(this.#session), ...what }, ({ seen }) => {
      if (seen !== undefined) this.#seen.set(key, joinSeen(this.#seen.get(key), seen))
      this.think()
    })
  }

  protected override scan({ key, limit }: Step): void {
    // A page begins behind a key: the one before the first that is wanted.
    const after = `${key.slice(0, -1)}${String.fromCharCode(key.charCodeAt(key.length - 1) - 1)}~`
    this.#caller.scan({ how: this.manner(), after, limit }, this.parts.others, () => this.think())
  }
}

export class RegisterLabClient extends LabClient {
  readonly #caller: RegisterCaller

  constructor(parts: LabClientParts) {
    super(parts)
    this.#caller = new RegisterCaller(parts.process, parts.others, parts.lab.around)
  }

  protected override read(key: string): void {
    this.#caller.read(this.manner(), key, () => this.think(), this.parts.stale)
  }

  /** Registers have no scans. */
  protected override scan({ key }: Step): void {
    this.read(key)
  }

  protected override modify(key: string, triesLeft: number): void {
    this.#caller.read(this.manner(), key, ({ held }) => {
      if (held === undefined) this.think()
      else this.parts.lab.simulator.after(0, () => this.#change(key, held, triesLeft))
    })
  }

  protected override write(key: string): void {
    this.#change(key, undefined, 1)
  }

  #change(key: string, expected: Held | undefined, triesLeft: number): void {
    const what = { key, value: this.nextValue(), expected, operation: undefined }
    this.#caller.change({ how: this.manner(), ...what }, ({ kind, held }) => {
      const isRefused = kind !== 'ok' && held !== undefined
      if (isRefused && triesLeft > 1) this.parts.lab.simulator.after(0, () => this.modify(key, triesLeft - 1))
      else this.think()
    })
  }
}
