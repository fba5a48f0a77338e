/**
 * Messages to draw examples with: everything that machines may send, contexts and records in canonical form.
 */
import type { Births } from '../../../src/core/births.ts'
import fc from 'fast-check'
import { EMPTY_CONTEXT, hasDot, withDot, type CausalContext } from '../../../src/core/causality/causal-context.ts'
import { REPLACED_MAX } from '../../../src/core/causality/dotted-record.ts'
import type { ElectionRequest, Ruled } from '../../../src/core/consensus/election-message.ts'
import { GENERATION_MAX } from '../../../src/core/consensus/group.ts'
import type { Submit, SubmitResult, Told, Wish } from '../../../src/core/consensus/submit-message.ts'
import type { KeyspaceDefinition } from '../../../src/core/keyspace-definition.ts'
import type { Acquainted, Announce, Answer, Message, Request } from '../../../src/core/message.ts'
import type { Ballot } from '../../../src/core/base/ballot.ts'
import type {
  DottedRecord,
  LwwRecord,
  RegisterRecord,
  RegisterState,
  Sibling,
  StoredRecord,
} from '../../../src/core/record.ts'
import { REFUSALS } from '../../../src/core/refusal.ts'
import type { PlaceRange } from '../../../src/core/repair/digest-tree.ts'
import type { ExchangeAnswer, Question, RangeList } from '../../../src/core/repair/exchange-message.ts'
import type { Agree, Agreed, Reap } from '../../../src/core/repair/reap-message.ts'

/** Whole numbers of every size. */
const whole = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER))
const positive = whole.map((number) => Math.max(1, number))
const round = fc.nat({ max: 255 })

/** Well-formed text, control characters and names of prototypes among it. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', '\u0000', '\ufffd', 'a\ufffdb', '\u{1f511}', 'ключ'),
)
const key = text.filter((value) => value !== '')
const opt = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined })
const bytes = fc.uint8Array({ maxLength: 40 })
const value = fc.option(bytes, { nil: null, freq: 4 })

const anyDots = fc.array(fc.record({ actor: positive, counter: fc.oneof(fc.integer({ min: 1, max: 5 }), positive) }), {
  maxLength: 6,
})
const anyContext: fc.Arbitrary<CausalContext> = anyDots.map((dots) => dots.reduce(withDot, EMPTY_CONTEXT))

/** Authors as machines write them; a replica's own records have none. */
const by = fc.option(fc.stringMatching(/^[!-~]{1,129}$/), { nil: undefined, freq: 3 })
const version = fc
  .record({ op: positive, at: whole, by, value, expires: opt(whole) })
  .map(({ expires, ...rest }) => ({ ...rest, expires: rest.value === null ? undefined : expires }))
const lww: fc.Arbitrary<LwwRecord> = version.map((of) => ({ kind: 'lww', ...of }))

/** `at, op, counter` of writes that a replica remembers. */
const replaced = fc
  .array(fc.tuple(whole, positive, positive), { maxLength: REPLACED_MAX })
  .map((writes) => writes.flat())

const dotted: fc.Arbitrary<DottedRecord> = fc
  .tuple(anyContext, fc.array(version, { maxLength: 4 }), anyDots)
  .map(([seen, versions, dots]) => {
    const context = dots.reduce(withDot, seen)
    const siblings: Sibling[] = []
    for (const [i, dot] of dots.entries()) {
      const of = versions[i]
      if (of !== undefined && !siblings.some((other) => sameDot(other, dot))) siblings.push({ ...dot, ...of })
    }
    siblings.sort((a, b) => a.actor - b.actor || a.counter - b.counter)
    if (!siblings.every((sibling) => hasDot(context, sibling))) throw new Error('a sibling without its dot')
    return { kind: 'dotted', context, siblings, replaced: [] }
  })

function sameDot(a: { actor: number; counter: number }, b: { actor: number; counter: number }): boolean {
  return a.actor === b.actor && a.counter === b.counter
}

const ballot: fc.Arbitrary<Ballot> = fc.record({
  counter: fc.nat({ max: 2 ** 50 }),
  proposer: whole,
  step: whole,
})

