/**
 * Messages to draw examples with: everything that machines may send, contexts and records in canonical form.
 */
import fc from 'fast-check'
import { EMPTY_CONTEXT, hasDot, withDot, type CausalContext } from '../../../src/core/causality/causal-context.ts'
import { REPLACED_MAX } from '../../../src/core/causality/dotted-record.ts'
import type { KeyspaceDefinition } from '../../../src/core/keyspace-definition.ts'
import type { Answer, Message, Request } from '../../../src/core/message.ts'
import type { DottedRecord, LwwRecord, Sibling, StoredRecord } from '../../../src/core/record.ts'
import { REFUSALS } from '../../../src/core/refusal.ts'

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
const bytes = fc.uint8Array({ maxLength: 40 })
const value = fc.option(bytes, { nil: null, freq: 4 })

const anyDots = fc.array(fc.record({ actor: positive, counter: fc.oneof(fc.integer({ min: 1, max: 5 }), positive) }), {
  maxLength: 6,
})
const anyContext: fc.Arbitrary<CausalContext> = anyDots.map((dots) => dots.reduce(withDot, EMPTY_CONTEXT))

const version = fc.record({ op: positive, at: whole, value })
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

/** As replicas keep them. */
export const anyKept: fc.Arbitrary<StoredRecord> = fc.oneof(
  lww,
  fc.tuple(dotted, replaced).map(([record, own]) => ({ ...record, replaced: own })),
)

/** As they travel. */
export const anyRecord: fc.Arbitrary<StoredRecord> = fc.oneof(lww, dotted)

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
const opt = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined })

export const anyRequest: fc.Arbitrary<Request> = fc.oneof(
  fc.record({ kind: kind('read'), ...head, keyspace: whole, key, digest: fc.boolean() }),
  fc.record({ kind: kind('write'), ...head, keyspace: whole, key, record: anyRecord }),
  fc.record({
    kind: kind('write'),
    ...head,
    keyspace: whole,
    key,
    record: anyRecord,
    owner: fc.integer({ min: 0, max: 30 }),
  }),
  fc.record({
    kind: kind('mint'),
    ...head,
    keyspace: whole,
    key,
    ...life,
    op: positive,
    at: whole,
    context: anyContext,
    value,
    again: fc.boolean(),
  }),
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
  fc.record({ kind: kind('ping'), sentAt: fc.double({ min: 0, max: 1e12, noNaN: true }) }),
)

export const anyAnswer: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({ kind: kind('read-answer'), ...head, digest: whole, record: opt(anyRecord) }),
  fc.record({ kind: kind('written'), ...head }),
  fc.record({ kind: kind('minted'), ...head, actor: whole, counter: whole, record: opt(anyRecord) }),
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
  fc.record({ kind: kind('pong'), sentAt: fc.double({ min: 0, max: 1e12, noNaN: true }), ...life }),
)

export const anyMessage: fc.Arbitrary<Message> = fc.oneof(anyRequest, anyAnswer)
