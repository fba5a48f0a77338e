/**
 * What replicas say about erasing, as bytes, each after its kind.
 *
 * Counts have 16 bits. How long something is held is a whole number of milliseconds, or -1.
 */
import { REAPED_MAX, type Agree, type Agreed, type HeldKey, type Reap } from '../../core/repair/reap-message.ts'
import { Malformed, type ByteReader, type ByteWriter } from './bytes.ts'

/** Requests are odd and answers even, as everywhere. */
export const REAP_KIND: Readonly<Record<(Agree | Agreed | Reap)['kind'], number>> = { agree: 43, agreed: 44, reap: 45 }

export function writeReaping(writer: ByteWriter, message: Agree | Agreed | Reap): void {
  writer.float64(message.id)
  if (message.kind === 'agreed') {
    writer.uint16(message.heldMs.length)
    for (const heldMs of message.heldMs) writer.float64(heldMs)
    return
  }
  writer.uint16(message.entries.length)
  for (const { keyspace, key, digest } of message.entries) {
    writer.float64(keyspace)
    writer.text(key)
    writer.float64(digest)
  }
}

/** What follows such a kind; `undefined` for any other. Throws `Malformed` for what `writeReaping` would not write. */
export function readReaping(
  reader: ByteReader,
  limits: { readonly keyBytesMax: number },
  kind: number,
): Agree | Agreed | Reap | undefined {
  if (kind === REAP_KIND.agreed) {
    const id = reader.whole()
    return { kind: 'agreed', id, heldMs: many(reader.uint16(), () => readHeld(reader)) }
  }
  if (kind !== REAP_KIND.agree && kind !== REAP_KIND.reap) return undefined
  const id = reader.whole()
  const entries = many(reader.uint16(), () => readKey(reader, limits))
  return { kind: kind === REAP_KIND.agree ? 'agree' : 'reap', id, entries }
}

function many<Of>(count: number, read: () => Of): Of[] {
  if (count > REAPED_MAX) throw new Malformed(`${count} keys are too many for one message`)
  return Array.from({ length: count }, read)
}

function readHeld(reader: ByteReader): number {
  const heldMs = reader.float64()
  if (heldMs !== -1 && !(Number.isSafeInteger(heldMs) && heldMs >= 0)) {
    throw new Malformed('a time for which something is held is none')
  }
  return heldMs
}

function readKey(reader: ByteReader, { keyBytesMax }: { readonly keyBytesMax: number }): HeldKey {
  const keyspace = reader.whole()
  const key = reader.text(keyBytesMax)
  if (key === '') throw new Malformed('a key is empty')
  return { keyspace, key, digest: reader.whole() }
}