const births: fc.Arbitrary<Births> = fc
  .uniqueArray(fc.nat({ max: 30 }), { maxLength: 4 })
  .chain((members) =>
    fc.tuple(...members.toSorted((a, b) => a - b).map((member) => fc.tuple(fc.constant(member), positive))),
  )
  .map((pairs) => pairs.flat())

const token = fc.nat({ max: GENERATION_MAX })
const proposers = fc.array(fc.tuple(positive, whole), { maxLength: 16 }).map((all) => all.flat())

const state: fc.Arbitrary<RegisterState> = fc
  .record({ value, revision: fc.nat(), forgottenAt: whole, operations: replaced, proposers, token })
  .map((of) => ({
    ...of,
    operations: of.operations.map((number, i) => (i % 3 === 2 ? number % (of.revision + 1) : number)),
  }))

const register: fc.Arbitrary<RegisterRecord> = fc
  .record({ accepted: ballot, state })
  .map((of) => ({ kind: 'register', promised: of.accepted, ...of }))

/** As replicas keep them. */
export const anyKept: fc.Arbitrary<StoredRecord> = fc.oneof(
  lww,
  fc.tuple(dotted, replaced).map(([record, own]) => ({ ...record, replaced: own })),
  fc.tuple(register, ballot).map(([record, promised]) => ({ ...record, promised })),
)

/** As they travel. */
export const anyRecord: fc.Arbitrary<StoredRecord> = fc.oneof(lww, dotted, register)

const definition: fc.Arbitrary<KeyspaceDefinition> = fc.record({
  name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,8}$/),
  mode: fc.constant('ap'),
  n: fc.integer({ min: 2, max: 31 }),
  read: fc.constantFrom('1', '2', 'local-quorum', 'a and (b or c)'),
  write: fc.constantFrom('1', '2', 'each-quorum', 'dual of (majority of @eu)'),
  conflicts: fc.constantFrom('siblings', 'lww'),
})

function kind<K extends Message['kind']>(name: K): fc.Arbitrary<K> {
  return fc.constant(name)
}

const head = { id: whole, round }
const life = { incarnation: whole, run: whole }

/** Whole numbers of 8, 16 and 32 bits. */
const small = fc.nat({ max: 255 })
const count = fc.nat({ max: 2 ** 16 - 1 })
const position = fc.oneof(fc.constantFrom(0, 2 ** 32 - 1), fc.nat({ max: 2 ** 31 - 1 }))
const briefs = fc.array(position, { maxLength: 4 })
const nodes = fc
  .array(fc.tuple(position, fc.array(position, { minLength: 8, maxLength: 8 })), { maxLength: 3 })
  .map((all) => ({ nodes: all.map(([node]) => node), briefs: all.flatMap(([, of]) => of) }))
const range: fc.Arbitrary<PlaceRange> = fc.tuple(small, position, position).map(([partition, a, b]) => ({
  partition,
  from: Math.min(a, b),
  to: Math.max(a, b) + 1,
}))
const ranges = fc.array(range, { maxLength: 3 })
const list: fc.Arbitrary<RangeList> = fc
  .tuple(range, fc.array(fc.tuple(position, position), { maxLength: 3 }))
  .map(([of, entries]) => ({ ...of, entries: entries.flat() }))
const places = fc.array(fc.tuple(small, position), { maxLength: 4 }).map((all) => all.flat())
const records = fc.array(fc.record({ keyspace: whole, key, record: anyRecord }), { maxLength: 3 })

const anyQuestion: fc.Arbitrary<Question> = fc.oneof(
  fc.record({
    kind: kind('compare'),
    id: whole,
    known: whole,
    roots: fc.array(fc.record({ copies: small, sum: whole }), { maxLength: 3 }),
  }),
  fc.record({ kind: kind('descend'), id: whole, copies: small, nodes }).map(({ nodes: of, ...rest }) => ({
    ...rest,
    ...of,
  })),
  fc.record({ kind: kind('list'), id: whole, copies: small, ranges }),
  fc.record({
    kind: kind('trade'),
    id: whole,
    copies: small,
    offered: records,
    wanted: places,
    skip: position,
    asOf: whole,
  }),
)

