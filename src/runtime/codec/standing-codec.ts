/**
 * What replicas tell each other of their lives, as bytes.
 */
import { BALLOT_COUNTER_MAX } from '../../core/base/ballot.ts'
import type { AcceptorTold, Acquainted, Announce, Life } from '../../core/message.ts'
import { Malformed, type ByteReader, type ByteWriter } from './bytes.ts'
import { POSITIONS_MAX } from '../../core/quorum/quorum.ts'

/** Requests are odd and answers even, as everywhere. */
export const STANDING_KIND = { announce: 81, acquainted: 82 } as const

/** What `keyspacesMax` is at most. */
const KEYSPACES_MAX = 65_535

export function writeStanding(writer: ByteWriter, message: Announce | Acquainted): void {
  writer.float64(message.id)
  const { incarnation, run, mark } = message.kind === 'announce' ? message : message.before
  for (const number of [incarnation, run, mark, message.known]) writer.float64(number)
  if (message.kind === 'announce') {
    writer.float64(message.birth)
    return
  }
  writer.float64(message.to)
  writer.float64(message.incarnation)
  writer.uint8(message.whole ? 1 : 0)
  writer.uint8(message.remembers ? 1 : 0)
  writer.float64(message.voted)
  writer.uint8(message.recalls ? 1 : 0)
  writer.uint8(message.hadAnother ? 1 : 0)
  const { abstains, kept, births, lives, bound, revision, forgottenAt } = message.acceptor
  writer.numbers(abstains)
  writer.float64(kept)
  writer.numbers(births)
  writer.numbers(lives)
  for (const number of [bound, revision, forgottenAt]) writer.float64(number)
}

export function readStanding(reader: ByteReader, kind: number): Announce | Acquainted {
  const id = reader.whole()
  const life = { ...readLife(reader), mark: reader.whole() }
  const known = reader.whole()
  if (kind === STANDING_KIND.announce) return { kind: 'announce', id, ...life, known, birth: reader.whole() }
  const to = reader.whole()
  const incarnation = reader.whole()
  const whole = reader.flag()
  const remembers = reader.flag()
  const recollection = { voted: reader.whole(), recalls: reader.flag(), hadAnother: reader.flag() }
  return {
    kind: 'acquainted',
    id,
    to,
    before: life,
    known,
    incarnation,
    whole,
    remembers,
    ...recollection,
    acceptor: readAcceptor(reader),
  }
}

function readAcceptor(reader: ByteReader): AcceptorTold {
  const abstains = reader.numbers(KEYSPACES_MAX, 1)
  const kept = reader.whole()
  const births = reader.numbers(3 * POSITIONS_MAX, 3)
  const lives = reader.numbers(5 * POSITIONS_MAX, 5)
  const bound = reader.whole()
  if (bound > BALLOT_COUNTER_MAX) throw new Malformed('nobody has counted ballots this far')
  return { abstains, kept, births, lives, bound, revision: reader.whole(), forgottenAt: reader.whole() }
}

export function writeLife(writer: ByteWriter, { incarnation, run }: Life): void {
  writer.float64(incarnation)
  writer.float64(run)
}

export function readLife(reader: ByteReader): Life {
  return { incarnation: reader.whole(), run: reader.whole() }
}
