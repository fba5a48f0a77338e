/**
 * How many bytes our messages take on the wire, asked of the codec itself.
 */
import { ByteWriter } from '../src/runtime/codec/bytes.ts'
import { writeFrameHead, writeMessage } from '../src/runtime/codec/message-codec.ts'
import { encodeValue } from '../src/runtime/value-codec.ts'
import type { Message } from '../src/core/message.ts'

/** A client's id as `connect` draws it: every record names its author. */
export const CLIENT_ID = 'client-0123abcd'

export interface FrameSizes {
  /** What opens each frame. */
  readonly headBytes: number
  /** One request in a frame, and one answer. */
  readonly requestBytes: number
  readonly answerBytes: number
}

function sizeOf(message: Message): number {
  const writer = new ByteWriter()
  writeMessage(writer, message)
  return writer.length
}

/** The sizes of an `lww` put: the record to each replica, and its acknowledgement. */
export function putSizes(write: { readonly key: string; readonly by: string; readonly value: unknown }): FrameSizes {
  const writer = new ByteWriter()
  writeFrameHead(writer, 0)
  const value = encodeValue(write.value, 2 ** 30)
  const record = { kind: 'lww', op: 1, at: 1, by: write.by, value } as const
  return {
    headBytes: writer.length,
    requestBytes: sizeOf({ kind: 'write', id: 1, round: 0, keyspace: 1, key: write.key, record }),
    answerBytes: sizeOf({ kind: 'written', id: 1, round: 0 }),
  }
}
