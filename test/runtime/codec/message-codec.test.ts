/** Messages as bytes: what is written is read back, and nothing else is. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CausalContext } from '../../../src/core/causality/causal-context.ts'
import type { Answer, Message, Request } from '../../../src/core/message.ts'
import type { DottedRecord, StoredRecord } from '../../../src/core/record.ts'
import { ByteReader, ByteWriter, Malformed } from '../../../src/runtime/codec/bytes.ts'
import {
  readAnswer,
  readFrameHead,
  readRequest,
  writeFrameHead,
  writeMessage,
  type MessageLimits,
} from '../../../src/runtime/codec/message-codec.ts'
import { holds } from '../../property.ts'
import { anyAnswer, anyMessage, anyRequest } from './any-message.ts'
import { flawOf } from './sound.ts'
import { matching } from '../../core/matching.ts'

const LIMITS: MessageLimits = { keyBytesMax: 64, valueBytesMax: 64, entriesMax: 32, pageEntriesMax: 64 }
const ANSWERS: ReadonlySet<string> = new Set([
  'read-answer',
  'written',
  'minted',
  'promised',
  'accepted',
  'preempted',
  'told',
  'scan-page',
  'opened',
  'refused',
  'pong',
  'agreed',
  'compared',
  'differing',
  'traded',
  'declined',
  'acquainted',
  'outdated',
  'ruled',
  'submitted',
])

function bytesOf(message: Message): Buffer {
  const writer = new ByteWriter(16)
  writeMessage(writer, message)
  return writer.take()
}

/** Reads one message, and everything of it. */
function parse(bytes: Uint8Array, side: 'request' | 'answer', limits = LIMITS): Message {
  const reader = new ByteReader(bytes)
  const message = side === 'request' ? readRequest(reader, limits) : readAnswer(reader, limits)
  expect(reader.done).toBe(true)
  return message
}

function sideOf(message: Message): 'request' | 'answer' {
  return ANSWERS.has(message.kind) ? 'answer' : 'request'
}

describe('round trips', () => {
  test('any request and any answer: come back as they were', () => {
    const seen = new Map<string, number>()
    holds(
      fc.property(anyMessage, (message) => {
        seen.set(message.kind, (seen.get(message.kind) ?? 0) + 1)
        const back = parse(bytesOf(message), sideOf(message))
        expect(plain(back)).toEqual(plain(message))
        expect(bytesOf(back)).toEqual(bytesOf(message))
        expect(flawOf(back, LIMITS)).toBeUndefined()
      }),
      { numRuns: 4_000 },
    )
    expect(seen.size).toBe(42)
    for (const [kind, times] of seen) expect(times, kind).toBeGreaterThan(50)
  })

  test('many messages behind each other: come back in order, with nothing between them', () => {
    const some = fc.oneof(
      fc.tuple(fc.constant('request' as const), fc.array(anyRequest, { maxLength: 6 })),
      fc.tuple(fc.constant('answer' as const), fc.array(anyAnswer, { maxLength: 6 })),
    )
    holds(
      fc.property(some, fc.maxSafeNat(), ([side, messages], epoch) => {
        const writer = new ByteWriter(8)
        writeFrameHead(writer, epoch)
        for (const message of messages) writeMessage(writer, message)
        const reader = new ByteReader(writer.view())
        readFrameHead(reader, epoch)
        const back: Message[] = []
        while (!reader.done) back.push(side === 'request' ? readRequest(reader, LIMITS) : readAnswer(reader, LIMITS))
        expect(back.map(plain)).toEqual(messages.map(plain))
      }),
      { numRuns: 300 },
    )
  })

  /** Values come back as views of the frame: compared by their bytes. */
  function plain(message: Message): unknown {
    return JSON.parse(
      JSON.stringify(message, (_, field: unknown) => {
        if (field instanceof Uint8Array) return `bytes ${Buffer.from(field).toString('hex')}`
        return isBufferJson(field) ? `bytes ${Buffer.from(field.data).toString('hex')}` : field
      }),
    )
  }

  function isBufferJson(field: unknown): field is { data: number[] } {
    return typeof field === 'object' && field !== null && 'type' in field && field.type === 'Buffer'
  }
})

