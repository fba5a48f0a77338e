/**
 * Anti-entropy of one replica: answers the questions of others, and asks them its own, one exchange at a time.
 *
 * Part of the replica machine: it shares its writes and its step. Digests are kept by `repair/upkeep.ts`; until the walk
 * over what was stored at the start is over it declines questions and asks none. What comes in an exchange is merged on
 * the way of every write, with its checks. A peer that does not know the keyspaces is told of them.
 * The host's duty: `tick` by `wakeAt`, and after whatever changes who can be reached; carry out `looks` as it does
 * `scans`, after the writes of the same step are visible; let nothing of these steps leave before what is staged is
 * durable, since digests speak of all of it.
 * Ring: machines.
 */
import type { Random } from './base/random.ts'
import { addDigests, DigestForest } from './repair/digest-tree.ts'
import { EXCHANGE_LIMITS, ExchangeResponder } from './repair/exchange-responder.ts'
import { Exchange, ExchangeStep, type ExchangeProgress } from './repair/exchange.ts'
import type { ExchangeAnswer, Question } from './repair/exchange-message.ts'
import { ExchangeSchedule } from './repair/exchange-schedule.ts'
import type { Found, Look } from './repair/record-index.ts'
import { Sharing } from './repair/sharing.ts'
import { Upkeep } from './repair/upkeep.ts'
import type { KeyspaceDefinition } from './keyspace-definition.ts'
import type { Scan } from './message.ts'
import type { ReplicaStanding } from './replica-standing.ts'
import type { ExchangeSummary } from './notice.ts'
import type { ResolvedCore } from './options.ts'
import type { Membership } from './placement/membership.ts'
import type { RecordWrite } from './record.ts'
import type { ReplicaClock } from './replica-clock.ts'
import type { Address, LookEffect, Now, Step } from './step.ts'

/** What a replica needs of its surroundings to exchange with others. */
export interface ExchangeSetting {
  readonly random: Random
  /** Whether another replica can be asked now. */
  readonly usable: (replica: number, nowMs: number) => boolean
  /** What another replica's clock had told by a time, as far as is known. */
  readonly asOf: (replica: number, sinceMs: number, nowMs: number) => number
  /** Where digests are kept. An empty forest by default. */
  readonly forest?: (copiesOf: (keyspace: number) => number | undefined) => DigestForest
}

/** What it needs of its replica. */
export interface ExchangeOwner {
  /** The index of this replica. */
  readonly index: number
  readonly membership: Membership
  readonly options: ResolvedCore
  /** What is registered, by fingerprint. */
  readonly definitions: ReadonlyMap<number, KeyspaceDefinition>
  readonly isConfirmed: (definition: KeyspaceDefinition) => boolean
  /** How old records may be that come. */
  readonly clock: ReplicaClock
  /** What becomes of it if it may have forgotten something. */
  readonly standing: Pick<ReplicaStanding, 'tick' | 'exchanged'>
  /** Merges a record that came from another replica, if it passes the checks of a write. */
  /** False for a register that is refused. */
  readonly merge: (write: RecordWrite, now: Now, step: Step) => boolean
}

interface Running {
  readonly exchange: Exchange
  readonly peer: number
  readonly sequence: number
  readonly beganAtMs: number
  readonly out: ExchangeStep
  wakeAtMs: number
  taught: boolean
  readonly demanded: boolean
  /** Whether a register that the peer has could not be taken over here: there was no room for it. */
  lacks: boolean
}

/** The last exchange with a peer that is over. */
export interface LastExchange extends ExchangeSummary {
  /** Exchanges are numbered as they begin. */
  readonly sequence: number
  /** On the monotonic clock. */
  readonly endedAtMs: number
}

type Looked = (found: Found | undefined, now: Now, step: Step) => void

/** Who gets the pages of the walk. */
export const WALK: Address = -2

const WALK_RECORDS = 512
/** A page that could not be read is asked for again after this long. */
const WALK_AGAIN_MS = 5_000
/** How often one question is asked. Whether the peer is there at all is known sooner. */
const ATTEMPTS_MAX = 30
const TIMEOUT_HEARTBEATS = 2
/** Clients are being served if one was so recently. */
const BUSY_MS = 100
/** What an exchange may take while they are. */
const BYTES_PER_MS = 8_192

