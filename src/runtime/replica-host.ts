/**
 * The replica's side of the host: storage before answers.
 *
 * An answer that speaks of a write, or of a record that is staged but not durable, waits for the flush that covers it;
 * all others leave at once. One flush is asked for at the end of a turn, and the storage joins those that arrive while
 * one is under way.
 */
import { QuorateError } from '../core/base/errors.ts'
import type { Errand, LocalMessage, Request } from '../core/message.ts'
import type { Notice } from '../core/notice.ts'
import type { Replica } from '../core/replica.ts'
import type { RefusalCode } from '../core/refusal.ts'
import type { ExchangeAnswer, Question } from '../core/repair/exchange-message.ts'
import { WALK, type ReplicaExchange } from '../core/replica-exchange.ts'
import { Step, type Address, type LookEffect, type Now, type ScanEffect } from '../core/step.ts'
import type { Storage } from './storage/storage.ts'

export interface ReplicaHostConfig {
  readonly replica: Replica
  readonly storage: Storage
  /** Hands a message to its receiver, now. */
  readonly deliver: (to: Address, message: LocalMessage) => void
  /** Called before `deliver` when that happens outside an input: after a flush or a scan. Gives the time. */
  readonly resume: () => Now
  /** Called after such a delivery. */
  readonly settle: () => void
  readonly onNotice: (notice: Notice) => void
  readonly onFatal: (error: QuorateError) => void
}

/** Answers that may wait for the disk; beyond it requests are refused. */
const HELD_MAX = 65_536
const SCANS_MAX = 64
const SCAN_BYTES_MAX = 1_048_576

interface Held {
  readonly to: Address[]
  readonly messages: LocalMessage[]
}

export class ReplicaHost {
  readonly #config: ReplicaHostConfig
  readonly #step = new Step()
  #held: Held = { to: [], messages: [] }
  #heldCount = 0
  #scans = 0
  /** Whether something was staged since the last commit was asked for. */
  #isStaged = false
  #failed = false
  /** When the replica wants to be ticked. */
  #wakeAtMs = Infinity

  constructor(config: ReplicaHostConfig) {
    this.#config = config
  }

  /** Answers that wait for the disk. */
  get held(): number {
    return this.#heldCount
  }

  /** When the replica wants to be ticked, told once. */
  takeWake(): number {
    const atMs = this.#wakeAtMs
    this.#wakeAtMs = Infinity
    return atMs
  }