describe('known bytes: a change here makes running clusters refuse each other', () => {
  const value = Uint8Array.of(0xaa, 0xbb)
  test.for([
    [{ kind: 'ping', sentAt: 1.5 }, '0b 000000000000f83f'],
    [
      { kind: 'minted', id: 1, round: 2, actor: 3, counter: 4, floor: 2, record: undefined },
      '06 000000000000f03f 02 0000000000000840 0000000000001040 0000000000000040 00',
    ],
    [
      { kind: 'pong', sentAt: 1.5, clock: 2, incarnation: 3, run: 4 },
      '0c 000000000000f83f 0000000000000040 0000000000000840 0000000000001040',
    ],
    [
      { kind: 'agree', id: 1, entries: [{ keyspace: 2, key: 'k', digest: 4 }] },
      '2b 000000000000f03f 0100 0000000000000040 0100 6b 0000000000001040',
    ],
    [{ kind: 'agreed', id: 1, heldMs: [-1, 2] }, '2c 000000000000f03f 0200 000000000000f0bf 0000000000000040'],
    [{ kind: 'reap', id: 1, entries: [] }, '2d 000000000000f03f 0000'],
    [{ kind: 'written', id: 1, round: 2 }, '04 000000000000f03f 02'],
    [
      { kind: 'read', id: 1, round: 0, keyspace: 2, key: 'k', digest: true },
      '01 000000000000f03f 00 0000000000000040 0100 6b 01',
    ],
    [
      {
        kind: 'write',
        asOf: 4,
        repairs: true,
        id: 1,
        round: 0,
        keyspace: 2,
        key: 'k',
        record: { kind: 'lww', op: 1, at: 2, value },
      },
      '03 000000000000f03f 00 0000000000001040 0000000000000040 0100 6b 01 01 000000000000f03f 0000000000000040 01 02000000 aabb',
    ],
    [
      {
        kind: 'write',
        asOf: 0,
        repairs: false,
        id: 1,
        round: 0,
        keyspace: 2,
        key: 'k',
        record: { kind: 'lww', op: 1, at: 2, value },
        owner: 4,
      },
      '0d 000000000000f03f 00 0000000000000000 0000000000000040 0100 6b 00 04 01 000000000000f03f 0000000000000040 01 02000000 aabb',
    ],
    [
      {
        kind: 'mint',
        id: 1,
        round: 0,
        keyspace: 2,
        key: 'k',
        incarnation: 3,
        run: 4,
        op: 1,
        at: 2,
        context: { vector: [1, 2], cloud: [] },
        value: null,
        again: false,
      },
      '05 000000000000f03f 00 0000000000000040 0100 6b 0000000000000840 0000000000001040 ' +
        '000000000000f03f 0000000000000040 0200 000000000000f03f 0000000000000040 0000 00 00',
    ],
    [{ kind: 'refused', id: 1, round: 0, code: 'clock-ahead', detail: '' }, '0e 000000000000f03f 00 01 0000'],
    [{ kind: 'look', id: 1, round: 0, group: 'g' }, '41 000000000000f03f 00 0100 67'],
    [{ kind: 'pre-vote', id: 1, round: 0, group: 'g', proposer: 2 }, '43 000000000000f03f 00 0100 67 0000000000000040'],
    [
      { kind: 'vote', id: 1, round: 0, group: 'g', proposer: 2, generation: 3, holder: 'h', leaseMs: 4 },
      '45 000000000000f03f 00 0100 67 0000000000000040 0000000000000840 0100 68 0000000000001040',
    ],
    [
      { kind: 'renew', id: 1, round: 0, group: 'g', proposer: 2, generation: 3, holder: 'h', leaseMs: 4, acts: true },
      '47 000000000000f03f 00 0100 67 0000000000000040 0000000000000840 0100 68 0000000000001040 01',
    ],
    [
      { kind: 'resign', id: 1, round: 0, group: 'g', proposer: 2, generation: 3 },
      '49 000000000000f03f 00 0100 67 0000000000000040 0000000000000840',
    ],
    [
      { kind: 'ruled', id: 1, round: 0, granted: true, generation: 3, leftMs: 4, led: { id: 'h', generation: 2 } },
      '42 000000000000f03f 00 01 0000000000000840 0000000000001040 0100 68 0000000000000040',
    ],
  ] as const)('%o', ([message, hex]) => {
    expect(bytesOf(message as Message).toString('hex')).toBe(hex.replaceAll(' ', ''))
  })

  test('the head of a frame: its version and the epoch', () => {
    const writer = new ByteWriter()
    writeFrameHead(writer, 1)
    expect(writer.view().toString('hex')).toBe('01000000000000f03f')
  })
})