export class ReplicaExchange {
  readonly #setting: ExchangeSetting
  readonly #owner: ExchangeOwner
  readonly #forest: DigestForest
  readonly #upkeep: Upkeep
  readonly #sharing: Sharing
  readonly #responder: ExchangeResponder
  readonly #schedule: ExchangeSchedule
  /** Looks that are under way, and what happens then. */
  readonly #looks = new Map<number, Looked>()
  /** Peers whose question waits for a look: one each. */
  readonly #answering = new Set<number>()
  readonly #last = new Map<number, LastExchange>()
  #running: Running | undefined
  #sequence = 0
  #lookIds = 0
  #questionIds: number | undefined
  #servedAtMs = -Infinity
  #walkAtMs = -Infinity

  constructor(setting: ExchangeSetting, owner: ExchangeOwner) {
    const { index, membership, options, definitions } = owner
    const { random, usable, forest = (copiesOf) => new DigestForest(copiesOf) } = setting
    this.#setting = setting
    this.#owner = owner
    this.#forest = forest((keyspace) => definitions.get(keyspace)?.n)
    this.#upkeep = new Upkeep(this.#forest)
    this.#upkeep.begin([...definitions.keys()])
    this.#sharing = new Sharing(membership, index)
    const known = (): number => this.known()
    this.#responder = new ExchangeResponder({
      forest: this.#forest,
      sharing: this.#sharing,
      limits: EXCHANGE_LIMITS,
      known,
    })
    const peers = membership.members.map((_, peer) => peer).filter((peer) => peer !== index)
    this.#schedule = new ExchangeSchedule({ peers, periodMs: options.exchangeMs, random, usable })
  }

  get upkeep(): Upkeep {
    return this.#upkeep
  }

  /** The last exchange with each peer, by index. */
  get last(): ReadonlyMap<number, LastExchange> {
    return this.#last
  }

  /** The exchange that is under way. */
  get running(): { readonly peer: number; readonly progress: ExchangeProgress } | undefined {
    return this.#running && { peer: this.#running.peer, progress: this.#running.exchange.progress }
  }

  /** A client is being served: exchanges give way. */
  served(nowMs: number): void {
    this.#servedAtMs = nowMs
  }

  /** A definition took the place of another: the records of the other are compared no more. */
  redefined(): void {
    this.#running = undefined
    this.#upkeep.begin([...this.#owner.definitions.keys()])
  }

  /** Exchanges with every peer soon. Tells whom that is, and from which sequence number on the exchanges count. */
  demand(now: Now, step: Step): { readonly peers: readonly number[]; readonly from: number } {
    const { members } = this.#owner.membership
    const peers = members.map((_, peer) => peer).filter((peer) => this.#shares(peer))
    const from = this.#sequence + 1
    this.#schedule.demand(peers)
    this.tick(now, step)
    return { peers, from }
  }

  /** Exchanges with these as soon as they can be reached. */
  hasten(peers: readonly number[], nowMs: number): void {
    this.#schedule.hasten(peers, nowMs)
  }

  /** How many exchanges have begun. */
  get begun(): number {
    return this.#sequence
  }

  /** Nobody waits for what was demanded any more. */
  relax(): void {
    this.#schedule.relax()
  }

  /** A question from the replica with this index. */
  asked(question: Question, asker: { readonly from: Address; readonly peer: number }, now: Now, step: Step): void {
    const { from, peer } = asker
    const isTooOld = question.kind === 'trade' && this.#owner.clock.isTooOld(question.asOf, now)
    if (peer < 0 || peer === this.#owner.index || !this.#upkeep.complete || isTooOld) {
      step.send(from, { kind: 'declined', id: question.id })
      return
    }
    if (question.kind === 'compare' && question.known !== this.known()) this.teach(peer, step)
    // The question that a look is for comes again, or one after it that needs no answer to this one.
    if (this.#answering.has(peer)) return
    const plan = this.#responder.plan(question, peer)
    this.#merge(plan.merges, now, step)
    if (plan.kind === 'ready') {
      step.send(from, plan.answer)
      return
    }
    this.#answering.add(peer)
    this.#look(plan.look, step, (found, _, then) => {
      this.#answering.delete(peer)
      then.send(from, found === undefined ? { kind: 'declined', id: question.id } : plan.answerWith(found))
    })
  }

  /** An answer of a peer. Late, doubled and unknown ones change nothing. */
  answered(answer: ExchangeAnswer, peer: number, now: Now, step: Step): void {
    const running = this.#running
    if (running === undefined || running.peer !== peer) return
    if (answer.kind === 'compared' && answer.known !== this.known() && !running.taught) {
      running.taught = true
      this.teach(peer, step)
    }
    running.exchange.answered(answer, now.monoMs, running.out)
    this.#carryOut(running, now, step)
  }

  /** What the host found; `undefined` if its storage failed. */
  looked({ id }: LookEffect, found: Found | undefined, now: Now, step: Step): void {
    const looked = this.#looks.get(id)
    this.#looks.delete(id)
    looked?.(found, now, step)
  }

  /** A page of the walk; `undefined` if it could not be read. */
  paged({ id }: Scan, page: Parameters<Upkeep['paged']>[1] | undefined, now: Now, step: Step): void {
    if (page === undefined) {
      this.#upkeep.unpaged(id)
      this.#walkAtMs = now.monoMs + WALK_AGAIN_MS
    } else {
      this.#upkeep.paged(id, page)
    }
    this.tick(now, step)
  }

  tick(now: Now, step: Step): void {
    const nowMs = now.monoMs
    this.#owner.standing.tick(now, step)
    if (!this.#upkeep.complete) this.#walkOn(nowMs, step)
    const running = this.#running
    if (running !== undefined) {
      if (!this.#setting.usable(running.peer, nowMs)) this.#end(running, 'unreachable', now, step)
      else if (nowMs >= running.wakeAtMs) {
        running.exchange.tick(nowMs, running.out)
        this.#carryOut(running, now, step)
      }
    }
    this.#beginNext(now, step)
    step.wakeAt = Math.min(step.wakeAt, this.#running?.wakeAtMs ?? this.#schedule.wakeAfter(nowMs))
  }

  #walkOn(nowMs: number, step: Step): void {
    if (nowMs < this.#walkAtMs) {
      step.wakeAt = Math.min(step.wakeAt, this.#walkAtMs)
      return
    }
    const page = this.#upkeep.nextPage()
    if (page === undefined) return
    step.scans.push({ to: WALK, request: { kind: 'scan', round: 0, prefix: '', limit: WALK_RECORDS, ...page } })
  }

  #beginNext(now: Now, step: Step): void {
    const nowMs = now.monoMs
    while (this.#running === undefined && this.#upkeep.complete) {
      const peer = this.#schedule.next(nowMs, (other) => this.#shares(other))
      if (peer === undefined) return
      const running = this.#exchangeWith(peer, this.#schedule.began(peer), nowMs)
      this.#running = running
      if (!this.#setting.usable(peer, nowMs)) {
        this.#end(running, 'unreachable', now, step)
        continue
      }
      running.exchange.begin(nowMs, running.out)
      this.#carryOut(running, now, step)
    }
  }

  #exchangeWith(peer: number, demanded: boolean, beganAtMs: number): Running {
    const exchange = new Exchange({
      forest: this.#forest,
      sharing: this.#sharing,
      peer,
      limits: EXCHANGE_LIMITS,
      nextId: () => this.#nextQuestion(),
      known: () => this.known(),
      timeoutMs: TIMEOUT_HEARTBEATS * this.#owner.options.heartbeatMs,
      attemptsMax: ATTEMPTS_MAX,
      asOf: (sinceMs, nowMs) => this.#setting.asOf(peer, sinceMs, nowMs),
      ageMsMax: this.#owner.clock.ageMsMax,
      pace: (sizeBytes, nowMs) => (nowMs - this.#servedAtMs < BUSY_MS ? nowMs + sizeBytes / BYTES_PER_MS : nowMs),
    })
    const at = { peer, sequence: ++this.#sequence, beganAtMs, wakeAtMs: Infinity }
    return { exchange, ...at, out: new ExchangeStep(), taught: false, demanded, lacks: false }
  }

  /** Two runs of a process ask under other numbers, so that other digests are salted alike. */
  #nextQuestion(): number {
    this.#questionIds ??= this.#setting.random.below(2 ** 30) * 2 ** 20
    return ++this.#questionIds
  }

  /** Takes everything out of the exchange's step. */
  #carryOut(running: Running, now: Now, step: Step): void {
    const { out, peer } = running
    const { question, look, merges, outcome } = out
    running.wakeAtMs = out.wakeAt
    out.clear()
    running.lacks ||= !this.#merge(merges, now, step)
    if (question !== undefined) step.send(peer, question)
    if (look !== undefined) {
      this.#look(look, step, (found, at, then) => {
        if (this.#running !== running) return
        if (found === undefined) this.#end(running, 'failed', at, then)
        else {
          running.exchange.looked(found, at.monoMs, out)
          this.#carryOut(running, at, then)
        }
      })
    }
    if (outcome !== undefined) this.#end(running, outcome, now, step)
    step.wakeAt = Math.min(step.wakeAt, running.wakeAtMs)
  }

  #end(
    { exchange, peer, sequence, beganAtMs, demanded, lacks }: Running,
    outcome: ExchangeSummary['outcome'],
    now: Now,
    step: Step,
  ): void {
    this.#running = undefined
    const { rounds, sentBytes, receivedBytes, differing, offered, received } = exchange.progress
    const summary = { outcome, rounds, bytes: sentBytes + receivedBytes, differing, offered, received }
    this.#last.set(peer, { ...summary, sequence, endedAtMs: now.monoMs })
    this.#schedule.ended(peer, { declined: outcome === 'declined', nowMs: now.monoMs })
    this.#owner.standing.exchanged({ peer, sequence, beganAtMs, isDone: outcome === 'done' && !lacks })
    // Of two replicas that are equal there is nothing to tell, unless somebody asked.
    if (demanded || outcome !== 'done' || differing > 0) {
      step.notices.push({ kind: 'exchange', replica: this.#owner.membership.members[peer]?.id ?? '', ...summary })
    }
    // Another may be due: the next tick sees to it.
    step.wakeAt = Math.min(step.wakeAt, now.monoMs)
  }

  #look(look: Look, step: Step, looked: Looked): void {
    const id = ++this.#lookIds
    const keyspaces = [...this.#owner.definitions]
      .filter(([, { n }]) => n === look.copies)
      .map(([keyspace]) => keyspace)
    this.#looks.set(id, looked)
    step.looks.push({ id, look, keyspaces })
  }

  /** One record for each key: what the step writes is visible only after it. False if a register was refused. */
  #merge(writes: readonly RecordWrite[], now: Now, step: Step): boolean {
    const seen = new Set<string>()
    let isTaken = true
    for (const write of writes) {
      const name = `${write.keyspace}/${write.key}`
      if (seen.has(name)) continue
      seen.add(name)
      if (!this.#owner.merge(write, now, step)) isTaken = false
    }
    return isTaken
  }

  /** Whether anything is on both replicas. One that knows of no keyspace has to ask everybody. */
  #shares(peer: number): boolean {
    if (this.#owner.definitions.size === 0) return peer !== this.#owner.index
    const copies = new Set([...this.#owner.definitions.values()].map(({ n }) => n))
    return [...copies].some((n) => this.#sharing.partitions(n, { peer }).length > 0)
  }

  /** A peer that knows other keyspaces may miss some. What it has registered otherwise it keeps. */
  teach(peer: number, step: Step): void {
    for (const definition of this.#owner.definitions.values()) {
      if (!this.#owner.isConfirmed(definition)) continue
      step.send(peer, { kind: 'open', id: 0, round: 0, name: definition.name, definition, confirmed: true })
    }
  }

  /** What is confirmed here, as a sum. */
  known(): number {
    let sum = 0
    for (const [fingerprint, definition] of this.#owner.definitions) {
      if (this.#owner.isConfirmed(definition)) sum = addDigests(sum, fingerprint)
    }
    return sum
  }
}
