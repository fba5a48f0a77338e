/** The replica as a machine: what it stores and answers, in which order, and what it refuses. */
import { describe, expect, test } from 'vitest'
import { EMPTY_CONTEXT, type CausalContext } from '../../src/core/causality/causal-context.ts'
import { EMPTY_RECORD, mergeDotted, mint, REPLACED_MAX } from '../../src/core/causality/dotted-record.ts'
import { stampOf } from '../../src/core/causality/hybrid-time.ts'
import { digestOf } from '../../src/core/causality/merge.ts'
import { definitionFingerprint, definitionText, type KeyspaceDefinition } from '../../src/core/keyspace-definition.ts'
import { HINTS_KEYSPACE, parseHintKey } from '../../src/core/hint.ts'
import type { Errand, Life, LocalMessage, Mint, Request, Scan } from '../../src/core/message.ts'
import { resolveCore, type CoreOptions } from '../../src/core/options.ts'
import { membershipOf } from '../../src/core/placement/membership.ts'
import { Placement } from '../../src/core/placement/placement.ts'
import type { DottedRecord, LwwRecord, RecordChange, RecordWrite, StoredRecord } from '../../src/core/record.ts'
import { OWN_KEYSPACE, Replica } from '../../src/core/replica.ts'
import { Step } from '../../src/core/step.ts'

const NOW = { monoMs: 5_000, wallMs: Date.UTC(2026, 0, 1) }
const CLIENT = 1_024
const INCARNATION = 77
const LIFE: Life = { incarnation: INCARNATION, run: 1 }

const carts: KeyspaceDefinition = { name: 'carts', mode: 'ap', n: 3, read: '2', write: '2', conflicts: 'siblings' }
const seats: KeyspaceDefinition = { ...carts, name: 'seats', conflicts: 'lww' }
const CARTS = definitionFingerprint(carts)
const SEATS = definitionFingerprint(seats)

const MEMBERSHIP = membershipOf(['a', 'b', 'c'].map((id) => ({ id, zone: '' })))

class Bench {
  readonly stored = new Map<string, StoredRecord>()
  full = false
  replica: Replica

  constructor(options: CoreOptions = {}, own: readonly RecordWrite[] = []) {
    this.replica = new Replica({
      index: 0,
      life: LIFE,
      membership: MEMBERSHIP,
      records: this,
      own,
      options: resolveCore(options),
    })
  }

  /** The process ends, and another begins with the same records; or, with another incarnation, with none. */
  restart(life: Life): void {
    if (life.incarnation !== INCARNATION) this.stored.clear()
    this.replica = new Replica({
      index: 0,
      life,
      membership: MEMBERSHIP,
      records: this,
      own: [],
      options: resolveCore({}),
    })
    this.#register()
  }

  #register(): void {
    for (const definition of [carts, seats]) {
      this.ask({ kind: 'open', id: 1, round: 0, name: definition.name, definition, confirmed: true })
    }
  }

  read(keyspace: number, key: string): StoredRecord | undefined {
    return this.stored.get(`${keyspace} ${key}`)
  }

  /** Both keyspaces are registered. */
  static ready(options: CoreOptions = {}): Bench {
    const bench = new Bench(options)
    bench.#register()
    return bench
  }

  /** What the request brings about; the writes are taken in, as the host would. */
  ask(
    request: Request | Errand,
    from = CLIENT,
  ): { answers: readonly LocalMessage[]; writes: readonly RecordChange[]; step: Step } {
    const step = new Step()
    this.replica.receive(request, from, NOW, step)
    for (const { keyspace, key, record } of step.writes) {
      if (record === undefined) this.stored.delete(`${keyspace} ${key}`)
      else this.stored.set(`${keyspace} ${key}`, record)
    }
    if (step.to.some((to) => to !== from)) throw new Error('an answer went to somebody else')
    return { answers: step.messages, writes: step.writes, step }
  }
}

const head = { id: 9, round: 3 } as const
/** What a write says of the clock, as one does that was under way for no time. */
const SENT = { asOf: LIFE.run + NOW.monoMs, repairs: false } as const
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function sibling(op: number, context = EMPTY_CONTEXT, actor = 5): DottedRecord {
  return mint(EMPTY_RECORD, actor, { op, at: op, value: bytes(`v${op}`), context })
}

const latest = (at: number, op = 1): LwwRecord => ({ kind: 'lww', at, op, value: bytes(`v${op}`) })

