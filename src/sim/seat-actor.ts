/**
 * One seat of a simulated process, and what an application does with it: it opens it anew after a crash, writes down what
 * happens to it, and does nothing for a leader without looking at the clock first.
 */
import type { SeatEvent } from '../core/consensus/candidate.ts'
import { groupName, type GroupKind } from '../core/consensus/group.ts'
import type { LeaderChange } from '../core/consensus/observer.ts'
import type { Seat } from '../core/coordinator-seats.ts'
import type { Now } from '../core/step.ts'
import type { Recorder } from './history.ts'
import type { Host } from './host.ts'
import { Ticket, type Process } from './process.ts'
import type { Simulator } from './simulator.ts'

export interface ActorSurroundings {
  readonly simulator: Simulator
  readonly recorder: Recorder
  readonly leaseMs: number
  readonly workMs: number
  readonly holdMs: number
}

/** Where the events of a seat arrive: as often as there are any. */
class SeatTicket extends Ticket {
  readonly #happened: (event: SeatEvent | LeaderChange) => void

  constructor(happened: (event: SeatEvent | LeaderChange) => void) {
    super(() => {})
    this.#happened = happened
  }

  override end(result: unknown): void {
    this.#happened(result as SeatEvent | LeaderChange)
  }
}

export abstract class SeatActor {
  readonly host: Host
  readonly name: string
  protected readonly around: ActorSurroundings
  readonly #kind: GroupKind
  #seat: Seat | undefined
  /** The life of the process that the seat is in. */
  #life = -1
  #generation = 0

  constructor(host: Host, kind: GroupKind, name: string, around: ActorSurroundings) {
    this.host = host
    this.name = name
    this.around = around
    this.#kind = kind
  }

  /** True time, in the unit of the lines. */
  protected get atMs(): number {
    return this.around.simulator.nowUs / 1000
  }

  /** The generation that was told to it last, while it holds it. */
  get generation(): number {
    return this.#generation
  }

  get isOpen(): boolean {
    return this.#life === this.host.life
  }

  /** Opens the seat, if there is a process that can have one. */
  open(): void {
    if (this.isOpen || !this.host.isUp) return
    const { life } = this.host
    this.#life = life
    this.host.use((process, now) => {
      if (this.host.life !== life) return
      const tag = new SeatTicket((event) => this.#happened(event))
      const plan = { tag, group: groupName(this.#kind, this.name), holder: this.host.config.name, fences: false }
      process.seats(now, (seats, step) => {
        this.#seat = seats.open({ ...plan, leaseMs: this.around.leaseMs }, now, step)
      })
    })
  }

  /** Gives the seat up. What it held it holds no more from this moment. */
  close(): void {
    this.#withSeat((seat, process, now) => {
      this.#seat = undefined
      this.#life = -1
      process.seats(now, (seats, step) => seats.close(seat, now, step))
    })
  }

  /** The process is gone, and with it whatever it held. */
  crashed(): void {
    this.#seat = undefined
    this.#life = -1
    this.#end()
  }

  /** Does something while this seat leads in a generation, by the clock of the moment at which the process gets to it. */
  protected whileLeading(run: (at: { readonly generation: number; readonly leftMs: number }) => void): void {
    this.#withSeat((seat, _, now) => {
      const { candidate } = seat
      // Before it is told that it leads, it has not looked at what those before have left.
      if (!candidate.leads(now.monoMs) || candidate.generation !== this.#generation) return
      run({ generation: candidate.generation, leftMs: candidate.leftMs(now.monoMs) })
    })
  }

  /** Whether it leads now, as an observer of everything sees it. */
  leadsNow(): boolean {
    const { clock } = this.host.config
    const isRunning = this.isOpen && !this.host.isPaused
    return isRunning && this.#seat?.candidate.leads(clock.at(this.around.simulator.nowUs).monoMs) === true
  }

  protected abstract won(generation: number): void
  protected abstract lost(generation: number): void

  #withSeat(run: (seat: Seat, process: Process, now: Now) => void): void {
    const { life } = this.host
    this.host.use((process, now) => {
      if (this.#seat !== undefined && this.host.life === life && this.#life === life) run(this.#seat, process, now)
    })
  }