  /** A question of another replica, `peer`; -1 for whoever is none. */
  ask(question: Question, asker: { readonly from: Address; readonly peer: number }, now: Now): void {
    if (this.#heldCount >= HELD_MAX) return
    this.exchange(asker.from, question, (exchange, step) => exchange.asked(question, asker, now, step))
  }

  /** An answer of another replica. */
  answered(answer: ExchangeAnswer, peer: number, now: Now): void {
    this.exchange(peer, undefined, (exchange, step) => exchange.answered(answer, peer, now, step))
  }

  tick(now: Now): void {
    this.exchange(-1, undefined, (exchange, step) => exchange.tick(now, step))
  }

  /**
   * Something for the exchanges of the replica. Whatever leaves waits for all that is staged: digests speak of it.
   * A question for which the storage fails is declined.
   */
  exchange(from: Address, question: Question | undefined, run: (exchange: ReplicaExchange, step: Step) => void): void {
    const { replica, storage, deliver } = this.#config
    const step = this.#step
    if (this.#failed || replica.exchange === undefined) return
    try {
      run(replica.exchange, step)
      this.#stage()
    } catch (error) {
      step.clear()
      if (!isDamage(error)) return this.#fail(error)
      if (question !== undefined) deliver(from, { kind: 'declined', id: question.id })
      return
    }
    this.#release(storage.durable)
  }

  serve(request: Request | Errand, from: Address, now: Now): void {
    if (this.#failed) return
    if (this.#heldCount >= HELD_MAX && request.kind !== 'ping') {
      this.#refuse(request, from, { code: 'overloaded', detail: `${HELD_MAX} answers wait for the disk` })
      return
    }
    const { replica, storage } = this.#config
    const step = this.#step
    let waits = false
    try {
      replica.receive(request, from, now, step)
      waits = storage.durable && (step.writes.length > 0 || dependsOnStaged(request, storage))
      this.#stage()
    } catch (error) {
      step.clear()
      this.#storageError(error, request, from)
      return
    }
    this.#release(waits)
  }

  /** Makes this turn's writes durable; what waited for them goes out behind them. */
  endTurn(): void {
    const held = this.#held
    if ((held.to.length === 0 && !this.#isStaged) || this.#failed) return
    this.#isStaged = false
    this.#held = { to: [], messages: [] }
    this.#config.storage.commit((error) => {
      if (error !== undefined) {
        this.#fail(error)
        return
      }
      this.#heldCount -= held.to.length
      this.#config.resume()
      for (let i = 0; i < held.to.length; i++)
        this.#config.deliver(held.to[i] as Address, held.messages[i] as LocalMessage)
      this.#config.settle()
    })
  }

  /** Some writes have no answer: what is dropped should not wait for the next one that has. */
  #stage(): void {
    const { storage } = this.#config
    for (const change of this.#step.writes) {
      storage.stage(change)
      this.#isStaged ||= storage.durable
    }
  }

  #release(waits: boolean): void {
    const step = this.#step
    for (let i = 0; i < step.to.length; i++) {
      const to = step.to[i] as Address
      const message = step.messages[i] as LocalMessage
      if (!waits) {
        this.#config.deliver(to, message)
        continue
      }
      this.#held.to.push(to)
      this.#held.messages.push(message)
      this.#heldCount++
    }
    for (const scan of step.scans) void this.#scan(scan)
    for (const look of step.looks) void this.#look(look)
    this.#wakeAtMs = Math.min(this.#wakeAtMs, step.wakeAt)
    const notices = step.notices.splice(0)
    step.clear()
    // An observer may call back into this process.
    for (const notice of notices) this.#config.onNotice(notice)
  }

  async #scan(effect: ScanEffect): Promise<void> {
    const { to, request } = effect
    if (to === WALK) return this.#walk(effect)
    if (this.#scans >= SCANS_MAX) {
      this.#refuse(request, to, { code: 'overloaded', detail: `${SCANS_MAX} scans are under way` })
      return
    }
    this.#scans++
    const { replica, storage } = this.#config
    try {
      const { keyspace, prefix, after, limit } = request
      const page = await storage.scan({ keyspace, prefix, after, limit, sizeBytesMax: SCAN_BYTES_MAX })
      if (this.#failed) return
      replica.scanned(effect, page, this.#config.resume(), this.#step)
      this.#stage()
      this.#release(storage.durable)
      if (storage.durable) this.endTurn()
    } catch (error) {
      this.#config.resume()
      this.#storageError(error, request, to)
    } finally {
      this.#scans--
      this.#config.settle()
    }
  }

  /** A page of the walk that a replica begins with. */
  async #walk({ request }: ScanEffect): Promise<void> {
    const { storage, resume, settle } = this.#config
    const { keyspace, prefix, after, limit } = request
    const page = await storage
      .scan({ keyspace, prefix, after, limit, sizeBytesMax: SCAN_BYTES_MAX })
      .catch(() => undefined)
    if (this.#failed) return
    const now = resume()
    this.exchange(-1, undefined, (exchange, step) => exchange.paged(request, page, now, step))
    settle()
  }

  async #look(effect: LookEffect): Promise<void> {
    const { storage, resume, settle } = this.#config
    const found = await storage.look(effect).catch(() => undefined)
    if (this.#failed) return
    const now = resume()
    this.exchange(-1, undefined, (exchange, step) => exchange.looked(effect, found, now, step))
    if (storage.durable) this.endTurn()
    settle()
  }

  /** A record that cannot be trusted is not served; any other surprise from the storage ends the replica. */
  #storageError(error: unknown, request: Request | Errand, from: Address): void {
    if (isDamage(error)) {
      this.#refuse(request, from, { code: 'storage-damaged', detail: error.message })
    } else {
      this.#fail(error)
    }
  }

  #refuse(
    request: Request | Errand,
    to: Address,
    reason: { readonly code: RefusalCode; readonly detail: string },
  ): void {
    if (request.kind === 'ping') return
    this.#config.deliver(to, { kind: 'refused', id: request.id, round: request.round, ...reason })
  }

  #fail(cause: unknown): void {
    if (this.#failed) return
    this.#failed = true
    const why = cause instanceof Error ? cause.message : String(cause)
    const message = `the storage failed, so this replica stops: ${why}. What was under way may or may not be on disk.`
    this.#config.onFatal(new QuorateError('QUORATE_STORAGE', message, { outcome: 'unknown', cause }))
  }
}

function isDamage(error: unknown): error is QuorateError {
  return error instanceof QuorateError && error.code === 'QUORATE_STORAGE'
}

/** Requests that are answered from a record. */
const READS: ReadonlySet<string> = new Set(['read', 'write', 'mint', 'prepare', 'accept', 'inquire'])

/** Whether the answer speaks of something that may still wait for the disk. What is registered is not tracked apart. */
function dependsOnStaged(request: Request | Errand, storage: Storage): boolean {
  if (request.kind === 'open') return true
  return READS.has(request.kind) && storage.touchedStaged
}
