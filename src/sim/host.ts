/**
 * A simulated computer with one process of quorate on it: a node (with a replica and its disk) or a client (without).
 *
 * It decides when the process runs: not while it is down, and not while it is paused. What arrives during a pause is
 * handled all at once when it ends, when the clocks have moved on.
 */
import { QuorateError } from '../core/base/errors.ts'
import type { Coordinator } from '../core/coordinator.ts'
import type { Call } from '../core/coordinator-calls.ts'
import type { Keyspace } from '../core/operation/keyspace.ts'
import type { OpenResult } from '../core/operation/open.ts'
import type { Now } from '../core/step.ts'
import { brokenVotes } from './broken-elections.ts'
import { withoutPromise } from './breakage.ts'
import { delayMs } from './delays.ts'
import type { DiskCopy, SimDisk } from './disk.ts'
import type { HostConfig } from './host-config.ts'
import type { Parcel, Receiver } from './network.ts'
import { CRASHED, Process, Ticket } from './process.ts'
import { SimEvent } from './simulator.ts'

/**
 * Where a crash hits. `now`: at once. `request`: when the next write arrives, before it is handled. `staged`: when the
 * next write is staged, before a flush begins. `flush`: while the next flush is under way, or as it fails. `flushed`:
 * when the next flush has ended and nothing has left yet.
 */
export type CrashMoment = 'now' | 'request' | 'staged' | 'flush' | 'flushed'

/** Makes the call, once it is this process's turn. */
export type CallMaker = (at: {
  readonly coordinator: Coordinator
  readonly keyspace: Keyspace
  readonly now: Now
  readonly tag: Ticket
}) => Call

/** Who wants to know of the ends and beginnings of processes. */
export interface HostWatcher {
  crashed(host: Host): void
  started(host: Host): void
}

class Wake extends SimEvent {
  readonly #run: (atUs: number) => void

  constructor(run: (atUs: number) => void) {
    super()
    this.#run = run
  }

  override fire(): void {
    this.#run(this.atUs)
  }
}

/** A disk that is stuck for longer than this counts as broken, and its process as crashed: another fault. */
const FLUSH_MS_MAX = 8000
const OPEN_TIMEOUT_MS = 2000
/** How long a process takes to start over. */
const RESTART_MS = 100
const REOPEN_MS = { least: 100, more: 300 }

/** Requests that change what a replica keeps. */
const CHANGING: ReadonlySet<string> = new Set(['write', 'mint', 'vote', 'prepare', 'accept', 'submit'])

export class Host implements Receiver {
  readonly config: HostConfig
  /** What did not go as it should: none of it is expected, whatever the faults. */
  readonly problems: string[] = []
  watcher: HostWatcher | undefined
  /** Called when the process ends in a crash. */
  readonly mourners: (() => void)[] = []
  diskSlowness = 1
  #process: Process | undefined
  #life = 0
  #isPaused = false
  #isLost = false
  #votesAreLost = false
  #hasVoted = false
  #ticksFirst = true
  readonly #inbox: (() => void)[] = []
  #wakeUs = Infinity
  #armed: CrashMoment | undefined

  constructor(config: HostConfig) {
    this.config = config
  }

  /** Which life of the process this is, or was. */
  get life(): number {
    return this.#life
  }

