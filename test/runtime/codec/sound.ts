/**
 * What the core relies on in a message, checked the slow way: whoever wrote the bytes, what comes out of the codec has
 * all of it.
 */
import { contextFromPairs, hasDot, type CausalContext } from '../../../src/core/causality/causal-context.ts'
import { isExchangeAnswer, isQuestion, isReaping, type Message } from '../../../src/core/message.ts'
import { BALLOT_COUNTER_MAX, NO_BALLOT, type Ballot } from '../../../src/core/base/ballot.ts'
import { PROPOSERS_MAX, REMEMBERED_MAX, UNWRITTEN } from '../../../src/core/consensus/register-state.ts'
import type { RegisterRecord, StoredRecord } from '../../../src/core/record.ts'
import { REFUSALS } from '../../../src/core/refusal.ts'
import type { MessageLimits } from '../../../src/runtime/codec/message-codec.ts'

/** The first thing that is wrong with a message; `undefined` when nothing is. */
export function flawOf(message: Message, limits: MessageLimits): string | undefined {
  const flaws: string[] = []
  const expect = (holds: boolean, flaw: string): void => void (holds || flaws.push(flaw))
  const whole = (number: number, what: string): void =>
    expect(Number.isSafeInteger(number) && number >= 0, `${what} is ${number}`)
  const fits = (text: string, what: string): void => {
    expect(Buffer.byteLength(text) <= limits.keyBytesMax, `${what} is too long`)
    expect(Buffer.from(text).toString() === text, `${what} is not well-formed`)
  }
  const value = (of: Uint8Array | null): void =>
    expect(of === null || of.length <= limits.valueBytesMax, 'a value is too long')
  const record = (of: StoredRecord | undefined): void => {
    if (of !== undefined) flaws.push(...flawsOfRecord(of, limits))
  }
  if (message.kind === 'ping' || message.kind === 'pong') {
    expect(Number.isFinite(message.sentAt), `sentAt is ${message.sentAt}`)
    if (message.kind === 'pong') for (const number of [message.incarnation, message.run]) whole(number, 'the life')
    return flaws[0]
  }
  whole(message.id, 'the id')
  if (isQuestion(message) || isExchangeAnswer(message) || isReaping(message) || message.kind === 'agreed') {
    const numbers = JSON.stringify(message, (name, of: unknown) =>
      name === 'record' || name === 'key' || name === 'kind' ? undefined : of,
    ).match(/-?\d[^,\]}]*/g)
    for (const number of numbers ?? [])
      whole(message.kind === 'agreed' ? Math.max(0, Number(number)) : Number(number), 'a number')
    const records = message.kind === 'trade' ? message.offered : message.kind === 'traded' ? message.records : []
    for (const entry of records) {
      fits(entry.key, 'a key')
      expect(entry.key !== '', 'a key is empty')
      record(entry.record)
    }
    return flaws[0]
  }
  if (message.kind === 'announce' || message.kind === 'acquainted') {
    const { incarnation, run, mark } = message.kind === 'announce' ? message : message.before
    for (const number of [message.id, incarnation, run, mark, message.known]) whole(number, 'a number of a life')
    if (message.kind === 'acquainted') {
      whole(message.incarnation, 'the incarnation')
      whole(message.voted, 'the generation')
    }
    return flaws[0]
  }
  expect(Number.isInteger(message.round) && message.round >= 0 && message.round < 256, 'the round')
  if ('generation' in message) whole(message.generation, 'the generation')
  if ('proposer' in message) expect(message.proposer >= 1 && message.proposer <= 2 ** 52, 'the proposer')
  if ('group' in message) expect(message.group !== '' && Buffer.byteLength(message.group) <= 300, 'the group')
  if ('leaseMs' in message) expect(message.leaseMs >= 1 && message.leaseMs < Infinity, 'the lease')
  if ('keyspace' in message) whole(message.keyspace, 'the keyspace')
  if ('key' in message) {
    fits(message.key, 'the key')
    expect(message.key !== '', 'the key is empty')
  }
  if ('record' in message) record(message.record)
  for (const name of ['ballot', 'promised', 'accepted'] as const) {
    const ballot = (message as { readonly [Name in typeof name]?: Ballot })[name]
    if (ballot !== undefined) record({ kind: 'register', promised: ballot, accepted: ballot, state: UNWRITTEN })
  }
  if ('state' in message && message.state !== undefined) {
    record({ kind: 'register', promised: NO_BALLOT, accepted: NO_BALLOT, state: message.state })
  }
  switch (message.kind) {
    case 'mint':
      for (const number of [message.op, message.at]) whole(number, 'the operation')
      for (const number of [message.incarnation, message.run]) whole(number, 'the life')
      value(message.value)
      flaws.push(...flawsOfContext(message.context, limits))
      break
    case 'minted':
      for (const number of [message.actor, message.counter]) whole(number, 'the dot')
      break
    case 'read-answer':
      whole(message.digest, 'the digest')
      break
    case 'scan':
      fits(message.prefix, 'the prefix')
      fits(message.after, 'the key to go on after')
      expect(message.limit >= 1 && message.limit <= limits.pageEntriesMax, `the limit is ${message.limit}`)
      break
    case 'scan-page':
      expect(message.entries.length <= limits.pageEntriesMax, 'the page is too long')
      for (const entry of message.entries) {
        whole(entry.keyspace, 'the keyspace')
        fits(entry.key, 'a key')
        record(entry.record)
      }
      break
    case 'submit':
      for (const number of [message.serial, message.op, message.at]) whole(number, 'the operation')
      expect(message.token >= 0 && message.token <= 2 ** 52, 'the token')
      if (message.wish.kind === 'set') value(message.wish.value)
      break
    case 'submitted':
      if (message.result.kind === 'told' && 'now' in message.result.told) {
        whole(message.result.told.now.revision, 'the revision')
        if ('value' in message.result.told.now) value(message.result.told.now.value)
      }
      break
    case 'ruled':
      expect(message.leftMs >= 0 && message.leftMs < Infinity, 'the rest')
      expect(message.led === undefined || (message.led.id !== '' && message.led.generation >= 1), 'the leader')
      break
    case 'refused':
      expect(REFUSALS.includes(message.code), `the code is ${message.code}`)
      break
    default:
  }
  return flaws[0]
}

