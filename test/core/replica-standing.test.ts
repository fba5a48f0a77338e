/** What replicas remember of each other's lives, and what one does that is told of a life of its own. */
import { UNWRITTEN } from '../../src/core/consensus/register-state.ts'
import { describe, expect, test } from 'vitest'
import { Random } from '../../src/core/base/random.ts'
import { FLOOR_GAP } from '../../src/core/consensus/recall.ts'
import type { KeyspaceDefinition } from '../../src/core/keyspace-definition.ts'
import { definitionFingerprint } from '../../src/core/keyspace-definition.ts'
import { lifeWrite, readSelf, selfWrite, type LifeMark, type SelfMark } from '../../src/core/life-mark.ts'
import type { Ballot } from '../../src/core/base/ballot.ts'
import { NO_BIRTHS } from '../../src/core/births.ts'
import type { AcceptorTold, Acquainted, Announce, LocalMessage } from '../../src/core/message.ts'
import type { Notice } from '../../src/core/notice.ts'
import { resolveCore } from '../../src/core/options.ts'
import { membershipOf } from '../../src/core/placement/membership.ts'
import type { RecordChange, RecordWrite, StoredRecord } from '../../src/core/record.ts'
import { OWN_KEYSPACE, Replica } from '../../src/core/replica.ts'
import type { ReplicaStanding } from '../../src/core/replica-standing.ts'
import { Step, type Now } from '../../src/core/step.ts'

const LIFE = { incarnation: 11, run: 7 }
const CARTS: KeyspaceDefinition = { name: 'carts', mode: 'ap', n: 3, read: '2', write: '2', conflicts: 'siblings' }
const ID = definitionFingerprint(CARTS)
const RECALLS = { voted: 0, recalls: true, hadAnother: false }
const ACCEPTOR: AcceptorTold = {
  abstains: [],
  kept: 0,
  births: [],
  lives: [],
  bound: 0,
  revision: 0,
  forgottenAt: 0,
}
const NONE: LifeMark = { incarnation: 0, run: 0, mark: 0 }
const OPEN = { kind: 'open', id: 1, round: 0, name: 'carts', definition: CARTS } as const

/** Replica a of three, at work on these records of its own. */
class Bench {
  readonly replica: Replica
  readonly sent: LocalMessage[] = []
  readonly notices: Notice[] = []
  readonly records = new Map<string, StoredRecord>()
  #nowMs = 1_000

