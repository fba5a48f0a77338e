/**
 * The messages of elections as bytes, behind their kind, id and round. Spans are milliseconds, and at most a month.
 */
import type { ElectionMessage, ElectionRequest } from '../../core/consensus/election-message.ts'
import { GENERATION_MAX, type Leader } from '../../core/consensus/group.ts'
import { Malformed, type ByteReader, type ByteWriter } from './bytes.ts'

/** Requests are odd and answers even, as everywhere. */
export const ELECTION_KIND: Readonly<Record<ElectionMessage['kind'], number>> = {
  look: 65,
  'pre-vote': 67,
  vote: 69,
  renew: 71,
  resign: 73,
  ruled: 66,
}

const GROUP_BYTES_MAX = 300
const HOLDER_BYTES_MAX = 1_024
const SPAN_MS_MAX = 2_678_400_000

interface Head {
  readonly kind: number
  readonly id: number
  readonly round: number
}

export function isElection(message: { readonly kind: string }): message is ElectionMessage {
  return Object.hasOwn(ELECTION_KIND, message.kind)
}

export function writeElection(writer: ByteWriter, message: ElectionMessage): void {
  if (message.kind === 'ruled') {
    writer.uint8(message.granted ? 1 : 0)
    writer.float64(message.generation)
    writer.float64(message.leftMs)
    writer.text(message.led?.id ?? '')
    if (message.led !== undefined) writer.float64(message.led.generation)
    return
  }
  writer.text(message.group)
  if (message.kind === 'look') return
  writer.float64(message.proposer)
  if (message.kind === 'pre-vote') return
  writer.float64(message.generation)
  if (message.kind === 'resign') return
  writer.text(message.holder)
  writer.float64(message.leaseMs)
  if (message.kind === 'renew') writer.uint8(message.acts ? 1 : 0)
}

/** Nothing for a kind that has to do with no election. Throws `Malformed`. */
export function readElection(reader: ByteReader, { kind, id, round }: Head): ElectionMessage | undefined {
  if (kind < ELECTION_KIND.look || kind > ELECTION_KIND.resign) return undefined
  if (kind === ELECTION_KIND.ruled) return readRuled(reader, { id, round })
  const group = readName(reader, GROUP_BYTES_MAX)
  const where = { id, round, group }
  if (kind === ELECTION_KIND.look) return { kind: 'look', ...where }
  const proposer = readPositive(reader)
  if (kind === ELECTION_KIND['pre-vote']) return { kind: 'pre-vote', ...where, proposer }
  const generation = readPositive(reader)
  if (kind === ELECTION_KIND.resign) return { kind: 'resign', ...where, proposer, generation }
  const holder = readName(reader, HOLDER_BYTES_MAX)
  const asked = { ...where, proposer, generation, holder, leaseMs: readSpan(reader, 1) }
  if (kind === ELECTION_KIND.vote) return { kind: 'vote', ...asked }
  if (kind === ELECTION_KIND.renew) return { kind: 'renew', ...asked, acts: reader.flag() }
  throw new Malformed(`${kind} is no kind of message`)
}

function readRuled(reader: ByteReader, numbered: { readonly id: number; readonly round: number }): ElectionMessage {
  const granted = reader.flag()
  const generation = reader.whole()
  if (generation > GENERATION_MAX) throw new Malformed(`${generation} is no generation`)
  const leftMs = readSpan(reader, 0)
  const id = reader.text(HOLDER_BYTES_MAX)
  const led: Leader | undefined = id === '' ? undefined : { id, generation: readPositive(reader) }
  return { kind: 'ruled', ...numbered, granted, generation, led, leftMs }
}

function readName(reader: ByteReader, sizeBytesMax: number): string {
  const name = reader.text(sizeBytesMax)
  if (name === '') throw new Malformed('a name is empty')
  return name
}

/** Proposers and generations. */
function readPositive(reader: ByteReader): number {
  const number = reader.whole()
  if (number < 1 || number > GENERATION_MAX) throw new Malformed(`${number} is neither a proposer nor a generation`)
  return number
}

function readSpan(reader: ByteReader, least: number): number {
  const spanMs = reader.float64()
  if (!(spanMs >= least && spanMs <= SPAN_MS_MAX)) throw new Malformed('a span is none, or too long')
  return spanMs
}

/** Whether a request is about an election. */
export function isElectionRequest(message: { readonly kind: string }): message is ElectionRequest {
  return isElection(message) && message.kind !== 'ruled'
}
