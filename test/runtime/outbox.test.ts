/** Frames: a message for several links is packed once, and what differs for each is put in. */
import { expect, test } from 'vitest'
import type { Message, Write } from '../../src/core/message.ts'
import { ByteReader } from '../../src/runtime/codec/bytes.ts'
import { isPackedAlike, readFrameHead, readRequest } from '../../src/runtime/codec/message-codec.ts'
import { Outbox } from '../../src/runtime/outbox.ts'
import type { Link } from '../../src/runtime/transport/transport.ts'

const EPOCH = 3
const LIMITS = { keyBytesMax: 100, valueBytesMax: 1_000, contextEntriesMax: 100, entriesMax: 100 }
const record = { kind: 'lww', op: 7, at: 8, by: 'a', value: Buffer.from('milk') } as const
const write: Write = { kind: 'write', id: 5, round: 1, keyspace: 9, key: 'k', record, asOf: 41, repairs: false }

function boxed(): { outbox: Outbox; sent: () => Message[] } {
  const frames: Uint8Array[] = []
  const link = { send: (frame: Uint8Array) => frames.push(Uint8Array.from(frame)) > 0 } as Partial<Link> as Link
  const sent = (): Message[] =>
    frames.flatMap((frame) => {
      const reader = new ByteReader(frame)
      readFrameHead(reader, EPOCH)
      const messages: Message[] = []
      while (!reader.done) messages.push(readRequest(reader, LIMITS as never))
      return messages
    })
  return { outbox: new Outbox(EPOCH, link), sent }
}

test('a write for two replicas: each gets its own clock, and all else is the same', () => {
  const [one, other] = [boxed(), boxed()]
  const later = { ...write, asOf: 99 }
  expect(isPackedAlike(later, write)).toBe(true)
  one.outbox.add({ kind: 'ping', sentAt: 1 })
  one.outbox.add(write)
  other.outbox.addAsIn(one.outbox, later)
  for (const { outbox } of [one, other]) outbox.flush()
  expect(one.sent()).toMatchObject([{ kind: 'ping' }, { kind: 'write', asOf: 41, key: 'k' }])
  expect(other.sent()).toMatchObject([
    { kind: 'write', asOf: 99, key: 'k', id: 5, keyspace: 9, record: { op: 7, at: 8 } },
  ])
})

test('other writes: are not packed alike', () => {
  const others: Message[] = [
    { ...write, id: 6 },
    { ...write, round: 2 },
    { ...write, key: 'l' },
    { ...write, owner: 1 },
    { ...write, record: { ...record } },
    { kind: 'ping', sentAt: 1 },
  ]
  for (const message of others) expect(isPackedAlike(message, write)).toBe(false)
})

test('what was sent already: is packed anew', () => {
  const [one, other] = [boxed(), boxed()]
  one.outbox.add(write)
  one.outbox.flush()
  other.outbox.addAsIn(one.outbox, { ...write, asOf: 4 })
  other.outbox.flush()
  expect(other.sent()).toMatchObject([{ kind: 'write', asOf: 4 }])
})