const anyExchangeAnswer: fc.Arbitrary<ExchangeAnswer> = fc.oneof(
  fc.record({
    kind: kind('compared'),
    id: whole,
    known: whole,
    trees: fc.array(fc.record({ copies: small, briefs }), { maxLength: 3 }),
  }),
  fc
    .record({
      kind: kind('differing'),
      id: whole,
      nodes,
      lists: fc.array(list, { maxLength: 3 }),
      left: ranges,
      done: count,
    })
    .map(({ nodes: of, ...rest }) => ({ ...rest, ...of })),
  fc.record({ kind: kind('traded'), id: whole, records, done: count, skip: position }),
  fc.record({ kind: kind('declined'), id: whole }),
)

const sent = { asOf: whole, repairs: fc.boolean() }
const entries = fc.array(fc.record({ keyspace: whole, key, digest: whole }), { maxLength: 3 })
const mark = { ...life, mark: whole }

const generation = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: GENERATION_MAX }))
const span = fc.double({ min: 1, max: 1e9, noNaN: true })
const asked = { ...head, group: key, proposer: generation }
const candidacy = { ...asked, generation, holder: key, leaseMs: span }
const led = opt(fc.record({ id: key, generation }))

const anyElectionRequest: fc.Arbitrary<ElectionRequest> = fc.oneof(
  fc.record({ kind: kind('look'), ...head, group: key }),
  fc.record({ kind: kind('pre-vote'), ...asked }),
  fc.record({ kind: kind('vote'), ...candidacy }),
  fc.record({ kind: kind('renew'), ...candidacy, acts: fc.boolean() }),
  fc.record({ kind: kind('resign'), ...asked, generation }),
)

const anyRuling: fc.Arbitrary<Ruled> = fc.record({
  kind: kind('ruled'),
  ...head,
  granted: fc.boolean(),
  generation: fc.oneof(fc.constant(0), generation),
  led,
  leftMs: fc.oneof(fc.constant(0), span),
})

const anyWish: fc.Arbitrary<Wish> = fc.oneof(
  fc.record({ kind: fc.constant('look' as const), isFresh: fc.boolean() }),
  fc.record({ kind: fc.constant('set' as const), value, ifRevision: opt(whole), isUpdate: fc.boolean() }),
  fc.record({ kind: fc.constant('fence' as const) }),
)

const anySubmit: fc.Arbitrary<Submit> = fc.record({
  kind: kind('submit'),
  ...head,
  keyspace: whole,
  key,
  generation,
  serial: whole,
  op: whole,
  at: whole,
  isRetry: fc.boolean(),
  token,
  wish: anyWish,
})

const visible = fc.record({ value, revision: whole })
const anyTold: fc.Arbitrary<Told> = fc.oneof(
  fc.record({ kind: fc.constant('applied' as const), now: fc.record({ revision: whole }) }),
  fc.record({ kind: fc.constantFrom('looked' as const, 'condition-failed' as const), now: visible }),
  fc.record({ kind: fc.constant('repeated' as const), revision: whole }),
  fc.record({ kind: fc.constantFrom('fenced' as const, 'forgotten' as const) }),
  fc.record({ kind: fc.constant('outdated' as const), highest: whole }),
)

const anySubmitResult: fc.Arbitrary<SubmitResult> = fc.oneof(
  fc.record({ kind: fc.constant('told' as const), told: anyTold, by: fc.nat({ max: 2 ** 31 - 1 }) }),
  fc.record({
    kind: fc.constant('not-leader' as const),
    isOver: fc.boolean(),
    mayLand: fc.boolean(),
    leader: led,
  }),
  fc.record({ kind: fc.constant('unavailable' as const), mayLand: fc.boolean() }),
  fc.record({ kind: fc.constant('overloaded' as const) }),
)