describe('reading', () => {
  test.for([true, false])('a key that nobody wrote, digest %s: is absent', (digest) => {
    const { answers, writes } = Bench.ready().ask({ kind: 'read', ...head, keyspace: CARTS, key: 'k', digest })
    expect(answers).toEqual([{ kind: 'read-answer', ...head, digest: 0, record: undefined }])
    expect(writes).toEqual([])
  })

  test('a key: gives the record and its digest, or the digest alone', () => {
    const bench = Bench.ready()
    const record = sibling(1)
    bench.ask({ kind: 'write', ...head, ...SENT, keyspace: CARTS, key: 'k', record })
    const answer = { kind: 'read-answer', ...head, digest: digestOf(record) }
    const read = { kind: 'read', ...head, keyspace: CARTS, key: 'k' } as const
    expect(bench.ask({ ...read, digest: false }).answers).toEqual([{ ...answer, record }])
    expect(bench.ask({ ...read, digest: true }).answers).toEqual([{ ...answer, record: undefined }])
  })

  test('the digest of a last write, from a storage that can tell its stamp alone: is that of the record', () => {
    const bench = Object.assign(Bench.ready(), {
      readStamp: (_: number, key: string) => (key === 'k' ? stamp : undefined),
    })
    const stamp = latest(50)
    const read: Request = { kind: 'read', ...head, keyspace: SEATS, key: 'k', digest: true }
    const answer = { kind: 'read-answer', ...head, digest: digestOf(stamp), record: undefined }
    expect(bench.ask(read).answers).toEqual([answer])
    expect(bench.ask({ ...read, key: 'absent' }).answers).toEqual([{ ...answer, digest: 0 }])
  })
})

describe('writing', () => {
  test('siblings: are merged with what is here', () => {
    const bench = Bench.ready()
    const [one, other] = [sibling(1), sibling(2, EMPTY_CONTEXT, 6)]
    const write = { kind: 'write', ...head, ...SENT, keyspace: CARTS, key: 'k' } as const
    expect(bench.ask({ ...write, record: one }).writes).toEqual([{ keyspace: CARTS, key: 'k', record: one }])
    const both = bench.ask({ ...write, record: other })
    expect(both.writes).toEqual([{ keyspace: CARTS, key: 'k', record: mergeDotted(one, other) }])
    expect(both.answers).toEqual([{ kind: 'written', ...head }])
  })

  test('what is known already: is acknowledged and not stored again', () => {
    const bench = Bench.ready()
    const write = { kind: 'write', ...head, ...SENT, keyspace: CARTS, key: 'k' } as const
    const record = sibling(1)
    bench.ask({ ...write, record })
    const next = mint(record, 5, { op: 2, at: 2, value: null, context: record.context })
    bench.ask({ ...write, record: next })
    for (const again of [record, next]) {
      expect(bench.ask({ ...write, record: again })).toMatchObject({
        writes: [],
        answers: [{ kind: 'written', ...head }],
      })
    }
  })

  test('a record that takes a sibling away without a new dot: is stored', () => {
    const bench = Bench.ready()
    const write = { kind: 'write', ...head, ...SENT, keyspace: CARTS, key: 'k' } as const
    const one = sibling(1)
    const other = sibling(2, EMPTY_CONTEXT, 6)
    const both = mergeDotted(one, other)
    bench.ask({ ...write, record: both })
    const without: DottedRecord = { ...both, siblings: other.siblings }
    expect(bench.ask({ ...write, record: without }).writes).toMatchObject([{ record: { siblings: other.siblings } }])
  })

  test('lww: a newer record is stored, an older one is acknowledged and dropped', () => {
    const bench = Bench.ready()
    const write = { kind: 'write', ...head, ...SENT, keyspace: SEATS, key: 'k' } as const
    const now = stampOf(NOW.wallMs)
    const stored = (record: LwwRecord): readonly unknown[] => {
      const { answers, writes } = bench.ask({ ...write, record })
      expect(answers).toEqual([{ kind: 'written', ...head }])
      return writes.map((entry) => entry.record)
    }
    expect(stored(latest(now))).toEqual([latest(now)])
    expect(stored(latest(now))).toEqual([])
    expect(stored(latest(now - 1, 9))).toEqual([])
    expect(stored(latest(now, 2))).toEqual([latest(now, 2)])
    expect(stored(latest(now + 1))).toEqual([latest(now + 1)])
  })

  test.for([
    [10_000, 0, 'written'],
    [10_000, 1, 'refused'],
    [0, 0, 'written'],
    [0, 1, 'refused'],
  ] as const)('lww: with a drift bound of %d ms, %d steps beyond it are %s', ([driftMsMax, steps, kind]) => {
    const bench = Bench.ready({ driftMsMax })
    const record = latest(stampOf(NOW.wallMs + driftMsMax) + steps)
    const { answers, writes } = bench.ask({ kind: 'write', ...head, ...SENT, keyspace: SEATS, key: 'k', record })
    expect(answers).toMatchObject([{ ...head, kind, ...(kind === 'refused' && { code: 'clock-ahead' }) }])
    expect(writes).toHaveLength(kind === 'written' ? 1 : 0)
  })
})

