/**
 * Whether a replica may have forgotten writes: it asks the others what they remember of it, and catches up.
 *
 * Each replica announces its life to the others, who keep the highest mark durably. Until one of them has answered, a
 * replica that was started takes no requests. If it is told of an earlier incarnation, its data began anew; it then
 * takes writes and no part in reads until it has caught up (operation/catch-up.ts). If it is told of a mark above its own, its
 * data is an older copy: it stops for good, and its host sets the data aside. Unlike a lost disk this is seen only once
 * some other replica had a higher mark, which takes a heartbeat.
 *
 * An exchange counts when the peer was in the same life before it began and after it ended. It must have begun when no
 * write could be under way any more that an earlier life had acknowledged: after twice the time of a call.
 *
 * Registers ask for more than data. What an earlier life promised to proposers, and what it accepted alone, stands
 * nowhere else, so no exchange gives it back: a replica that has had an earlier life is an acceptor once others have
 * witnessed that (replica-rebirth.ts). Nor is one in its first life before each of the others has told that it knows of
 * no other. Each had noted this life durably by then, so a later life is told of it.
 * Part of the replica machine: it shares its step. Ring: machines.
 */
import { CatchUps } from './operation/catch-up.ts'
import { definitionFingerprint, type KeyspaceDefinition } from './keyspace-definition.ts'
import { NEW_SELF, readSelf, selfWrite, withPast, type LifeMark, type SelfMark } from './life-mark.ts'
import type { Acquainted, Announce } from './message.ts'
import type { Standing } from './notice.ts'
import { Acquaintance, those, WHOLE } from './operation/acquaintance.ts'
import { nameIn } from './placement/membership.ts'
import { count, firstPositions, majorityOf } from './quorum/quorum.ts'
import type { RecordWrite } from './record.ts'
import { Lives } from './replica-lives.ts'
import type { Ended, StandingConfig } from './replica-standing-config.ts'
import type { Address, Now, Step } from './step.ts'
import { Witnessing } from './replica-witnessing.ts'

/** How soon an unanswered announcement is made again at the start, and how often an answered one, in heartbeats. */
const START_MS = 20
const REFRESH_BEATS = 10
/** How long a replica counts as new, in heartbeats. */
const NEW_BEATS = 2
/** A write that an earlier life acknowledged ends within the time of a call, on whatever clock. */
const CALLS = 2

export class ReplicaStanding {
  readonly #config: StandingConfig
  readonly #peers: readonly Acquaintance[]
  /** What is remembered of the others. */
  readonly #lives: Lives
  readonly #catchUps: CatchUps
  readonly #witnessing: Witnessing
  #self: SelfMark = NEW_SELF
  /** Whether nobody had told anything before this run began. */
  #isFresh = true
  /** Whether there was no data when this run began. */
  #isEmpty = true
  #hasMet = false
  /** Whether somebody with a memory has answered. */
  #isOpen = false
  #isOlderCopy = false
  #isTouched = true
  #raiseAtMs = -Infinity
  #beganAtMs: number | undefined
  #isNew = true
  #lastId = 0
  /** Exchanges up to here do not count. */
  #floor = 0

  constructor(config: StandingConfig) {
    const { members } = config.membership
    this.#config = config
    this.#lives = new Lives(config)
    this.#peers = members.map(() => new Acquaintance())
    this.#catchUps = new CatchUps(config.membership, config.index)
    this.#witnessing = new Witnessing({ ...config, peers: this.#peers, catchUps: this.#catchUps })
  }

  /** Takes a record of the replica's own. False when it is about something else. */
  load(write: RecordWrite): boolean {
    const self = readSelf(write)
    if (self === undefined) return this.#lives.load(write)
    this.#self = self
    this.#isFresh = !self.hasMet
    this.#isEmpty = false
    return true
  }

