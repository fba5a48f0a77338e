/**
 * What the leader of a keyspace is sent and answers, as bytes, behind kind, id and round.
 */
import type { Visible } from '../../core/consensus/change.ts'
import { GENERATION_MAX, type Leader } from '../../core/consensus/group.ts'
import type { Submit, SubmitResult, Submitted, Told, Wish } from '../../core/consensus/submit-message.ts'
import { POSITIONS_MAX } from '../../core/quorum/quorum.ts'
import { Malformed, type ByteReader, type ByteWriter } from './bytes.ts'
import { readMark, readValue, writeContent, type RecordLimits } from './value-bytes.ts'

/** Requests are odd and answers even, as everywhere. */
export const SUBMIT_KIND: Readonly<Record<'submit' | 'submitted', number>> = { submit: 75, submitted: 76 }

/** In wire order. */
const WISHES = ['look', 'set', 'fence'] as const
const RESULTS = ['told', 'not-leader', 'unavailable', 'overloaded'] as const
const TOLD = ['applied', 'looked', 'condition-failed', 'repeated', 'fenced', 'forgotten', 'outdated'] as const

const HOLDER_BYTES_MAX = 1_024
/** What a set says beside its value. */
const HAS_CONDITION = 1
const IS_UPDATE = 2

interface Limits extends RecordLimits {
  readonly keyBytesMax: number
}

export function writeSubmit(writer: ByteWriter, message: Submit | Submitted): void {
  if (message.kind === 'submitted') return writeResult(writer, message.result)
  writer.float64(message.keyspace)
  writer.text(message.key)
  for (const number of [message.generation, message.serial, message.op, message.at, message.token]) {
    writer.float64(number)
  }
  writer.uint8(message.isRetry ? 1 : 0)
  writeWish(writer, message.wish)
}

/** Nothing for another kind. Throws `Malformed`. */
export function readSubmit(
  reader: ByteReader,
  limits: Limits,
  { kind, id, round }: { readonly kind: number; readonly id: number; readonly round: number },
): Submit | Submitted | undefined {
  if (kind === SUBMIT_KIND.submitted) return { kind: 'submitted', id, round, result: readResult(reader, limits) }
  if (kind !== SUBMIT_KIND.submit) return undefined
  const keyspace = reader.whole()
  const key = reader.text(limits.keyBytesMax)
  if (key === '') throw new Malformed('a key is empty')
  const generation = readGeneration(reader)
  const serial = reader.whole()
  const op = reader.whole()
  const at = reader.whole()
  const token = reader.whole()
  if (token > GENERATION_MAX) throw new Malformed('a token is none')
  const isRetry = reader.flag()
  const wish = readWish(reader, limits)
  return { kind: 'submit', id, round, keyspace, key, generation, serial, op, at, token, isRetry, wish }
}

function writeWish(writer: ByteWriter, wish: Wish): void {
  writer.uint8(WISHES.indexOf(wish.kind))
  if (wish.kind === 'look') writer.uint8(wish.isFresh ? 1 : 0)
  if (wish.kind !== 'set') return
  const { value, ifRevision, isUpdate } = wish
  writer.uint8((ifRevision === undefined ? 0 : HAS_CONDITION) | (isUpdate ? IS_UPDATE : 0))
  if (ifRevision !== undefined) writer.float64(ifRevision)
  writeContent(writer, { value })
}

function readWish(reader: ByteReader, limits: Limits): Wish {
  const kind = pick(reader, WISHES)
  if (kind === 'look') return { kind, isFresh: reader.flag() }
  if (kind === 'fence') return { kind }
  const flags = reader.uint8()
  if (flags > (HAS_CONDITION | IS_UPDATE)) throw new Malformed('a change says what is not known here')
  const ifRevision = flags & HAS_CONDITION ? reader.whole() : undefined
  return { kind, value: readContent(reader, limits), ifRevision, isUpdate: (flags & IS_UPDATE) !== 0 }
}

function writeResult(writer: ByteWriter, result: SubmitResult): void {
  writer.uint8(RESULTS.indexOf(result.kind))
  switch (result.kind) {
    case 'told':
      writer.uint32(result.by)
      return writeTold(writer, result.told)
    case 'not-leader':
      writer.uint8(result.isOver ? 1 : 0)
      writer.uint8(result.mayLand ? 1 : 0)
      writer.text(result.leader?.id ?? '')
      if (result.leader !== undefined) writer.float64(result.leader.generation)
      return
    case 'unavailable':
      return writer.uint8(result.mayLand ? 1 : 0)
    case 'overloaded':
  }
}

function readResult(reader: ByteReader, limits: Limits): SubmitResult {
  const kind = pick(reader, RESULTS)
  switch (kind) {
    case 'told': {
      const by = reader.uint32()
      if (by >= 2 ** POSITIONS_MAX) throw new Malformed(`${by} names replicas that cannot be`)
      return { kind, by, told: readTold(reader, limits) }
    }
    case 'not-leader':
      return { kind, isOver: reader.flag(), mayLand: reader.flag(), leader: readLeader(reader) }
    case 'unavailable':
      return { kind, mayLand: reader.flag() }
    case 'overloaded':
      return { kind }
  }
}

function writeTold(writer: ByteWriter, told: Told): void {
  writer.uint8(TOLD.indexOf(told.kind))
  switch (told.kind) {
    case 'applied':
      return writer.float64(told.now.revision)
    case 'looked':
    case 'condition-failed':
      writer.float64(told.now.revision)
      return writeContent(writer, { value: told.now.value })
    case 'repeated':
      return writer.float64(told.revision)
    case 'outdated':
      return writer.float64(told.highest)
    case 'fenced':
    case 'forgotten':
  }
}

function readTold(reader: ByteReader, limits: Limits): Told {
  const kind = pick(reader, TOLD)
  switch (kind) {
    case 'applied':
      return { kind, now: { revision: reader.whole() } }
    case 'looked':
    case 'condition-failed':
      return { kind, now: readVisible(reader, limits) }
    case 'repeated':
      return { kind, revision: reader.whole() }
    case 'outdated':
      return { kind, highest: reader.whole() }
    case 'fenced':
    case 'forgotten':
      return { kind }
  }
}

function readVisible(reader: ByteReader, limits: Limits): Visible {
  const revision = reader.whole()
  return { revision, value: readContent(reader, limits) }
}

function readContent(reader: ByteReader, limits: Limits): Uint8Array | null {
  const mark = readMark(reader)
  if (mark > 1) throw new Malformed('a register has no author and no end')
  return readValue(reader, mark, limits)
}

function readLeader(reader: ByteReader): Leader | undefined {
  const id = reader.text(HOLDER_BYTES_MAX)
  return id === '' ? undefined : { id, generation: readGeneration(reader) }
}

function readGeneration(reader: ByteReader): number {
  const generation = reader.whole()
  if (generation < 1 || generation > GENERATION_MAX) throw new Malformed(`${generation} is no generation`)
  return generation
}

function pick<const T>(reader: ByteReader, from: readonly T[]): T {
  const picked = from[reader.uint8()]
  if (picked === undefined) throw new Malformed('a choice is none of those that there are')
  return picked
}