describe('minting', () => {
  let ids = 100

  /** A mint with an id that no other has. */
  function mintOf(op: number, other: Partial<Mint> = {}): Mint {
    const question = { kind: 'mint', id: ++ids, round: 3, keyspace: CARTS, key: 'k', at: 4, again: false } as const
    return { ...question, ...LIFE, op, context: EMPTY_CONTEXT, value: null, ...other }
  }

  const seen = (counter: number): CausalContext => ({ vector: [INCARNATION, counter], cloud: [] })

  function refusedFor(code: string, request: Mint): object {
    return { answers: [{ kind: 'refused', id: request.id, round: 3, code }], writes: [] }
  }

  test('a write: gets the next dot of this incarnation, and is stored with it', () => {
    const bench = Bench.ready()
    const request = mintOf(1, { value: bytes('v') })
    const first = bench.ask(request)
    const dot = { actor: INCARNATION, counter: 1 }
    expect(first.answers).toEqual([{ kind: 'minted', id: request.id, round: 3, ...dot, floor: 0, record: undefined }])
    expect(first.writes).toMatchObject([
      { keyspace: CARTS, key: 'k', record: { siblings: [{ ...dot, op: 1, at: 4, value: bytes('v') }], replaced: [] } },
    ])
    const second = bench.ask(mintOf(2, { at: 5, context: seen(1) }))
    expect(second.answers).toMatchObject([{ actor: INCARNATION, counter: 2, record: undefined }])
    expect(second.writes).toMatchObject([{ record: { siblings: [{ op: 2, value: null }], replaced: [4, 1, 1] } }])
  })

  test('the same operation again: is answered with its dot and the record, and nothing is stored', () => {
    const bench = Bench.ready()
    const request = mintOf(1)
    bench.ask(request)
    bench.ask(mintOf(2))
    const record = bench.read(CARTS, 'k')
    for (const again of [request, mintOf(1, { again: true }), mintOf(1, { again: true, context: seen(2) })]) {
      const { answers, writes } = bench.ask(again)
      const dot = { actor: INCARNATION, counter: 1 }
      expect(answers).toEqual([{ kind: 'minted', id: again.id, round: 3, ...dot, floor: 0, record }])
      expect(writes).toEqual([])
    }
  })

  test('an operation that was overwritten: is answered with its dot and what overwrote it', () => {
    const bench = Bench.ready()
    const request = mintOf(1)
    bench.ask(request)
    bench.ask(mintOf(2, { at: 5, context: seen(1) }))
    const record = bench.read(CARTS, 'k')
    expect(record).toMatchObject({ siblings: [{ op: 2 }] })
    for (const again of [request, mintOf(1, { again: true })]) {
      const { answers, writes } = bench.ask(again)
      const dot = { actor: INCARNATION, counter: 1 }
      expect(answers).toEqual([{ kind: 'minted', id: again.id, round: 3, ...dot, floor: 0, record }])
      expect(writes).toEqual([])
    }
  })

  test('an operation that a write from elsewhere has overwritten: is known as well', () => {
    const bench = Bench.ready()
    bench.ask(mintOf(1))
    bench.ask({ kind: 'write', ...head, ...SENT, keyspace: CARTS, key: 'k', record: sibling(2, seen(1)) })
    expect(bench.read(CARTS, 'k')).toMatchObject({ siblings: [{ op: 2, actor: 5 }], replaced: [4, 1, 1] })
    expect(bench.ask(mintOf(1, { again: true }))).toMatchObject({
      answers: [{ kind: 'minted', actor: INCARNATION, counter: 1, record: { siblings: [{ op: 2 }] } }],
      writes: [],
    })
  })

  test('what a record from elsewhere remembers: is not taken in', () => {
    const bench = Bench.ready()
    const record = { ...sibling(2), replaced: [4, 1, 9] }
    bench.ask({ kind: 'write', ...head, ...SENT, keyspace: CARTS, key: 'k', record })
    expect(bench.read(CARTS, 'k')).toMatchObject({ replaced: [] })
    expect(bench.ask(mintOf(1)).answers).toMatchObject([{ kind: 'minted', counter: 1, record: undefined }])
  })

  describe('a mint that was meant for another life', () => {
    test.for([
      ['another run', { run: 2 }, 'it has started again'],
      ['another incarnation', { incarnation: 78 }, 'it has lost its data since'],
      ['another of both', { incarnation: 78, run: 2 }, 'it has lost its data since'],
    ] as const)('%s: is refused', ([, life, detail]) => {
      const bench = Bench.ready()
      const request = mintOf(1, life)
      const { answers, writes } = bench.ask(request)
      expect(answers).toEqual([{ kind: 'refused', id: request.id, round: 3, code: 'other-life', detail }])
      expect(writes).toEqual([])
    })

    test('is refused though the operation is known here', () => {
      const bench = Bench.ready()
      bench.ask(mintOf(1))
      const request = mintOf(1, { run: 2, again: true })
      expect(bench.ask(request)).toMatchObject(refusedFor('other-life', request))
    })

    test('started again: the old run is refused, and the new one knows what the old one minted', () => {
      const bench = Bench.ready()
      const request = mintOf(1)
      bench.ask(request)
      bench.ask(mintOf(2, { at: 5, context: seen(1) }))
      bench.restart({ ...LIFE, run: 2 })
      expect(bench.ask(request)).toMatchObject(refusedFor('other-life', request))
      expect(bench.ask(mintOf(1, { run: 2, again: true })).answers).toMatchObject([{ kind: 'minted', counter: 1 }])
      expect(bench.ask(mintOf(3, { run: 2 })).answers).toMatchObject([{ kind: 'minted', counter: 3 }])
    })

    test('without its data: what was for the old data is refused, and new dots are of another actor', () => {
      const bench = Bench.ready()
      const request = mintOf(1)
      bench.ask(request)
      const life = { incarnation: 78, run: 2 }
      bench.restart(life)
      expect(bench.ask(request)).toMatchObject(refusedFor('other-life', request))
      expect(bench.ask(mintOf(2, life)).answers).toMatchObject([{ kind: 'minted', actor: 78, counter: 1 }])
    })
  })

  describe('a request that was refused once', () => {
    test.for([
      [
        'a full disk',
        (bench: Bench): void => void (bench.full = true),
        (bench: Bench): void => void (bench.full = false),
        'storage-full',
      ],
      [
        'too many siblings',
        (bench: Bench): void => void [11, 12].map((op) => bench.ask(mintOf(op))),
        (bench: Bench): void => void bench.ask(mintOf(13, { context: seen(2) })),
        'too-many-siblings',
      ],
    ] as const)('for %s: is not taken later, when it could be; another request is', ([, make, mend, code]) => {
      const bench = Bench.ready({ siblingsMax: 2 })
      make(bench)
      const request = mintOf(1)
      expect(bench.ask(request)).toMatchObject(refusedFor(code, request))
      mend(bench)
      expect(bench.ask(request)).toMatchObject(refusedFor('too-late', request))
      expect(bench.ask(mintOf(1, { again: true }))).toMatchObject({ answers: [{ kind: 'minted' }], writes: [{}] })
    })

    test('for another sender, the same number is another request', () => {
      const bench = Bench.ready()
      bench.full = true
      const request = mintOf(1)
      bench.ask(request)
      bench.full = false
      const step = new Step()
      bench.replica.receive(request, CLIENT + 1, NOW, step)
      expect(step.messages).toMatchObject([{ kind: 'minted' }])
    })
  })

  test('at the bound of siblings: only a write that replaces one is taken', () => {
    const bench = Bench.ready({ siblingsMax: 2 })
    bench.ask(mintOf(1))
    bench.ask(mintOf(2))
    const elsewhere = { vector: [5, 1], cloud: [] }
    for (const request of [mintOf(3), mintOf(3, { context: elsewhere })]) {
      const detail: unknown = expect.stringMatching(/^2 siblings of siblingsMax 2; read the key/)
      expect(bench.ask(request)).toMatchObject({
        answers: [{ kind: 'refused', id: request.id, code: 'too-many-siblings', detail }],
        writes: [],
      })
    }
    expect(bench.ask(mintOf(3, { context: seen(1) })).answers).toMatchObject([{ kind: 'minted', counter: 3 }])
  })

  test('a context of writes that the key never had: is refused, before it can carry counters out of the whole numbers', () => {
    const bench = Bench.ready()
    bench.ask(mintOf(1))
    const top = Number.MAX_SAFE_INTEGER
    for (const context of [
      { vector: [5, top], cloud: [] },
      { vector: [], cloud: [INCARNATION, top] },
      { vector: [5, 2 ** 40 + 1], cloud: [] },
    ]) {
      const request = mintOf(2, { context })
      expect(bench.ask(request)).toMatchObject({
        answers: [{ kind: 'refused', id: request.id, code: 'bad-context' }],
        writes: [],
      })
    }
    expect(bench.ask(mintOf(2, { context: { vector: [5, 2 ** 40], cloud: [] } })).answers).toMatchObject([
      { kind: 'minted' },
    ])
    expect(bench.ask(mintOf(3, { context: { vector: [5, 2 ** 41], cloud: [] } })).answers).toMatchObject([
      { kind: 'minted' },
    ])
  })

  describe('when the record has seen as many of its own writes overwritten as it remembers', () => {
    function forgetful(): Bench {
      const bench = Bench.ready()
      for (let n = 0; n <= REPLACED_MAX; n++) bench.ask(mintOf(100 + n, { at: 100 + n, context: seen(n) }))
      return bench
    }

    test.for([99, 100])('a retry of time %d, not newer than they are: is refused, for nobody can tell', (at) => {
      const retry = mintOf(1, { at, again: true })
      expect(forgetful().ask(retry)).toMatchObject(refusedFor('too-late', retry))
    })

    test('a retry of one of them: is known', () => {
      const bench = forgetful()
      for (let n = 0; n <= REPLACED_MAX; n++) {
        const { answers, writes } = bench.ask(mintOf(100 + n, { at: 100 + n, again: true }))
        expect(answers).toMatchObject([{ kind: 'minted', actor: INCARNATION, counter: n + 1 }])
        expect(writes).toEqual([])
      }
    })

    test('a retry newer than the oldest of them, and a first attempt of any age: are taken', () => {
      for (const request of [mintOf(1, { at: 101, again: true }), mintOf(1, { at: 3 })]) {
        expect(forgetful().ask(request)).toMatchObject({
          answers: [{ kind: 'minted', actor: INCARNATION, counter: REPLACED_MAX + 2 }],
          writes: [{ key: 'k' }],
        })
      }
    })

    test('one less: a retry of any age is taken', () => {
      const bench = Bench.ready()
      for (let n = 0; n < REPLACED_MAX; n++) bench.ask(mintOf(100 + n, { at: 100 + n, context: seen(n) }))
      expect(bench.ask(mintOf(1, { at: 3, again: true })).answers).toMatchObject([{ kind: 'minted' }])
    })
  })

  test('a copy of a request, after its write was overwritten and forgotten: mints nothing', () => {
    const bench = Bench.ready()
    const copied = mintOf(1)
    bench.ask(copied)
    for (let n = 0; n <= REPLACED_MAX + 1; n++) bench.ask(mintOf(100 + n, { at: 100 + n, context: seen(n + 1) }))
    expect(bench.ask(copied)).toMatchObject(refusedFor('too-late', copied))
    bench.replica.forget(CLIENT)
    expect(bench.ask(copied).answers).toMatchObject([{ kind: 'minted', counter: REPLACED_MAX + 4 }])
  })
})

