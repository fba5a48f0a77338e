/**
 * A repair on demand: an exchange with every other replica that shares records, and how far it is.
 */
import { QuorateError } from '../core/base/errors.ts'
import type { ExchangeSummary } from '../core/notice.ts'
import type { ReplicaExchange } from '../core/replica-exchange.ts'
import type { Engine } from './engine.ts'

/** The exchange that is under way. */
export type RunningExchange = { readonly replica: string } & Omit<ExchangeSummary, 'outcome'>

export interface RepairProgress {
  /** What became of the exchanges that are over, by replica. */
  readonly ended: Readonly<Record<string, ExchangeSummary>>
  readonly running: RunningExchange | undefined
  /** Replicas whose turn is to come, the running one among them. */
  readonly waiting: readonly string[]
}

export interface RepairOptions {
  /** Called whenever something may have happened, several times a second. */
  readonly onProgress?: (progress: RepairProgress) => void
  /** Waits no longer. An exchange that is under way goes on. */
  readonly signal?: AbortSignal
}

/** What became of each exchange, by replica. */
export type RepairResult = Readonly<Record<string, ExchangeSummary>>

export interface RepairParts {
  readonly engine: Engine
  readonly exchange: ReplicaExchange
  /** Of the replicas, by index. */
  readonly names: readonly string[]
  readonly isClosed: () => boolean
}

const LOOK_MS = 50

export function repair(parts: RepairParts, { onProgress, signal }: RepairOptions): Promise<RepairResult> {
  const { engine, exchange, isClosed } = parts
  return new Promise((resolve, reject) => {
    if (isClosed()) return reject(closed())
    if (signal?.aborted === true) return reject(aborted(signal))
    const demanded = engine.repair()
    const end = (finish: () => void): void => {
      clearInterval(timer)
      signal?.removeEventListener('abort', abort)
      finish()
    }
    const abort = (): void => {
      exchange.relax()
      end(() => reject(aborted(signal)))
    }
    const look = (): void => {
      if (isClosed()) return end(() => reject(closed()))
      const progress = progressOf(parts, demanded)
      if (progress.waiting.length === 0) end(() => resolve(progress.ended))
      else onProgress?.(progress)
    }
    const timer = setInterval(look, LOOK_MS)
    signal?.addEventListener('abort', abort)
  })
}

function progressOf(
  { exchange, names }: RepairParts,
  { peers, from }: { readonly peers: readonly number[]; readonly from: number },
): RepairProgress {
  const ended: Record<string, ExchangeSummary> = {}
  const waiting: string[] = []
  for (const peer of peers) {
    const name = names[peer] as string
    const last = exchange.last.get(peer)
    if (last === undefined || last.sequence < from) waiting.push(name)
    else ended[name] = summaryOf(last)
  }
  const { running } = exchange
  if (running === undefined) return { ended, running: undefined, waiting }
  const { rounds, sentBytes, receivedBytes, differing, offered, received } = running.progress
  const bytes = sentBytes + receivedBytes
  const replica = names[running.peer] as string
  return { ended, running: { replica, rounds, bytes, differing, offered, received }, waiting }
}

export function summaryOf({ outcome, rounds, bytes, differing, offered, received }: ExchangeSummary): ExchangeSummary {
  return { outcome, rounds, bytes, differing, offered, received }
}

function closed(): QuorateError {
  return new QuorateError('QUORATE_CLOSED', 'this node is closed; repairs that it had begun are left where they are')
}

function aborted(signal: AbortSignal | undefined): QuorateError {
  return new QuorateError('QUORATE_ABORTED', 'the caller gave up waiting for the repair', { cause: signal?.reason })
}