function flawsOfRegister({ promised, accepted, state }: RegisterRecord, limits: MessageLimits): string[] {
  const { revision, forgottenAt, operations, proposers, value } = state
  const flaws: string[] = []
  if (promised !== accepted) flaws.push('a promise has travelled with the record')
  const numbers = [
    accepted.counter,
    accepted.proposer,
    accepted.step,
    revision,
    forgottenAt,
    ...operations,
    ...proposers,
  ]
  if (numbers.some((number) => !Number.isSafeInteger(number) || number < 0)) flaws.push('a number of a register')
  if (accepted.counter > BALLOT_COUNTER_MAX) flaws.push('a counter')
  if (proposers.length % 2 !== 0 || proposers.length > 2 * PROPOSERS_MAX) flaws.push('the proposers')
  if (operations.length % 3 !== 0 || operations.length > 3 * REMEMBERED_MAX) flaws.push('the table of operations')
  if (value !== null && value.length > limits.valueBytesMax) flaws.push('a value is too long')
  return flaws
}

function flawsOfRecord(record: StoredRecord, limits: MessageLimits): string[] {
  if (record.kind === 'register') return flawsOfRegister(record, limits)
  const versions = record.kind === 'lww' ? [record] : record.siblings
  const flaws: string[] = []
  for (const { op, at, value } of versions) {
    if (!Number.isSafeInteger(op) || op < 0 || !Number.isSafeInteger(at) || at < 0) flaws.push('a version')
    if (value !== null && value.length > limits.valueBytesMax) flaws.push('a value is too long')
  }
  if (record.kind === 'lww') return flaws
  const { siblings, context, replaced } = record
  if (replaced.length > 0) flaws.push('what a replica remembers for itself has travelled')
  if (siblings.length > limits.entriesMax) flaws.push('too many siblings')
  for (const [i, sibling] of siblings.entries()) {
    if (!hasDot(context, sibling) || sibling.counter < 1) flaws.push('a sibling that its context has not seen')
    const last = siblings[i - 1]
    if (last === undefined) continue
    if (last.actor > sibling.actor || (last.actor === sibling.actor && last.counter >= sibling.counter)) {
      flaws.push('siblings out of order')
    }
  }
  return [...flaws, ...flawsOfContext(context, limits)]
}

function flawsOfContext(context: CausalContext, { entriesMax }: MessageLimits): string[] {
  const flaws: string[] = []
  const numbers = [...context.vector, ...context.cloud]
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) flaws.push('a context of other numbers')
  if (context.vector.length > 4 * entriesMax || context.cloud.length > 2 * entriesMax) flaws.push('a long context')
  if (JSON.stringify(contextFromPairs(context)) !== JSON.stringify(context))
    flaws.push('a context that is not canonical')
  return flaws
}