describe('refusing', () => {
  const dotted: Request = { kind: 'write', ...head, ...SENT, keyspace: CARTS, key: 'k', record: sibling(1) }
  const lww: Request = { kind: 'write', ...head, ...SENT, keyspace: SEATS, key: 'k', record: latest(1) }
  const mintCarts: Request = {
    kind: 'mint',
    ...head,
    ...LIFE,
    keyspace: CARTS,
    key: 'k',
    op: 1,
    at: 1,
    context: EMPTY_CONTEXT,
    value: null,
    again: false,
  }
  const read: Request = { kind: 'read', ...head, keyspace: CARTS, key: 'k', digest: false }
  const scan: Request = { kind: 'scan', ...head, keyspace: CARTS, prefix: '', after: '', limit: 9 }

  test.for([dotted, lww, mintCarts, read, scan])(
    '$kind to a keyspace that is not registered: is refused',
    (request) => {
      const { answers, writes, step } = new Bench().ask(request)
      expect(answers).toEqual([{ kind: 'refused', ...head, code: 'unknown-keyspace', detail: '' }])
      expect([...writes, ...step.scans]).toEqual([])
    },
  )

  test.for([
    ['siblings to a keyspace of lww', { ...dotted, keyspace: SEATS }, 'the keyspace keeps lww'],
    ['lww to a keyspace of siblings', { ...lww, keyspace: CARTS }, 'the keyspace keeps siblings'],
    ['a mint in a keyspace of lww', { ...mintCarts, keyspace: SEATS }, 'the keyspace keeps lww'],
  ] as const)('%s: is of the wrong kind', ([, request, detail]) => {
    expect(Bench.ready().ask(request as Request)).toMatchObject({
      answers: [{ kind: 'refused', ...head, code: 'wrong-kind', detail }],
      writes: [],
    })
  })

  test('a full disk: writes and mints are refused, reads and scans are not', () => {
    const bench = Bench.ready()
    bench.full = true
    for (const request of [dotted, lww, mintCarts]) {
      expect(bench.ask(request)).toMatchObject({ answers: [{ kind: 'refused', code: 'storage-full' }], writes: [] })
    }
    expect(bench.ask(read).answers).toMatchObject([{ kind: 'read-answer' }])
    expect(bench.ask(scan).step.scans).toHaveLength(1)
  })
})