  get isUp(): boolean {
    return this.#process !== undefined
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Whether calls can be made: the keyspace is open. */
  get isReady(): boolean {
    return this.#process?.keyspace !== undefined
  }

  /** Whether its disk was lost and what was on it is not back: by itself it would not have what it acknowledged. */
  get isLost(): boolean {
    if (this.#process?.isWhole === true) this.#isLost = false
    return this.#isLost
  }

  /** Whether it keeps registers, and has never voted on one. */
  get isNewAcceptor(): boolean {
    const { disk, keyspace } = this.config
    this.#hasVoted ||= this.#process?.isWhole === true
    return keyspace.definition.mode === 'cp' && disk !== undefined && !this.#hasVoted
  }

  /** Whether its disk was lost, and it has not come to vote again. */
  get votesAreLost(): boolean {
    if (this.#process?.votes === true) this.#votesAreLost = false
    return this.#votesAreLost
  }

  /** Calls that have no result yet. */
  get callsInFlight(): number {
    return this.#process?.tickets.size ?? 0
  }

  start(): void {
    const { clock, random, simulator } = this.config
    clock.restart(random.below(10_000), simulator.nowUs)
    this.#process = new Process(this.config, this.#life++)
    this.#wakeUs = Infinity
    this.#armed = undefined
    this.#isPaused = false
    this.#input((process, now) => process.tick(now))
    this.#open(this.#process)
    this.watcher?.started(this)
  }

  /** The process is gone, and what its disk had not made durable. */
  crash(): void {
    const process = this.#process
    if (process === undefined) return
    this.config.simulator.note(this.config.index)
    this.#process = undefined
    this.#armed = undefined
    this.#inbox.length = 0
    this.config.disk?.crash()
    this.#breakVotes()
    if (this.config.breakage === 'forgotten-promise') this.config.disk?.amend(withoutPromise)
    for (const ticket of process.tickets) ticket.end(CRASHED)
    for (const mourner of this.mourners) mourner()
    this.watcher?.crashed(this)
  }

  #breakVotes(): void {
    const { disk, breakage } = this.config
    if (breakage !== 'vote-forgotten' && breakage !== 'restart-without-wait') return
    for (const change of brokenVotes(disk?.own() ?? [], breakage)) disk?.replace(change)
  }

  /** The next crash comes by itself, at a moment that is hard to hit. */
  arm(moment: CrashMoment): void {
    if (moment === 'now') this.crash()
    else this.#armed = moment
  }

  disarm(): void {
    this.#armed = undefined
  }

  /** The disk is gone, as with a new machine under the old name. The process must be down. */
  wipe(): void {
    this.#isLost = this.#votesAreLost = true
    if (this.config.breakage === 'reused-incarnation') this.config.disk?.forget()
    else this.config.disk?.wipe()
  }

  /** An older copy of the disk takes its place. The process must be down. */
  restore(copy: DiskCopy): void {
    this.#isLost = this.#votesAreLost = true
    this.config.disk?.restore(copy)
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (this.#process === undefined) return
    const inbox = this.#inbox.splice(0)
    this.#ticksFirst = this.config.random.chance(0.5)
    if (this.#ticksFirst) this.#tick()
    for (const input of inbox) input()
    if (!this.#ticksFirst) this.#tick()
  }

  /** The clocks were changed: what was planned by them is planned anew. */
  clockChanged(): void {
    this.#wakeUs = Infinity
    this.#armWake()
  }

  receive(parcel: Parcel): void {
    const process = this.#process
    if (process === undefined) return
    if (parcel.to.life >= 0 && parcel.to.life !== process.endpoint.life) return
    if (this.#isPaused) {
      this.#inbox.push(() => this.#input((running, now) => running.receive(parcel, now)))
      return
    }
    const { kind } = parcel.message
    if (this.#armed === 'request' && CHANGING.has(kind)) {
      this.crash()
      return
    }
    const now = this.#now()
    process.receive(parcel, now)
    this.#endTurn(process, now)
  }

  /** A client's call. The result, an error, or `CRASHED` goes to `done`, which must not call back into the host. */
  ask(make: CallMaker, done: (result: unknown) => void): Ticket {
    const ticket = new Ticket(done)
    const process = this.#process
    if (process === undefined) {
      ticket.end(CRASHED)
      return ticket
    }
    process.tickets.add(ticket)
    this.#whenAwake((running, now) => {
      const { coordinator, keyspace } = running
      if (keyspace !== undefined) running.call(ticket, make({ coordinator, keyspace, now, tag: ticket }), now)
    })
    return ticket
  }

  /** The client waits no longer. */
  cancel(ticket: Ticket): void {
    this.#whenAwake((process, now) => process.cancel(ticket, now))
  }

  /** Does something in the process when it is its turn; nothing if it is gone by then. */
  use(input: (process: Process, now: Now) => void): void {
    this.#whenAwake(input)
  }

  linked(replica: number, up: boolean): void {
    if (replica !== this.config.index) this.#whenAwake((process, now) => process.linked({ replica, up }, now))
  }

  #now(): Now {
    const { clock, simulator } = this.config
    return clock.at(simulator.nowUs)
  }

  #whenAwake(input: (process: Process, now: Now) => void): void {
    if (this.#process === undefined) return
    if (this.#isPaused) this.#inbox.push(() => this.#input(input))
    else this.#input(input)
  }

  #input(input: (process: Process, now: Now) => void): void {
    const process = this.#process
    if (process === undefined) return
    const now = this.#now()
    input(process, now)
    this.#endTurn(process, now)
  }

  /** What the process wants of its surroundings after an input. */
  #endTurn(process: Process, now: Now): void {
    process.settle(now)
    this.problems.push(...process.problems.splice(0).map((problem) => `${this.config.name}: ${problem}`))
    const { disk, simulator, random } = this.config
    if (process.isOlderCopy) {
      this.#setAside()
      return
    }
    if (process.scans.length > 0) {
      for (const scan of process.scans.splice(0)) {
        simulator.after(random.fraction() * 2, () => {
          if (this.#process !== process) return
          this.#whenAwake((running, at) => running.scanned(scan, (disk as SimDisk).scan(scan.request), at))
        })
      }
    }
    for (const look of process.looks.splice(0)) {
      simulator.after(random.fraction() * 2, () => {
        if (this.#process !== process) return
        this.#whenAwake((running, at) => running.looked(look, (disk as SimDisk).look(look), at))
      })
    }
    this.#armWake()
    if (disk !== undefined) this.#flush(process, disk)
  }

  /** The disk holds an older copy: the replica begins anew over an empty one. */
  #setAside(): void {
    this.crash()
    this.config.disk?.wipe()
    this.#isLost = this.#votesAreLost = true
    this.config.simulator.after(RESTART_MS, () => {
      if (!this.isUp) this.start()
    })
  }

  #flush(process: Process, disk: SimDisk): void {
    if (disk.isFlushing) return
    if (this.#armed === 'staged' && disk.durable < disk.staged) {
      this.crash()
      return
    }
    if (!disk.beginFlush()) return
    const { simulator, random, flushMs } = this.config
    const tookMs = Math.min(delayMs(random, flushMs) * this.diskSlowness, FLUSH_MS_MAX)
    if (this.#armed === 'flush') {
      simulator.after(tookMs * random.fraction(), () => {
        if (this.#process === process) this.crash()
      })
    }
    simulator.after(tookMs, () => this.#flushed(process, disk))
  }

  #flushed(process: Process, disk: SimDisk): void {
    if (this.#process !== process) return
    disk.endFlush()
    if (this.#armed === 'flushed') this.crash()
    else this.#whenAwake((running) => running.flushed())
  }

  #armWake(): void {
    const process = this.#process
    if (process === undefined || process.wakeAtMs === Infinity) return
    const { clock, simulator } = this.config
    const atUs = Math.max(simulator.nowUs + 1, clock.whenUs(process.wakeAtMs))
    if (this.#wakeUs <= atUs) return
    this.#wakeUs = atUs
    simulator.scheduleAt(
      atUs,
      new Wake((firedUs) => {
        if (this.#process !== process || firedUs !== this.#wakeUs) return
        this.#wakeUs = Infinity
        if (!this.#isPaused) this.#tick()
      }),
    )
  }

  #tick(): void {
    const { clock, simulator } = this.config
    const process = this.#process
    if (process === undefined) return
    if (clock.at(simulator.nowUs).monoMs < process.wakeAtMs) this.#armWake()
    else this.#input((running, now) => running.tick(now))
  }

  /** Opens the keyspace, however long that takes. */
  #open(process: Process): void {
    const { simulator, random, keyspace, adopts } = this.config
    const { definition } = keyspace
    const ticket = new Ticket((result) => {
      if (result instanceof QuorateError && result.code === 'QUORATE_KEYSPACE_MISMATCH')
        this.problems.push(result.message)
      const opened = result instanceof QuorateError ? undefined : (result as OpenResult).definition
      if (opened !== undefined) process.keyspace = process.coordinator.keyspace({ ...keyspace, definition: opened })
      else
        simulator.after(
          REOPEN_MS.least + random.below(REOPEN_MS.more),
          () => this.#process === process && this.#open(process),
        )
    })
    this.#whenAwake((running, now) => {
      const what = { name: definition.name, definition: adopts ? undefined : definition, timeoutMs: OPEN_TIMEOUT_MS }
      running.call(ticket, { kind: 'open', tag: ticket, ...what }, now)
    })
  }
}