export const anyRequest: fc.Arbitrary<Request | Submit | Question | Agree | Reap | Announce> = fc.oneof(
  { arbitrary: anySubmit, weight: 2 },
  { arbitrary: anyQuestion, weight: 4 },
  { arbitrary: anyElectionRequest, weight: 5 },
  fc.record({ kind: kind('announce'), id: whole, ...mark, known: whole, birth: whole }),
  fc.record({ kind: kind('prepare'), ...head, keyspace: whole, key, births, ballot }),
  fc.record({ kind: kind('accept'), ...head, keyspace: whole, key, births, ballot, state }),
  fc.record({ kind: kind('inquire'), ...head, keyspace: whole, key, births, digest: fc.boolean() }),
  fc.record({ kind: kind('read'), ...head, keyspace: whole, key, digest: fc.boolean() }),
  fc.record({ kind: kind('write'), ...head, ...sent, keyspace: whole, key, record: anyRecord }),
  fc.record({
    kind: kind('write'),
    ...head,
    ...sent,
    keyspace: whole,
    key,
    record: anyRecord,
    owner: fc.integer({ min: 0, max: 30 }),
  }),
  fc
    .record({
      kind: kind('mint'),
      ...head,
      keyspace: whole,
      key,
      ...life,
      op: positive,
      at: whole,
      by,
      context: anyContext,
      value,
      again: fc.boolean(),
      expires: opt(whole),
    })
    .map(({ expires, ...mint }) => ({ ...mint, expires: mint.value === null ? undefined : expires })),
  fc.record({
    kind: kind('scan'),
    ...head,
    keyspace: whole,
    prefix: text,
    after: text,
    limit: fc.integer({ min: 1, max: 64 }),
  }),
  fc.record({
    kind: kind('open'),
    ...head,
    name: fc.string({ maxLength: 8 }),
    definition: opt(definition),
    confirmed: fc.boolean(),
  }),
  fc.record({ kind: kind('agree'), id: whole, entries }),
  fc.record({ kind: kind('reap'), id: whole, entries }),
  fc.record({ kind: kind('ping'), sentAt: fc.double({ min: 0, max: 1e12, noNaN: true }) }),
)

export const anyAnswer: fc.Arbitrary<Answer | ExchangeAnswer | Agreed | Acquainted> = fc.oneof(
  { arbitrary: anyExchangeAnswer, weight: 4 },
  fc.record({
    kind: kind('acquainted'),
    id: whole,
    to: whole,
    before: fc.record(mark),
    incarnation: whole,
    whole: fc.boolean(),
    remembers: fc.boolean(),
    known: whole,
    voted: whole,
    recalls: fc.boolean(),
    hadAnother: fc.boolean(),
    acceptor: fc.record({
      abstains: fc.array(whole, { maxLength: 3 }),
      kept: whole,
      births: fc
        .array(fc.tuple(fc.nat({ max: 30 }), positive, whole), { maxLength: 3 })
        .map((members) => members.flat()),
      lives: fc.array(fc.tuple(whole, whole, whole, whole, whole), { maxLength: 3 }).map((members) => members.flat()),
      bound: fc.nat({ max: 2 ** 50 }),
      revision: whole,
      forgottenAt: whole,
    }),
  }),
  anyRuling,
  fc.record({ kind: kind('submitted'), ...head, result: anySubmitResult }),
  fc.record({ kind: kind('read-answer'), ...head, digest: whole, record: opt(anyRecord) }),
  fc.record({ kind: kind('written'), ...head }),
  fc.record({ kind: kind('promised'), ...head, accepted: ballot, state }),
  fc.record({ kind: kind('accepted'), ...head }),
  fc.record({ kind: kind('preempted'), ...head, promised: ballot }),
  fc.record({ kind: kind('outdated'), ...head, births }),
  fc.record({ kind: kind('told'), ...head, promised: ballot, accepted: ballot, state: opt(state) }),
  fc.record({ kind: kind('minted'), ...head, actor: whole, counter: whole, floor: whole, record: opt(anyRecord) }),
  fc.record({
    kind: kind('scan-page'),
    ...head,
    entries: fc.array(fc.record({ keyspace: whole, key, record: anyRecord }), { maxLength: 3 }),
    done: fc.boolean(),
  }),
  fc.record({ kind: kind('opened'), ...head, definition: opt(definition), confirmed: fc.boolean() }),
  fc.record({
    kind: kind('refused'),
    ...head,
    code: fc.constantFrom(...REFUSALS),
    detail: fc.string({ unit: 'binary', maxLength: 40 }),
  }),
  fc.record({ kind: kind('pong'), sentAt: fc.double({ min: 0, max: 1e12, noNaN: true }), clock: whole, ...life }),
  fc.record({ kind: kind('agreed'), id: whole, heldMs: fc.array(fc.integer({ min: -1 }), { maxLength: 3 }) }),
)

export const anyMessage: fc.Arbitrary<Message> = fc.oneof(anyRequest, anyAnswer)