describe('scanning', () => {
  test('a request: asks the host for the page, and the page becomes the answer', () => {
    const bench = Bench.ready()
    const request = { kind: 'scan', ...head, keyspace: CARTS, prefix: 'a', after: 'ab', limit: 2 } as const
    const { answers, step } = bench.ask(request)
    expect(answers).toEqual([])
    expect(step.scans).toEqual([{ to: CLIENT, request }])
    const entries = [{ keyspace: CARTS, key: 'ac', record: sibling(1) }]
    const later = new Step()
    bench.replica.scanned({ request, to: CLIENT }, { entries, done: true }, NOW, later)
    expect([later.to, later.messages]).toEqual([[CLIENT], [{ kind: 'scan-page', ...head, entries, done: true }]])
  })
})

describe('opening', () => {
  const open = (definition: KeyspaceDefinition | undefined, confirmed = false): Request => ({
    kind: 'open',
    ...head,
    name: 'carts',
    definition,
    confirmed,
  })
  const other: KeyspaceDefinition = { ...carts, n: 2 }

  test('the first definition: is stored in the own keyspace, told to observers, and answered', () => {
    const { answers, writes, step } = new Bench().ask(open(carts))
    const record = { kind: 'lww', op: 1, at: 0, value: bytes(definitionText(carts)) }
    expect(writes).toEqual([{ keyspace: OWN_KEYSPACE, key: 'carts', record }])
    expect(answers).toEqual([{ kind: 'opened', ...head, definition: carts, confirmed: false }])
    expect(step.notices).toEqual([{ kind: 'keyspace', name: 'carts', confirmed: false }])
  })

  // What is registered, what is offered, and what is registered then.
  test.for([
    ['nothing', [], open(undefined), undefined, false, 0],
    ['the same again', [open(carts)], open(carts), carts, false, 0],
    ['another', [open(carts)], open(other), carts, false, 0],
    ['the same, confirmed', [open(carts)], open(carts, true), carts, true, 1],
    ['another, confirmed', [open(carts)], open(other, true), other, true, 1],
    ['another, where one is confirmed', [open(carts, true)], open(other), carts, true, 0],
    ['another confirmed one', [open(carts, true)], open(other, true), carts, true, 0],
    ['only a question', [open(carts)], open(undefined, true), carts, false, 0],
    ['a definition of another name', [], open(seats), undefined, false, 0],
  ] as const)('%s', ([, before, request, definition, confirmed, writes]) => {
    const bench = new Bench()
    for (const earlier of before) bench.ask(earlier)
    const asked = bench.ask(request)
    expect(asked.answers).toEqual([{ kind: 'opened', ...head, definition, confirmed }])
    expect(asked.writes).toHaveLength(writes)
    expect(bench.replica.keyspaces()).toEqual(definition === undefined ? [] : [{ definition, confirmed }])
  })

  test('a definition that gave way: its keyspace is no longer known', () => {
    const bench = new Bench()
    const read = (definition: KeyspaceDefinition): LocalMessage | undefined =>
      bench.ask({ kind: 'read', ...head, keyspace: definitionFingerprint(definition), key: 'k', digest: true })
        .answers[0]
    bench.ask(open(carts))
    expect(read(carts)).toMatchObject({ kind: 'read-answer' })
    bench.ask(open(other, true))
    expect(read(carts)).toMatchObject({ code: 'unknown-keyspace' })
    expect(read(other)).toMatchObject({ kind: 'read-answer' })
  })

  test('as many keyspaces as are allowed: another is refused, what is there can be asked for and confirmed', () => {
    const bench = new Bench({ keyspacesMax: 1 })
    bench.ask(open(carts))
    const another: Request = { kind: 'open', ...head, name: 'seats', definition: seats, confirmed: true }
    const { answers, writes } = bench.ask(another)
    expect(answers).toMatchObject([{ kind: 'refused', ...head, code: 'too-many-keyspaces' }])
    expect(writes).toEqual([])
    const asked = bench.ask({ ...another, definition: undefined })
    expect(asked.answers).toMatchObject([{ kind: 'opened', definition: undefined }])
    expect(bench.ask(open(carts, true)).answers).toMatchObject([{ kind: 'opened', definition: carts, confirmed: true }])
  })

  test('a start: takes up what was registered, and passes over what is none', () => {
    const bench = new Bench()
    bench.ask(open(carts, true))
    bench.ask({ kind: 'open', ...head, name: 'seats', definition: seats, confirmed: false })
    const own: RecordWrite[] = ['carts', 'seats'].map((key) => ({
      keyspace: OWN_KEYSPACE,
      key,
      record: bench.read(OWN_KEYSPACE, key) as StoredRecord,
    }))
    const strange: RecordWrite[] = [
      { keyspace: OWN_KEYSPACE, key: 'x', record: { kind: 'lww', op: 1, at: 1, value: null } },
      { keyspace: OWN_KEYSPACE, key: 'y', record: { kind: 'lww', op: 1, at: 1, value: bytes('["no definition"]') } },
      { keyspace: OWN_KEYSPACE, key: 'z', record: sibling(1) },
    ]
    const { replica } = new Bench({}, [...strange, ...own])
    expect(replica.keyspaces()).toEqual([
      { definition: carts, confirmed: true },
      { definition: seats, confirmed: false },
    ])
  })
})