describe('what is refused', () => {
  test.for([
    ['another version', [2, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f], 'frames of version 2 are not known here'],
    ['another epoch', [1, 0, 0, 0, 0, 0, 0, 0, 0x40], 'the frame is from another epoch'],
    ['an epoch that is no whole number', [1, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f], 'a number is not whole'],
    ['nothing', [], 'it ends in the middle of a field'],
  ] as const)('a frame with %s', ([, bytes, message]) => {
    expect(() => {
      readFrameHead(new ByteReader(Uint8Array.from(bytes)), 1)
    }).toThrow(new Malformed(message))
  })

  test('a request where answers are expected, and the other way round', () => {
    const request: Request = { kind: 'ping', sentAt: 1 }
    const answer: Answer = { kind: 'pong', sentAt: 1, clock: 1, incarnation: 1, run: 1 }
    expect(() => parse(bytesOf(request), 'answer')).toThrow(new Malformed('a request came where answers are expected'))
    expect(() => parse(bytesOf(answer), 'request')).toThrow(new Malformed('an answer came where requests are expected'))
  })

  test.for([0, 15, 16, 17, 254, 255])('kind %d: is no message', (kind) => {
    const bytes = Buffer.alloc(64)
    bytes[0] = kind
    expect(() => parse(bytes, kind % 2 === 0 ? 'answer' : 'request')).toThrow(
      new Malformed(`${kind} is no kind of message`),
    )
  })

  test('any message cut anywhere: is malformed', () => {
    holds(
      fc.property(anyMessage, (message) => {
        const bytes = bytesOf(message)
        for (let length = 0; length < bytes.length; length++) {
          expect(() => parse(bytes.subarray(0, length), sideOf(message))).toThrow(Malformed)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('elections that cannot be', () => {
  const asked = { id: 1, round: 0, group: 'g', proposer: 2, generation: 3, holder: 'h', leaseMs: 4 } as const
  const ruled = { kind: 'ruled', id: 1, round: 0, granted: true, generation: 3, leftMs: 0, led: undefined } as const
  test.for<[string, Message]>([
    ['no group', { kind: 'look', id: 1, round: 0, group: '' }],
    ['generation 0', { kind: 'vote', ...asked, generation: 0 }],
    ['a generation beyond all', { kind: 'vote', ...asked, generation: 2 ** 52 + 2 }],
    ['a generation with a fraction', { kind: 'vote', ...asked, generation: 1.5 }],
    ['no proposer', { kind: 'vote', ...asked, proposer: 0 }],
    ['no holder', { kind: 'vote', ...asked, holder: '' }],
    ['no lease', { kind: 'renew', ...asked, leaseMs: 0, acts: true }],
    ['a lease without end', { kind: 'renew', ...asked, leaseMs: Infinity, acts: true }],
    ['a lease that is no number', { kind: 'renew', ...asked, leaseMs: Number.NaN, acts: true }],
    ['a rest below zero', { ...ruled, leftMs: -1 }],
    ['a ruling beyond all generations', { ...ruled, generation: 2 ** 53 - 1 }],
  ])('%s: is malformed', ([, message]) => {
    expect(() => parse(bytesOf(message), sideOf(message))).toThrow(Malformed)
  })
})

describe('limits', () => {
  const head = { id: 1, round: 0, keyspace: 1 } as const
  const record = { kind: 'lww', op: 1, at: 1, value: new Uint8Array(64) } as const
  const context = { vector: [1, 40], cloud: [] }
  const siblings = Array.from({ length: 33 }, (_, i) => ({ actor: 1, counter: i + 1, op: i + 1, at: 1, value: null }))
  const countUp = Array.from({ length: 66 }, (_, i) => i + 1)

  const read = (key: string): Message => ({ kind: 'read', ...head, key, digest: true })
  const write = (written: StoredRecord): Message => ({
    kind: 'write',
    asOf: 0,
    repairs: false,
    ...head,
    key: 'k',
    record: written,
  })
  const dotted = (other: Partial<DottedRecord>): Message =>
    write({ kind: 'dotted', context, siblings: [], replaced: [], ...other })
  const mint = (seen: CausalContext, value: Uint8Array | null = null): Message => ({
    kind: 'mint',
    ...head,
    key: 'k',
    incarnation: 1,
    run: 1,
    op: 1,
    at: 1,
    context: seen,
    value,
    again: false,
  })
  const scan = (prefix: string, limit: number): Message => ({ kind: 'scan', ...head, prefix, after: '', limit })
  const page = (keys: readonly string[]): Message => {
    const entries = keys.map((key) => ({ keyspace: 1, key, record }))
    return { kind: 'scan-page', id: 1, round: 0, entries, done: true }
  }

  test.for([
    ['a key of 65 bytes', read('k'.repeat(65)), 'a text of 65 bytes'],
    ['a key of 22 characters in 66 bytes', read('漢'.repeat(22)), 'a text of 66 bytes'],
    ['an empty key', read(''), 'a key is empty'],
    ['an empty key in a page', page(['']), 'a key is empty'],
    ['a prefix of 65 bytes', scan('k'.repeat(65), 1), 'a text of 65 bytes'],
    ['a page of no records asked for', scan('', 0), 'a page of 0 records'],
    ['a page of 65 records asked for', scan('', 65), 'a page of 65 records'],
    ['a page of 65 records', page(countUp.slice(0, 65).map(String)), 'a page of 65 records'],
    ['a value of 65 bytes', write({ ...record, value: new Uint8Array(65) }), '65 bytes are over the limit of 64'],
    ['a value of 65 bytes to mint', mint(context, new Uint8Array(65)), '65 bytes are over the limit of 64'],
    ['33 siblings', dotted({ siblings }), '33 siblings'],
    ['33 actors', mint({ vector: countUp, cloud: [] }), 'a list of 66 numbers'],
    ['33 single dots', mint({ vector: [], cloud: countUp }), 'a list of 66 numbers'],
    ['half a pair', mint({ vector: [1, 2, 3], cloud: [] }), 'a list of 3 numbers'],
  ] as const)('%s: is over it', ([, message, why]) => {
    expect(() => parse(bytesOf(message), sideOf(message))).toThrow(
      expect.objectContaining({ name: 'Malformed', message: matching(why) }),
    )
  })

  test.for([
    ['a key of 64 bytes', read('k'.repeat(64))],
    ['a prefix of 64 bytes', scan('k'.repeat(64), 1)],
    ['a value of 64 bytes', write(record)],
    ['32 siblings', dotted({ siblings: siblings.slice(1) })],
    ['a page of 64 records', page(countUp.slice(0, 64).map(String))],
    ['a page of 64 records asked for', scan('', 64)],
  ] as const)('%s: is within it', ([, message]) => {
    expect(parse(bytesOf(message), sideOf(message)).kind).toBe(message.kind)
  })

  test('a claim of many bytes: is refused before anything is set aside for them', () => {
    const bytes = bytesOf(write(record))
    bytes.writeUInt32LE(0xffff_ffff, bytes.length - 64 - 4)
    expect(() => parse(bytes, 'request')).toThrow(new Malformed('4294967295 bytes are over the limit of 64'))
    const wide = { ...LIMITS, valueBytesMax: 2 ** 32 }
    expect(() => parse(bytes, 'request', wide)).toThrow(new Malformed('it ends in the middle of a field'))
  })
})

describe('what no quorate writes', () => {
  const head = { id: 1, round: 0, keyspace: 1 } as const
  const sibling = (actor: number, counter: number): object => ({ actor, counter, op: 1, at: 1, value: null })
  const write = (record: object): Message =>
    ({ kind: 'write', asOf: 0, repairs: false, ...head, key: 'k', record }) as unknown as Message
  const dotted = (vector: number[], siblings: object[]): Message =>
    write({ kind: 'dotted', context: { vector, cloud: [] }, siblings, replaced: [] })
  const pong = { kind: 'pong', sentAt: 1, clock: 1, incarnation: 1, run: 1 } as const
  const mint = {
    kind: 'mint',
    ...head,
    key: 'k',
    incarnation: 1,
    run: 1,
    op: 1,
    at: 1,
    context: { vector: [], cloud: [] },
    value: null,
    again: false,
  } as const
  const sent = { kind: 'read', ...head, key: 'k', digest: true } as const

  test.for([
    ['a sibling that the context has not seen', dotted([1, 1], [sibling(1, 2)])],
    ['a sibling with counter 0', dotted([1, 1], [sibling(1, 0)])],
    ['siblings out of order', dotted([1, 2], [sibling(1, 2), sibling(1, 1)])],
    ['actors out of order', dotted([1, 1, 2, 1], [sibling(2, 1), sibling(1, 1)])],
    ['a sibling twice', dotted([1, 1], [sibling(1, 1), sibling(1, 1)])],
    ['a negative number', write({ kind: 'lww', op: -1, at: 1, value: null })],
    ['a fraction', write({ kind: 'lww', op: 1.5, at: 1, value: null })],
    ['no number', write({ kind: 'lww', op: NaN, at: 1, value: null })],
    ['a number beyond what is exact', write({ kind: 'lww', op: 1, at: 2 ** 53, value: null })],
    ['an id that is infinite', { ...sent, id: Infinity }],
    ['a ping at no time', { kind: 'ping', sentAt: NaN }],
    ['a ping at an infinite time', { kind: 'ping', sentAt: Infinity }],
    ['a pong at no time', { ...pong, sentAt: NaN }],
    ['a hint for an index that no member has', { ...write({ kind: 'lww', op: 1, at: 1, value: null }), owner: 31 }],
    ['a write as of no time', { ...write({ kind: 'lww', op: 1, at: 1, value: null }), asOf: -1 }],
    ['a pong of no clock', { ...pong, clock: 0.5 }],
    ['an agreement on no key', { kind: 'agree', id: 1, entries: [{ keyspace: 1, key: '', digest: 1 }] }],
    ['an agreement on half a digest', { kind: 'reap', id: 1, entries: [{ keyspace: 1, key: 'k', digest: 0.5 }] }],
    ['something held for less than nothing', { kind: 'agreed', id: 1, heldMs: [-2] }],
    ['something held for half a millisecond', { kind: 'agreed', id: 1, heldMs: [0.5] }],
    ['too much held', { kind: 'agreed', id: 1, heldMs: Array.from({ length: 513 }, () => 1) }],
    ['a pong of no incarnation', { ...pong, incarnation: NaN }],
    ['a pong of a negative run', { ...pong, run: -1 }],
    ['a mint for half an incarnation', { ...mint, incarnation: 0.5 }],
    ['a mint for a run beyond what is exact', { ...mint, run: 2 ** 53 }],
  ] as const)('%s: is malformed', ([, message]) => {
    expect(() => parse(bytesOf(message), sideOf(message))).toThrow(Malformed)
  })

  test('a flag that is neither 0 nor 1, a value that is neither there nor not, an unknown kind of record or refusal', () => {
    const spoil = (message: Message, fromEnd: number, byte: number): void => {
      const bytes = bytesOf(message)
      bytes[bytes.length - fromEnd] = byte
      expect(() => parse(bytes, sideOf(message))).toThrow(Malformed)
    }
    spoil(sent, 1, 2)
    spoil(write({ kind: 'lww', op: 1, at: 1, value: null }), 1, 2)
    spoil(write({ kind: 'lww', op: 1, at: 1, value: null }), 18, 3)
    spoil({ kind: 'refused', id: 1, round: 0, code: 'clock-ahead', detail: '' }, 3, 200)
  })

  test.for([
    ['a lone byte of two', [0xc3]],
    ['a continuation without a beginning', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['half of a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a code point beyond the last', [0xf4, 0x90, 0x80, 0x80]],
    ['a byte that never occurs', [0xff]],
  ] as const)('a key that is not UTF-8 (%s): is malformed', ([, units]) => {
    const bytes = bytesOf({ ...sent, key: 'k'.repeat(units.length) })
    bytes.set(units, bytes.length - 1 - units.length)
    expect(() => parse(bytes, 'request')).toThrow(new Malformed('a text is not UTF-8'))
  })

  test('the replacement character itself: is a character like any other', () => {
    expect(parse(bytesOf({ ...sent, key: 'a\ufffd' }), 'request')).toMatchObject({ key: 'a\ufffd' })
  })

  test('a keyspace definition that is none: is malformed', () => {
    const message: Message = { kind: 'open', id: 1, round: 0, name: 'x', definition: undefined, confirmed: false }
    const bytes = bytesOf(message)
    const text = Buffer.from('["x","cp"]')
    const length = Buffer.alloc(2)
    length.writeUInt16LE(text.length)
    const spoiled = Buffer.concat([bytes.subarray(0, bytes.length - 3), length, text, Buffer.of(0)])
    expect(() => parse(spoiled, 'request')).toThrow(new Malformed('a keyspace definition is not one'))
  })

  test('keys and names of prototypes: are text, and change nothing elsewhere', () => {
    for (const key of ['__proto__', 'constructor', 'prototype', 'toString']) {
      expect(parse(bytesOf({ ...sent, key }), 'request')).toMatchObject({ key })
      const open: Message = { kind: 'open', id: 1, round: 0, name: key, definition: undefined, confirmed: true }
      expect(parse(bytesOf(open), 'request')).toMatchObject({ name: key })
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  test('contexts in any order, doubled, or with counters of 0: come out canonical', () => {
    const read = (vector: number[], cloud: number[] = []): unknown =>
      (parse(bytesOf({ ...mint, context: { vector, cloud } }), 'request') as Extract<Message, { kind: 'mint' }>).context
    expect(read([2, 1, 1, 5])).toEqual({ vector: [1, 5, 2, 1], cloud: [] })
    expect(read([1, 5, 1, 7])).toEqual({ vector: [1, 7], cloud: [] })
    expect(read([1, 0])).toEqual({ vector: [], cloud: [] })
    expect(read([1, 1], [1, 3, 1, 2])).toEqual({ vector: [1, 3], cloud: [] })
    expect(read([], [3, 2, 1, 4, 3, 2])).toEqual({ vector: [], cloud: [1, 4, 3, 2] })
  })
})

test('refusals: a detail that is too long is cut when it is written, and can be read', () => {
  const detail = '漢'.repeat(5_000)
  const back = parse(bytesOf({ kind: 'refused', id: 1, round: 0, code: 'overloaded', detail }), 'answer')
  expect(back).toMatchObject({ detail: '漢'.repeat(256) })
})