  #happened(event: SeatEvent | LeaderChange): void {
    if (event.kind === 'elected') {
      this.#generation = event.generation
      this.won(event.generation)
    } else if (event.kind === 'lost') this.#end()
  }

  #end(): void {
    const generation = this.#generation
    this.#generation = 0
    if (generation > 0) this.lost(generation)
  }
}

/** Leads a group: answers writes with the next number of its memory, and reads with the last. */
export class GroupActor extends SeatActor {
  readonly #shared: SharedCount
  #seq = 0

  constructor(host: Host, name: string, shared: SharedCount, around: ActorSurroundings) {
    super(host, 'group', name, around)
    this.#shared = shared
  }

  /** Somebody asked at `startMs`: works on it, and answers if it still leads when the answer leaves. */
  asked(what: 'write' | 'read', startMs: number): void {
    this.whileLeading(({ generation }) => {
      this.around.simulator.after(this.around.workMs, () =>
        this.whileLeading((then) => {
          if (then.generation === generation) this.#answer(what, generation, startMs)
        }),
      )
    })
  }

  protected won(term: number): void {
    // What those before acknowledged, it finds in the place that all of them write to.
    this.#seq = this.#shared.acknowledged
    this.around.recorder.leadership({ type: 'elected', ...this.#where(term) })
  }

  protected lost(term: number): void {
    this.around.recorder.leadership({ type: 'stepdown', ...this.#where(term) })
  }

  #answer(what: 'write' | 'read', term: number, start: number): void {
    const { recorder } = this.around
    if (what === 'read') {
      recorder.leadership({ type: 'localread', ...this.#where(term), start, seen: this.#seq })
      return
    }
    this.#seq++
    this.#shared.acknowledged = Math.max(this.#shared.acknowledged, this.#seq)
    recorder.leadership({ type: 'ack', ...this.#where(term), start, seq: this.#seq })
  }

  #where(term: number): { group: string; node: string; term: number; time: number } {
    return { group: this.name, node: this.host.config.name, term, time: this.atMs }
  }
}

/** What the leaders of a group have acknowledged, all together. */
export interface SharedCount {
  acknowledged: number
}

/** What a lock protects: remembers the highest token that it let in. */
export interface Guard {
  offer(token: number): void
}

/** Takes a lock now and then, works under it for a while, and gives it back. */
export class LockActor extends SeatActor {
  readonly #guard: Guard
  readonly #delayMs: () => number
  #untilMs = 0
  #holds = 0

  /** @param delayMs how long its requests to what the lock protects are under way. */
  constructor(host: Host, name: string, guard: Guard, around: ActorSurroundings & { readonly delayMs: () => number }) {
    super(host, 'lock', name, around)
    this.#guard = guard
    this.#delayMs = around.delayMs
  }

  /** Uses what the lock protects; carelessly, without a look at the clock, if it likes. */
  work(isCareless: boolean): void {
    const { generation } = this
    if (generation === 0) return
    const send = (): void => this.around.simulator.after(this.#delayMs(), () => this.#guard.offer(generation))
    if (isCareless) send()
    else this.whileLeading((at) => at.generation === generation && send())
  }

  /** Writes down until when the lock is held, if that is later than was known. */
  renewed(): void {
    this.whileLeading(({ generation, leftMs }) => {
      if (generation === this.generation) this.#grant(generation, leftMs)
    })
  }

  protected won(generation: number): void {
    this.#untilMs = 0
    const hold = ++this.#holds
    // Not from within the process, which is in the middle of telling this.
    this.around.simulator.after(0, () => this.renewed())
    this.around.simulator.after(this.around.holdMs, () => {
      if (hold === this.#holds && this.generation === generation) this.close()
    })
  }

  protected lost(token: number): void {
    this.#holds++
    this.around.recorder.leadership({ type: 'released', ...this.#where(token) })
  }

  #grant(token: number, leftMs: number): void {
    const { clock } = this.host.config
    const { nowUs } = this.around.simulator
    const until = clock.whenUs(clock.at(nowUs).monoMs + leftMs) / 1000
    if (until <= this.#untilMs) return
    this.#untilMs = until
    this.around.recorder.leadership({ type: 'granted', ...this.#where(token), until })
  }

  #where(token: number): { lock: string; holder: string; token: number; time: number } {
    return { lock: this.name, holder: this.host.config.name, token, time: this.atMs }
  }
}