test('ping: comes back with the time that it brought, and says which life of the replica answers', () => {
  expect(new Bench().ask({ kind: 'ping', sentAt: 12.5 }).answers).toEqual([
    { kind: 'pong', sentAt: 12.5, clock: LIFE.run + NOW.monoMs, ...LIFE },
  ])
})

describe('hints', () => {
  const HERE = 0
  const loose: KeyspaceDefinition = { ...seats, name: 'loose', n: 1, read: '1', write: '1', sloppy: true }
  const LOOSE = definitionFingerprint(loose)
  const stamp = stampOf(NOW.wallMs)
  const hint = (key: string, owner: number, size = 100, at = stamp): Request => {
    const record: LwwRecord = { kind: 'lww', op: 1, at, value: new Uint8Array(size) }
    return { kind: 'write', ...head, ...SENT, keyspace: LOOSE, key, record, owner }
  }
  const drop = (key: string, owner: number, digest: number | undefined): Errand => {
    return { kind: 'drop-hint', ...head, owner, keyspace: LOOSE, key, digest }
  }
  const owners = (bench: Bench): unknown => bench.ask({ kind: 'hints', ...head }, HERE).answers[0]
  /** Two keys of b alone, for which this replica is no home. */
  const placement = new Placement(MEMBERSHIP, 1)
  const keysOfB = Array.from({ length: 200 }, (_, i) => `k${i}`).filter(
    (key) => placement.listOf(key).replicas[0] === 1,
  )
  const [one = '', two = ''] = keysOfB

  function loosely(options: CoreOptions = {}): Bench {
    const bench = Bench.ready(options)
    bench.ask({ kind: 'open', ...head, name: loose.name, definition: loose, confirmed: true })
    return bench
  }

  test('a hint: the record and a marker in one step, and the owner is known from then on', () => {
    const bench = loosely()
    const { answers, writes } = bench.ask(hint(one, 1))
    expect(answers).toEqual([{ kind: 'written', ...head }])
    expect(writes.map(({ keyspace }) => keyspace)).toEqual([OWN_KEYSPACE, HINTS_KEYSPACE, LOOSE])
    expect(parseHintKey(writes[1]?.key ?? '')).toEqual({ keyspace: LOOSE, key: one })
    expect(owners(bench)).toEqual({ kind: 'hinted', ...head, owners: 0b010 })
  })

  test('dropped: only with the digest of what is there, and then nothing is left', () => {
    const bench = loosely()
    bench.ask(hint(one, 1))
    const digest = digestOf(bench.read(LOOSE, one))
    expect(bench.ask(drop(one, 1, digest + 1), HERE).writes).toEqual([])
    bench.ask(drop(one, 1, digest), HERE)
    expect(bench.read(LOOSE, one)).toBeUndefined()
    expect(owners(bench)).toMatchObject({ owners: 0 })
    expect([...bench.stored.keys()].filter((key) => key.includes('/'))).toEqual([])
    expect(bench.ask(drop(one, 1, undefined), HERE).writes).toEqual([])
  })

  test('dropped for one of two owners: the record stays for the other', () => {
    const bench = loosely()
    bench.ask(hint(one, 1))
    bench.ask(hint(one, 2))
    bench.ask(drop(one, 1, undefined), HERE)
    expect(bench.read(LOOSE, one)).toBeDefined()
    expect(owners(bench)).toMatchObject({ owners: 0b100 })
    bench.ask(drop(one, 2, undefined), HERE)
    expect(bench.read(LOOSE, one)).toBeUndefined()
  })

  test('dropped where the record is at home: it stays', () => {
    const bench = loosely()
    const own =
      Array.from({ length: 200 }, (_, i) => `k${i}`).find((key) => placement.listOf(key).replicas[0] === 0) ?? ''
    bench.ask(hint(own, 1))
    bench.ask(drop(own, 1, undefined), HERE)
    expect(bench.read(LOOSE, own)).toBeDefined()
  })

  test('dropped where the record names a dot of this replica: it stays, so that no dot is given twice', () => {
    const bench = Bench.ready()
    const dotted: KeyspaceDefinition = { ...loose, name: 'dotted', conflicts: 'siblings' }
    const keyspace = definitionFingerprint(dotted)
    bench.ask({ kind: 'open', ...head, name: 'dotted', definition: dotted, confirmed: true })
    const keep = (record: DottedRecord): void => {
      bench.ask({ kind: 'write', ...head, ...SENT, keyspace, key: one, record, owner: 1 })
      bench.ask({ kind: 'drop-hint', ...head, owner: 1, keyspace, key: one, digest: undefined }, HERE)
    }
    keep(mint(EMPTY_RECORD, 5, { op: 1, at: stamp, value: null, context: EMPTY_CONTEXT }))
    expect(bench.read(keyspace, one)).toBeUndefined()
    keep(mint(EMPTY_RECORD, INCARNATION, { op: 2, at: stamp, value: null, context: EMPTY_CONTEXT }))
    expect(bench.read(keyspace, one)).toBeDefined()
  })

  test.for([
    ['for this replica itself', hint(one, HERE), 'bad-owner'],
    ['for a replica that is none', hint(one, 3), 'bad-owner'],
    ['in a keyspace without stand-ins', { ...hint(one, 1), keyspace: SEATS } as Request, 'bad-owner'],
    ['in an unknown keyspace', { ...hint(one, 1), keyspace: 5 } as Request, 'unknown-keyspace'],
    ['that is too old', hint(one, 1, 1, stampOf(NOW.wallMs - 4 * 3_600_000)), 'hint-too-old'],
  ] as const)('a hint %s: is refused, and nothing is stored', ([, request, code]) => {
    const { answers, writes } = loosely().ask(request)
    expect(answers).toMatchObject([{ kind: 'refused', code }])
    expect(writes).toEqual([])
  })

  test('a flood: is bounded for each owner, and a new process knows how much there is', () => {
    const bench = loosely({ hintBytesMax: 1_000 })
    const kept = keysOfB.map((key) => bench.ask(hint(key, 1)).answers[0]?.kind).filter((kind) => kind === 'written')
    expect(kept.length).toBeGreaterThan(2)
    expect(kept.length).toBeLessThan(10)
    expect(bench.ask(hint(one, 1, 100, stamp + 1)).answers).toMatchObject([{ kind: 'written' }])
    expect(bench.ask(hint(two, 2)).answers).toMatchObject([{ kind: 'written' }])
    const own = [...bench.stored].flatMap(([place, record]) =>
      place.startsWith('0 ') ? [{ keyspace: OWN_KEYSPACE, key: place.slice(2), record }] : [],
    )
    const next = new Bench({ hintBytesMax: 1_000 }, own)
    expect(next.ask(hint('another', 1)).answers).toMatchObject([{ kind: 'refused', code: 'hints-full' }])
    expect(owners(next)).toMatchObject({ owners: 0b110 })
  })

  test('a walk: is for the coordinator of this process alone; one that finds nothing puts the sum right', () => {
    const bench = loosely()
    bench.ask(hint(one, 1))
    const walk: Scan = { kind: 'scan', ...head, keyspace: HINTS_KEYSPACE, prefix: 'b/', after: '', limit: 9 }
    expect(bench.ask(walk).answers).toMatchObject([{ kind: 'refused', code: 'unknown-keyspace' }])
    expect(bench.ask(walk, HERE).step.scans).toHaveLength(1)
    bench.ask(hint(two, 1))
    const step = new Step()
    bench.replica.scanned({ to: HERE, request: walk }, { entries: [], done: true }, NOW, step)
    expect(owners(bench)).toMatchObject({ owners: 0b010 })
    bench.ask(walk, HERE)
    bench.replica.scanned({ to: HERE, request: walk }, { entries: [], done: true }, NOW, step)
    expect(owners(bench)).toMatchObject({ owners: 0 })
  })
})
