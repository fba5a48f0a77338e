/**
 * Encoding and decoding of the messages that every call is made of.
 */
import type { Answer, Message, Request } from '../../src/core/message.ts'
import { ByteReader, ByteWriter } from '../../src/runtime/codec/bytes.ts'
import { readAnswer, readRequest, writeMessage, type MessageLimits } from '../../src/runtime/codec/message-codec.ts'
import { decodeValue, encodeValue } from '../../src/runtime/value-codec.ts'
import { ACTOR, AT, BY, KEY, LWW, OP, SETTLED, VALUE, type Task } from './tasks.ts'

const LIMITS: MessageLimits = { keyBytesMax: 1024, valueBytesMax: 2 ** 20, entriesMax: 4096, pageEntriesMax: 1024 }
const HEAD = { id: 2 ** 30 + 17, round: 0 } as const
const KEYSPACE = 2 ** 45 + 99
const DIGEST = 2 ** 44 + 3

const REQUESTS: Readonly<Record<string, Request>> = {
  'write lww': { kind: 'write', ...HEAD, keyspace: KEYSPACE, key: KEY, record: LWW },
  'write siblings': { kind: 'write', ...HEAD, keyspace: KEYSPACE, key: KEY, record: SETTLED },
  mint: {
    kind: 'mint',
    ...HEAD,
    keyspace: KEYSPACE,
    key: KEY,
    incarnation: ACTOR,
    run: OP + 3,
    op: OP,
    at: AT,
    by: BY,
    context: SETTLED.context,
    value: VALUE,
    again: false,
  },
  read: { kind: 'read', ...HEAD, keyspace: KEYSPACE, key: KEY, digest: false },
}

const ANSWERS: Readonly<Record<string, Answer>> = {
  written: { kind: 'written', ...HEAD },
  minted: { kind: 'minted', ...HEAD, actor: ACTOR, counter: 41, record: undefined },
  'read answer, lww': { kind: 'read-answer', ...HEAD, digest: DIGEST, record: LWW },
  'read answer, siblings': { kind: 'read-answer', ...HEAD, digest: DIGEST, record: SETTLED },
  'read answer, digest': { kind: 'read-answer', ...HEAD, digest: DIGEST, record: undefined },
}

function encoded(message: Message): Buffer {
  const writer = new ByteWriter()
  writeMessage(writer, message)
  return writer.take()
}

function encodeTask(name: string, message: Message): Task {
  const writer = new ByteWriter()
  return {
    name: `encode ${name}`,
    run: () => {
      writer.reset()
      writeMessage(writer, message)
      return writer.length
    },
  }
}

export const codecTasks: readonly Task[] = [
  ...Object.entries({ ...REQUESTS, ...ANSWERS }).map(([name, message]) => encodeTask(name, message)),
  ...Object.entries(REQUESTS).map(([name, message]): Task => {
    const bytes = encoded(message)
    return { name: `decode ${name}`, run: () => readRequest(new ByteReader(bytes), LIMITS) }
  }),
  ...Object.entries(ANSWERS).map(([name, message]): Task => {
    const bytes = encoded(message)
    return { name: `decode ${name}`, run: () => readAnswer(new ByteReader(bytes), LIMITS) }
  }),
  { name: 'encode a value of 128 characters', run: () => encodeValue('v'.repeat(128), 2 ** 20) },
  { name: 'decode a value of 128 characters', run: () => decodeValue(VALUE) },
]