  constructor(own: readonly RecordWrite[] = []) {
    for (const write of own) this.store(write)
    this.replica = new Replica({
      index: 0,
      life: LIFE,
      membership: membershipOf(['a', 'b', 'c'].map((id) => ({ id, zone: '' }))),
      records: { read: (keyspace, key) => this.records.get(`${keyspace} ${key}`) },
      own,
      options: resolveCore({ heartbeatMs: 100, timeoutMs: 1_000 }),
      exchange: { random: new Random(1), usable: () => true, asOf: () => 0 },
    })
    this.tick()
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** As it announced it last. */
  get birth(): number {
    return this.sent.findLast((message): message is Announce => message.kind === 'announce')?.birth ?? 0
  }

  /** What a witness tells. */
  keeping(told: Partial<AcceptorTold> = {}): Pick<Acquainted, 'acceptor'> {
    return { acceptor: { ...ACCEPTOR, kept: this.birth, ...told } }
  }

  get standing(): ReplicaStanding {
    return this.replica.standing as ReplicaStanding
  }

  get self(): SelfMark | undefined {
    const record = this.records.get(`${OWN_KEYSPACE} /self`)
    return record && readSelf({ keyspace: OWN_KEYSPACE, key: '/self', record })
  }

  /** Its own records, for another run over them. */
  get own(): RecordWrite[] {
    const prefix = `${OWN_KEYSPACE} `
    const own = [...this.records].filter(([place]) => place.startsWith(prefix))
    return own.map(([place, record]) => ({ keyspace: OWN_KEYSPACE, key: place.slice(prefix.length), record }))
  }

  store({ keyspace, key, record }: RecordChange): void {
    if (record === undefined) this.records.delete(`${keyspace} ${key}`)
    else this.records.set(`${keyspace} ${key}`, record)
  }

  act(run: (now: Now, step: Step) => void): readonly LocalMessage[] {
    const step = new Step()
    run({ monoMs: this.#nowMs, wallMs: 1_000_000 }, step)
    for (const write of step.writes) this.store(write)
    this.sent.push(...step.messages)
    this.notices.push(...step.notices)
    return [...step.messages]
  }

  tick(ms = 0): void {
    this.#nowMs += ms
    this.act((now, step) => this.replica.exchange?.tick(now, step))
  }

  /** Peer 1 or 2 answers the last question that it was asked. */
  told(peer: number, before: LifeMark, answer: Partial<Acquainted> = {}): void {
    const asked = this.sent.filter((message): message is Announce => message.kind === 'announce')
    const id = Math.max(...asked.map((message) => message.id)) - (2 - peer)
    const about = {
      incarnation: 100 + peer,
      whole: true,
      remembers: true,
      known: 0,
      to: LIFE.incarnation,
      ...RECALLS,
      acceptor: ACCEPTOR,
      ...answer,
    }
    this.act((now, step) => this.standing.answered({ kind: 'acquainted', id, before, ...about }, peer, now, step))
  }

  refusal(kind: 'read' | 'write' | 'mint'): string | undefined {
    const on = { id: Math.floor(this.#nowMs), round: 0, keyspace: ID, key: 'k' }
    const record: StoredRecord = { kind: 'dotted', context: { vector: [], cloud: [] }, siblings: [], replaced: [] }
    const mint = { ...LIFE, op: 1, at: 1, context: { vector: [], cloud: [] }, value: null, again: false }
    const [answer] = this.act((now, step) => {
      if (kind === 'read') this.replica.receive({ kind, ...on, digest: true }, 1_000, now, step)
      else if (kind === 'write')
        this.replica.receive(
          { kind, ...on, record, asOf: this.replica.clock.at(now), repairs: false },
          1_000,
          now,
          step,
        )
      else this.replica.receive({ kind, ...on, ...mint }, 1_000, now, step)
    })
    // A new replica does not answer at all: it is asked again.
    if (answer === undefined) return 'catching-up'
    return answer.kind === 'refused' ? answer.code : undefined
  }

  open(confirmed: boolean): void {
    this.act((now, step) => this.replica.receive({ ...OPEN, confirmed }, 1_000, now, step))
  }
}

/** Data of a replica that caught up after it had lost some. */
function lostOnce(): RecordWrite {
  const self = { mark: 4, hasMet: true, isRecovering: false, isFirst: false, past: [5] }
  return selfWrite(OWN_KEYSPACE, self)
}

function dataOf(mark: number): RecordWrite {
  return selfWrite(OWN_KEYSPACE, { mark, hasMet: true, isRecovering: false, isFirst: true, past: [] })
}

describe('a replica without data', () => {
  test('takes writes at once, and reads once others know of no earlier life', () => {
    const bench = new Bench()
    bench.open(false)
    expect([bench.refusal('write'), bench.refusal('mint'), bench.refusal('read')]).toEqual([
      undefined,
      undefined,
      'catching-up',
    ])
    bench.told(1, NONE)
    expect(bench.refusal('read')).toBeUndefined()
    expect(bench.standing.of(CARTS)).toBe('serving')
  })

  test('that had data once: goes on above its mark, and takes no part in reads', () => {
    const bench = new Bench()
    bench.told(1, { incarnation: 5, run: 1, mark: 40 })
    expect(bench.self).toMatchObject({ mark: 41, isRecovering: true, past: [5] })
    bench.open(true)
    expect([bench.refusal('write'), bench.refusal('read')]).toEqual([undefined, 'catching-up'])
    bench.told(2, NONE)
    bench.tick(5_000)
    expect(bench.standing.of(CARTS)).toBe('catching-up')
  })

  test('that served before it was told: stops to, whatever the mark', () => {
    const bench = new Bench()
    bench.told(1, NONE)
    bench.open(false)
    expect(bench.standing.of(CARTS)).toBe('serving')
    for (let beat = 0; beat < 20; beat++) {
      bench.refusal('write')
      bench.refusal('mint')
      bench.tick(100)
    }
    bench.told(2, { incarnation: 5, run: 1, mark: 1 })
    expect(bench.standing.of(CARTS)).toBe('catching-up')
    expect(bench.notices).toContainEqual(expect.objectContaining({ kind: 'standing', standing: 'catching-up' }))
  })
})

describe('an acceptor', () => {
  const accounts: KeyspaceDefinition = { ...CARTS, name: 'accounts', mode: 'cp', conflicts: 'registers' }
  const open = { ...OPEN, name: 'accounts', definition: accounts }
  const keyspace = definitionFingerprint(accounts)
  const ballot = { counter: 1, proposer: 9, step: 0 }

  function openTo(bench: Bench, confirmed: boolean): Bench {
    bench.act((now, step) => bench.replica.receive({ ...open, confirmed }, 1_000, now, step))
    return bench
  }

  /** What it says to each request about registers, and to a scan. */
  function answers(bench: Bench, births = NO_BIRTHS, at: Ballot = ballot): string[] {
    const on = { id: 1, round: 0, keyspace, key: 'k', births }
    const state = UNWRITTEN
    const requests = [
      { kind: 'prepare', ...on, ballot: at },
      { kind: 'accept', ...on, ballot: at, state },
      { kind: 'inquire', ...on, digest: false },
      { kind: 'scan', ...on, prefix: '', after: '', limit: 1 },
    ] as const
    return requests.map((request) => {
      let walks = false
      const [answer] = bench.act((now, step) => {
        bench.replica.receive(request, 1_000, now, step)
        walks = step.scans.length > 0
      })
      // A new replica does not answer at all: it is asked again.
      if (answer === undefined) return walks ? 'walks' : 'catching-up'
      return answer.kind === 'refused' ? answer.code : answer.kind
    })
  }

  const NO = ['catching-up', 'catching-up', 'catching-up', 'catching-up']
  const YES = ['promised', 'accepted', 'told', 'walks']

  test('votes once each of the others has told that it knew of no earlier life, and after restarts at once', () => {
    const bench = openTo(new Bench(), false)
    expect(answers(bench)).toEqual(NO)
    bench.told(1, NONE)
    expect(bench.standing.of(accounts)).toBe('serving')
    expect(answers(bench)).toEqual(NO)
    bench.told(2, NONE)
    expect(answers(bench)).toEqual(YES)
    expect(bench.self).toMatchObject({ isFirst: true, past: [] })

    const restarted = openTo(new Bench([...bench.own]), true)
    expect(answers(restarted)).toEqual(NO)
    restarted.told(1, { ...LIFE, mark: 1 })
    expect(answers(restarted)).toEqual(YES)
  })

  /** Both others answer, are exchanged with, and answer again. */
  function exchangeWithBoth(bench: Bench, answer: Partial<Acquainted>): void {
    bench.tick(100)
    for (const peer of [1, 2]) bench.told(peer, NONE, answer)
    bench.tick(3_000)
    const exchange = { sequence: (bench.replica.exchange?.begun ?? 0) + 1, beganAtMs: bench.nowMs, isDone: true }
    for (const peer of [1, 2]) bench.standing.exchanged({ peer, ...exchange })
    bench.tick(100)
    for (const peer of [1, 2]) bench.told(peer, NONE, answer)
  }

  test('that has had an earlier life votes once the others have kept its birth and handed over all, and over a restart', () => {
    const bench = openTo(new Bench([lostOnce()]), false)
    exchangeWithBoth(bench, bench.keeping({ kept: bench.birth - 1 }))
    expect(bench.standing.of(accounts)).toBe('serving')
    expect(answers(bench)).toEqual(NO)
    exchangeWithBoth(bench, bench.keeping({ abstains: [keyspace] }))
    expect(answers(bench)).toEqual(NO)
    exchangeWithBoth(bench, bench.keeping({ bound: 40, lives: [1, 101, 3, 9, 0, 2, 102, 4, 8, 1] }))
    const { birth } = bench
    expect([...bench.records.keys()].filter((key) => key.includes('/life/'))).toEqual(['0 /life/b', '0 /life/c'])
    expect(answers(bench)).toEqual(['outdated', 'outdated', 'outdated', 'walks'])
    expect(answers(bench, [0, birth])).toEqual(['preempted', 'preempted', 'told', 'walks'])
    expect(answers(bench, [0, birth], { ...ballot, counter: 42 })).toEqual(YES)

    const restarted = openTo(new Bench([...bench.own]), true)
    restarted.told(1, { ...LIFE, mark: 1 })
    expect(answers(restarted, [0, birth])).toEqual(['preempted', 'preempted', 'told', 'walks'])
  })

  test('that has had an earlier life: what it has witnessed stands when another keyspace comes', () => {
    const bench = openTo(new Bench([lostOnce()]), false)
    exchangeWithBoth(bench, bench.keeping())
    const { birth } = bench
    const later = { ...open, name: 'later', definition: { ...accounts, name: 'later' } }
    bench.act((now, step) => bench.replica.receive({ ...later, confirmed: true }, 1_000, now, step))
    expect(answers(bench, [0, birth], { ...ballot, counter: 42 })).toEqual(YES)
    expect(bench.standing.mayVote(later.definition)).toBe(false)
    exchangeWithBoth(bench, { known: bench.replica.exchange?.known() ?? 0, ...bench.keeping() })
    expect(bench.standing.mayVote(later.definition)).toBe(true)
  })

  test('that voted before it was told of an earlier life stops to', () => {
    const bench = openTo(new Bench(), false)
    bench.told(1, NONE)
    bench.told(2, NONE)
    expect(answers(bench)).toEqual(YES)
    bench.tick(1_000)
    bench.told(2, { incarnation: 5, run: 1, mark: 1 })
    expect(answers(bench)).toEqual(NO)
  })
})

describe('a replica that starts over data', () => {
  test('takes no request before somebody with a memory has answered', () => {
    const bench = new Bench([dataOf(4)])
    bench.open(false)
    expect(['read', 'write', 'mint'].map((kind) => bench.refusal(kind as 'read'))).toEqual(
      Array.from({ length: 3 }, () => 'catching-up'),
    )
    bench.told(1, NONE, { remembers: false, whole: false })
    expect(bench.refusal('write')).toBe('catching-up')
    bench.told(2, { ...LIFE, run: 6, mark: 4 })
    expect(bench.refusal('write')).toBeUndefined()
    expect(bench.self?.mark).toBe(5)
  })

  test.for([
    { name: 'a higher mark', life: { ...LIFE, run: 6, mark: 9 } },
    { name: 'the same mark of another process', life: { ...LIFE, run: 6, mark: 5 } },
    { name: 'other data that came later', life: { incarnation: 12, run: 6, mark: 5 } },
  ])('and is told of $name: its data is an older copy, and it takes nothing more', ({ life }) => {
    const bench = new Bench([dataOf(4)])
    bench.told(1, life)
    expect(bench.notices.map(({ kind }) => kind)).toContain('older-copy')
    bench.told(2, NONE)
    expect(bench.refusal('write')).toBe('catching-up')
    expect(bench.standing.isWhole).toBe(false)
  })

  test('late, doubled and made-up answers change nothing', () => {
    const bench = new Bench([dataOf(4)])
    const { standing } = bench
    const about = {
      incarnation: 101,
      whole: true,
      remembers: true,
      known: 0,
      to: LIFE.incarnation,
      ...RECALLS,
      acceptor: ACCEPTOR,
    }
    const old = { ...LIFE, run: 6, mark: 90 }
    bench.told(1, NONE)
    for (const id of [0, 1, 99]) {
      bench.act((now, step) => standing.answered({ kind: 'acquainted', id, before: old, ...about }, 1, now, step))
    }
    bench.act((now, step) => standing.answered({ kind: 'acquainted', id: 1, before: old, ...about }, 7, now, step))
    expect(bench.refusal('write')).not.toBe('catching-up')
  })
})

describe('what it remembers of others', () => {
  function ask(bench: Bench, life: LifeMark): Acquainted {
    const announce = {
      kind: 'announce',
      id: 3,
      ...life,
      known: bench.replica.exchange?.known() ?? 0,
      birth: 0,
    } as const
    const [answer] = bench.act((_, step) => bench.standing.asked(announce, { from: 1_000, peer: 1 }, step))
    return answer as Acquainted
  }

  test('the highest mark, across restarts; nothing of whoever is no member', () => {
    const bench = new Bench([lifeWrite(OWN_KEYSPACE, 'b', { incarnation: 5, run: 1, mark: 8 })])
    expect(ask(bench, { incarnation: 5, run: 2, mark: 3 }).before.mark).toBe(8)
    expect(ask(bench, { incarnation: 6, run: 2, mark: 9 }).before.mark).toBe(8)
    expect(ask(bench, { incarnation: 6, run: 2, mark: 9 }).before).toMatchObject({ incarnation: 6, run: 2, mark: 9 })
    expect([...bench.records.keys()].filter((key) => key.includes('/life/'))).toEqual(['0 /life/b'])
    const stranger = { kind: 'announce', id: 1, incarnation: 1, run: 1, mark: 1, known: 0, birth: 0 } as const
    expect(bench.act((_, step) => bench.standing.asked(stranger, { from: 1_000, peer: -1 }, step))).toEqual([])
  })
})

describe('an elector without data', () => {
  const WAIT_MS = 60_000 * 1.01
  const where = { id: 1, round: 0, group: 'lock:x' }
  const vote = (bench: Bench, generation: number): LocalMessage | undefined => {
    const asked = { kind: 'vote', ...where, generation, proposer: 9, holder: 'p', leaseMs: 1_000 } as const
    return bench.act((now, step) => bench.replica.receive(asked, 1_000, now, step))[0]
  }
  const isRefused = (bench: Bench): boolean => {
    const renewal = {
      kind: 'renew',
      ...where,
      generation: 1,
      proposer: 9,
      holder: 'p',
      leaseMs: 1_000,
      acts: true,
    } as const
    const asked = [{ kind: 'pre-vote', ...where, proposer: 9 } as const, renewal]
    const answers = asked.flatMap((request) =>
      bench.act((now, step) => bench.replica.receive(request, 1_000, now, step)),
    )
    const codes = [...answers, vote(bench, 1)].map((answer) => answer?.kind === 'refused' && answer.code)
    expect(new Set(codes).size).toBe(1)
    return codes[0] === 'catching-up'
  }
  const EARLIER: LifeMark = { incarnation: 5, run: 1, mark: 40 }

  test('both others know of no other life: it votes at once, from then on over a restart as well', () => {
    const bench = new Bench()
    bench.told(1, NONE, { recalls: false, remembers: false })
    expect(isRefused(bench)).toBe(true)
    bench.told(2, NONE, { recalls: false, remembers: false })
    expect(vote(bench, 1)).toMatchObject({ granted: true, generation: 1 })
    const own = [...bench.records].map(([place, record]) => ({ keyspace: OWN_KEYSPACE, key: place.slice(2), record }))
    const again = new Bench(own)
    again.told(1, NONE)
    expect(vote(again, 2)).toMatchObject({ kind: 'ruled' })
  })

  test('one of them remembers a life: it refuses for the longest lease, asks again, and votes above what they tell', () => {
    const bench = new Bench()
    bench.told(1, NONE)
    bench.told(2, EARLIER)
    expect(isRefused(bench)).toBe(true)
    bench.tick(WAIT_MS - 1)
    bench.told(1, NONE, { voted: 3 })
    bench.told(2, NONE, { voted: 4 })
    expect(isRefused(bench)).toBe(true)
    bench.tick(1_000)
    bench.told(1, NONE, { voted: 3 })
    expect(isRefused(bench)).toBe(true)
    bench.told(2, NONE, { voted: 4 })
    expect(vote(bench, 4 + FLOOR_GAP)).toMatchObject({ granted: false, generation: 4 + FLOOR_GAP })
    expect(vote(bench, 5 + FLOOR_GAP)).toMatchObject({ granted: true })
  })

  test('meanwhile: it can be looked at, and tells others that it recalls nothing', () => {
    const bench = new Bench()
    bench.told(1, EARLIER)
    const [seen] = bench.act((now, step) => bench.replica.receive({ kind: 'look', ...where }, 1_000, now, step))
    expect(seen).toMatchObject({ kind: 'ruled', generation: 0, leftMs: 0 })
    const announce = { kind: 'announce', id: 1, incarnation: 6, run: 1, mark: 1, known: 0, birth: 0 } as const
    const [answer] = bench.act((_, step) => bench.standing.asked(announce, { from: 1_000, peer: 1 }, step))
    expect(answer).toMatchObject({ recalls: false, voted: 0, hadAnother: false })
  })

  test('another life of a member: is told again and again, also once the new one is known', () => {
    const bench = new Bench([lifeWrite(OWN_KEYSPACE, 'b', { incarnation: 5, run: 1, mark: 8 })])
    const told = (mark: number): unknown => {
      const announce = { kind: 'announce', id: mark, incarnation: 6, run: 1, mark, known: 0, birth: 0 } as const
      return bench.act((_, step) => bench.standing.asked(announce, { from: 1_000, peer: 1 }, step))[0]
    }
    expect(told(3)).toMatchObject({ hadAnother: true })
    expect(told(9)).toMatchObject({ hadAnother: true })
    expect(told(10)).toMatchObject({ hadAnother: true, before: { incarnation: 6 } })
    const own = [...bench.records].map(([place, record]) => ({ keyspace: OWN_KEYSPACE, key: place.slice(2), record }))
    const again = new Bench(own)
    const announce = { kind: 'announce', id: 1, incarnation: 6, run: 2, mark: 11, known: 0, birth: 0 } as const
    const [answer] = again.act((_, step) => again.standing.asked(announce, { from: 1_000, peer: 1 }, step))
    expect(answer).toMatchObject({ hadAnother: true })
  })
})