  get #isAlone(): boolean {
    return this.#peers.length === 1
  }

  /** Why no request about records is taken; nothing when they are. Empty data cannot be an older copy. */
  get whyClosed(): string | undefined {
    if (this.#isOlderCopy) return 'its data is an older copy of what it has had'
    return this.#isOpen || this.#isEmpty || this.#isAlone
      ? undefined
      : 'no other replica has told it yet whether its data is an older copy'
  }

  /**
   * Whether it has only just begun. Those who ask are not refused then, but left without an answer: they ask again soon,
   * and by then it mostly knows how it stands.
   */
  get isNew(): boolean {
    return this.#isNew && !this.#isOlderCopy
  }

  /** Whether the first answers are still to come. */
  get #isWaiting(): boolean {
    return !this.#hasMet || this.whyClosed !== undefined
  }

  /** Whether everything that should be here is here. */
  get isWhole(): boolean {
    if (this.whyClosed !== undefined || this.#isBehind) return false
    return (
      !this.#isFresh || this.#config.keyspaces.all().length > 0 || this.#haveAll(({ answeredId }) => answeredId > 0)
    )
  }

  /** Whether it has had an earlier life, and is still to be witnessed. */
  get #isUnwitnessed(): boolean {
    return this.#self.past.length > 0 && !this.#witnessing.isDoneForAll
  }

  /** Whether it wants exchanges by itself. */
  get #lacks(): boolean {
    return this.#isBehind || this.#isUnwitnessed
  }

  get #isBehind(): boolean {
    return this.#self.isRecovering || this.#config.keyspaces.behind.length > 0
  }

  /** Of a keyspace that is registered here. */
  of(definition: KeyspaceDefinition): Standing {
    const isSafe = this.whyClosed === undefined && !this.#self.isRecovering
    return isSafe && !this.#config.keyspaces.isBehind(definition) ? 'serving' : 'catching-up'
  }

  /** Whether it is an acceptor of registers: whatever it has promised and accepted is surely here. */
  mayVote(definition: KeyspaceDefinition): boolean {
    const { isFirst, past } = this.#self
    if (this.of(definition) !== 'serving') return false
    if (past.length === 0) return isFirst || this.#isAlone
    return (definition.leader !== true || this.#config.votes.recalls) && this.#witnessing.isDone(definition)
  }

  /**
   * Whether writes may be missing of a keyspace that is new to this replica: until so many others know of no earlier
   * life of it that one of them would. A replica that has had one asks for the writes of what others have in use.
   */
  mayForget(definition: KeyspaceDefinition, confirmed: boolean): boolean {
    if (this.#self.past.length > 0) return confirmed || this.#self.isRecovering || definition.mode === 'cp'
    return !this.#isFirstLife(definition)
  }

  #isFirstLife(definition: KeyspaceDefinition): boolean {
    return (
      this.#self.past.length === 0 &&
      this.#catchUps.of(definition).isSure(those(this.#peers, (peer) => peer.knowsNoOther))
    )
  }

  /** There is a keyspace to catch up with: exchanges that began before know nothing of it. */
  behind(definition: KeyspaceDefinition, step: Step): void {
    this.#config.rebirth.unwitnessed(definitionFingerprint(definition), step)
    this.#startOver()
  }

  #startOver(): void {
    this.#floor = this.#config.exchanges()
    for (const peer of this.#peers) peer.forgetExchanges()
  }

  /** Records have changed: an older copy of the data is from before. */
  touched(): void {
    this.#isTouched = true
  }

  /** Another replica announces its life. */
  asked(announce: Announce, asker: { readonly from: Address; readonly peer: number }, step: Step): void {
    const { index, life, known, teach, votes, rebirth } = this.#config
    const { peer, from } = asker
    const remembered = this.#peers[peer]
    if (remembered === undefined || peer === index) return
    const { id, incarnation: to, run, mark } = announce
    const before = this.#lives.of(peer)
    const hadAnother = before.hadAnother === true || (before.mark > 0 && before.incarnation !== to)
    this.#lives.remember(peer, { incarnation: to, run, mark }, step)
    if (remembered.lacks(announce.known, known())) teach(peer, step)
    const { isWhole: whole } = this
    const about = { incarnation: life.incarnation, whole, remembers: whole || !this.#isFresh, known: known() }
    const recalls = votes.recalls && this.whyClosed === undefined
    const abstains = this.#witnessing.abstains((definition) => this.mayVote(definition))
    const { births } = rebirth
    const kept = rebirth.note(peer, announce, step)
    if (rebirth.births !== births) this.touched()
    const acceptor = rebirth.tell({ abstains, kept, lives: this.#lives.list({ ...life, mark: this.#self.mark }) })
    step.send(from, { kind: 'acquainted', id, to, before, ...about, hadAnother, recalls, voted: votes.voted, acceptor })
  }

  /** What another one remembers. Late and doubled answers change nothing. */
  answered(answer: Acquainted, index: number, now: Now, step: Step): void {
    const peer = this.#peers[index]
    const { incarnation } = this.#config.life
    if (peer === undefined || this.#isOlderCopy || answer.to !== incarnation || !peer.isNext(answer)) return
    this.#lives.learn(answer.acceptor.lives, step, index)
    if (!this.#compare(answer.before, index, step)) return
    peer.answered(answer, { incarnation, birth: this.#config.rebirth.birth, nowMs: now.monoMs })
    this.#isOpen ||= answer.remembers
    this.#hasMet = true
    const { hasMet, past } = this.#self
    const isFirst = this.#self.isFirst || (past.length === 0 && this.#haveAll((other) => other.knowsNoOther))
    if (!hasMet || isFirst !== this.#self.isFirst) this.#keep({ ...this.#self, hasMet: true, isFirst }, step)
    this.#config.votes.heard(index, { ...answer, hadAnother: answer.hadAnother || past.length > 0 }, step)
    if (this.#witnessing.answered(answer, index, step)) {
      this.#lives.learn(answer.acceptor.lives, step)
      this.touched()
      if (!this.#isUnwitnessed) this.#tellServing('it votes on registers again', step)
    }
    this.#catchUp(now, step)
  }

  /** What a peer remembers of this member, beside what this replica knows of itself. False ends everything. */
  #compare(before: LifeMark, index: number, step: Step): boolean {
    const { life } = this.#config
    const { mark, past } = this.#self
    if (before.mark === 0) return true
    if (before.incarnation === life.incarnation) {
      if (before.mark < mark || (before.mark === mark && before.run === life.run)) return true
      this.#isOld(
        before.mark === mark ? 'another process works on a copy of it' : 'it has had a later state',
        index,
        step,
      )
      return false
    }
    const isLater = before.mark >= mark
    const isNews = !past.includes(before.incarnation)
    if (isNews && isLater && !this.#isFresh) {
      this.#isOld('other data has taken its place since', index, step)
      return false
    }
    if (!isNews && !isLater) return true
    const above = isLater ? before.mark + 1 : mark
    this.#keep({ ...this.#self, mark: above, past: withPast(past, before.incarnation) }, step)
    this.#witnessing.begin(above, step)
    if (isNews) this.#lost(`${nameIn(this.#config.membership, index)} knows an earlier life of it`, step)
    return true
  }

  /** The data began anew: nothing that is registered can be trusted to be complete. */
  #lost(why: string, step: Step): void {
    this.#keep({ ...this.#self, isRecovering: true }, step)
    this.#config.keyspaces.setBehind(true, step)
    this.#startOver()
    step.notices.push({ kind: 'standing', standing: 'catching-up', why })
  }

  #isOld(what: string, index: number, step: Step): void {
    const { membership } = this.#config
    this.#isOlderCopy = true
    const replica = nameIn(membership, this.#config.index)
    const source = index < 0 ? 'a record shows' : `${nameIn(this.#config.membership, index)} remembers`
    step.notices.push({ kind: 'older-copy', replica, why: `${source} that ${what}` })
  }

  /** A record brought a write of this very incarnation that its own record of the key does not know. */
  found(key: string, step: Step): void {
    if (!this.#isOlderCopy) this.#isOld(`it has had a later state of ${JSON.stringify(key)}`, -1, step)
  }

  /** An exchange that this replica began is over. */
  exchanged({ peer, sequence, beganAtMs, isDone }: Ended): void {
    if (!isDone || !this.#lacks) return
    const counts = sequence > this.#floor && beganAtMs >= this.#countsAtMs
    this.#peers[peer]?.exchanged({ sequence, beganAtMs, counts, known: this.#config.known(), nextId: this.#lastId + 1 })
  }

  /** Exchanges that begin later count. */
  get #countsAtMs(): number {
    return (this.#beganAtMs ?? Infinity) + CALLS * this.#config.options.timeoutMs
  }

  tick(now: Now, step: Step): void {
    if (this.#isAlone || this.#isOlderCopy) return
    const nowMs = now.monoMs
    this.#beganAtMs ??= nowMs
    if (this.#self.past.length > 0 && this.#config.rebirth.birth === 0) this.#witnessing.begin(this.#self.mark, step)
    this.#isNew &&= nowMs < this.#beganAtMs + NEW_BEATS * this.#config.options.heartbeatMs
    if (this.#isTouched && nowMs >= this.#raiseAtMs) {
      this.#isTouched = false
      this.#raiseAtMs = nowMs + this.#config.options.heartbeatMs
      this.#keep({ ...this.#self, mark: this.#self.mark + 1 }, step)
    }
    for (let index = 0; index < this.#peers.length; index++) {
      const peer = this.#peers[index] as Acquaintance
      if (index === this.#config.index) continue
      const dueAtMs = peer.askedAtMs + this.#intervalMs(peer, nowMs)
      if (nowMs >= dueAtMs) this.#announce(index, peer, now, step)
      else if (this.#isWaiting || !this.#config.votes.recalls) step.wakeAt = Math.min(step.wakeAt, dueAtMs)
    }
    if (this.#isWaiting) step.wakeAt = Math.min(step.wakeAt, nowMs + this.#startMs(nowMs))
    this.#catchUp(now, step)
  }

  #startMs(nowMs: number): number {
    return Math.min(this.#config.options.heartbeatMs, START_MS + (nowMs - (this.#beganAtMs ?? nowMs)) / 8)
  }

  #intervalMs(peer: Acquaintance, nowMs: number): number {
    const { heartbeatMs } = this.#config.options
    const { recalls } = this.#config.votes
    if (this.#isWaiting || (!recalls && peer.answeredId === 0)) return this.#startMs(nowMs)
    if (peer.isPending) return heartbeatMs / 4
    if (peer.mark !== this.#self.mark || this.#lacks || !recalls) return heartbeatMs / 2
    return REFRESH_BEATS * heartbeatMs
  }

  #announce(index: number, peer: Acquaintance, now: Now, step: Step): void {
    const { life, known } = this.#config
    const { mark } = this.#self
    peer.ask(++this.#lastId, mark, now.monoMs)
    this.#config.votes.asks(this.#lastId, now.monoMs)
    const { incarnation, run } = life
    const { birth } = this.#config.rebirth
    step.send(index, { kind: 'announce', id: this.#lastId, incarnation, run, mark, known: known(), birth })
  }

  /** Exchanges with whom it takes, and is done when that is enough. */
  #catchUp(now: Now, step: Step): void {
    const isBehind = this.#isBehind
    if (this.whyClosed !== undefined || !this.#lacks) return
    if (this.#self.past.length === 0) return this.#trust(step)
    if (isBehind && this.#hasCaughtUp(now.monoMs)) return this.#caughtUp(step)
    const nowMs = now.monoMs
    const counts = nowMs >= this.#countsAtMs
    const wanted = this.#peers.flatMap((peer, index) => {
      if (index === this.#config.index || peer.isPending) return []
      if (!isBehind) return counts && this.#witnessing.wants(index) ? [index] : []
      return (counts ? peer.gaveAll : peer.sequence > this.#floor) ? [] : [index]
    })
    this.#config.hasten(wanted, nowMs)
    if (!counts) step.wakeAt = Math.min(step.wakeAt, this.#countsAtMs)
  }

  #hasCaughtUp(nowMs: number): boolean {
    const exchanged = {
      whole: those(this.#peers, ({ worth }) => worth === WHOLE),
      all: those(this.#peers, ({ worth }) => worth > 0),
    }
    if (this.#self.isRecovering && !this.#knowsKeyspaces(nowMs)) return false
    return this.#config.keyspaces.behind.every((definition) => this.#catchUps.of(definition).isOver(exchanged))
  }

  /** Whether no keyspace can be confirmed of which it has not heard: majorities meet, and this replica was in one. */
  #knowsKeyspaces(nowMs: number): boolean {
    const known = this.#config.known()
    const agreeing = those(this.#peers, (peer) => peer.isWhole && peer.known === known)
    if (count(agreeing) >= majorityOf(this.#peers.length)) return true
    return nowMs >= this.#countsAtMs && this.#haveAll(({ answeredId }) => answeredId > 0)
  }

  /** Of all others. */
  #haveAll(have: (peer: Acquaintance) => boolean): boolean {
    return (those(this.#peers, have) | (1 << this.#config.index)) === firstPositions(this.#peers.length)
  }

  /** Nothing was forgotten of keyspaces for which this is surely the first life. */
  #trust(step: Step): void {
    const { keyspaces } = this.#config
    keyspaces.setBehind(false, step, (definition) => this.#isFirstLife(definition))
    if (keyspaces.behind.length === 0) this.#tellServing('no other replica knows an earlier life of it', step)
  }

  #caughtUp(step: Step): void {
    this.#keep({ ...this.#self, isRecovering: false }, step)
    this.#config.keyspaces.setBehind(false, step)
    const rest = this.#isUnwitnessed ? '; it votes on registers once others witness that' : ''
    this.#tellServing(`it has caught up${rest}`, step)
  }

  #tellServing(why: string, step: Step): void {
    step.notices.push({ kind: 'standing', standing: 'serving', why })
  }

  #keep(self: SelfMark, step: Step): void {
    this.#self = self
    step.writes.push(selfWrite(this.#config.ownKeyspace, self))
  }
}
