/**
 * What replicas tell each other of their lives, as bytes.
 */
import type { Acquainted, Announce, Life } from '../../core/message.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'

/** Requests are odd and answers even, as everywhere. */
export const STANDING_KIND = { announce: 81, acquainted: 82 } as const

export function writeStanding(writer: ByteWriter, message: Announce | Acquainted): void {
  writer.float64(message.id)
  const { incarnation, run, mark } = message.kind === 'announce' ? message : message.before
  for (const number of [incarnation, run, mark, message.known]) writer.float64(number)
  if (message.kind === 'announce') return
  writer.float64(message.incarnation)
  writer.uint8(message.whole ? 1 : 0)
  writer.uint8(message.remembers ? 1 : 0)
  writer.float64(message.voted)
  writer.uint8(message.recalls ? 1 : 0)
  writer.uint8(message.hadAnother ? 1 : 0)
}

export function readStanding(reader: ByteReader, kind: number): Announce | Acquainted {
  const id = reader.whole()
  const life = { ...readLife(reader), mark: reader.whole() }
  const known = reader.whole()
  if (kind === STANDING_KIND.announce) return { kind: 'announce', id, ...life, known }
  const incarnation = reader.whole()
  const whole = reader.flag()
  const remembers = reader.flag()
  const recollection = { voted: reader.whole(), recalls: reader.flag(), hadAnother: reader.flag() }
  return { kind: 'acquainted', id, before: life, known, incarnation, whole, remembers, ...recollection }
}

export function writeLife(writer: ByteWriter, { incarnation, run }: Life): void {
  writer.float64(incarnation)
  writer.float64(run)
}

export function readLife(reader: ByteReader): Life {
  return { incarnation: reader.whole(), run: reader.whole() }
}
