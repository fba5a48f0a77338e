/**
 * The numbers of one store, and what it tells through `node:diagnostics_channel`.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { QuorateError } from '../../core/base/errors.ts'
import type { Notice } from '../../core/notice.ts'
import type { Receipt } from '../../core/operation/receipt.ts'
import { CallTimes } from './call-times.ts'
import { callChannel, FENCED_CHANNEL, noticeChannel, type CallMessage, type NoticeMessage } from './channels.ts'
import { Tallies } from './tallies.ts'

/** What ended: a call on a keyspace. Changes of registers count as puts, as deletes do. */
export interface EndedCall {
  readonly kind: 'get' | 'put' | 'look' | 'change' | 'scan'
  readonly keyspace: { readonly name: string }
}

const OPERATION: Readonly<Record<EndedCall['kind'], string>> = {
  get: 'get',
  look: 'get',
  put: 'put',
  change: 'put',
  scan: 'scan',
}

export class Telemetry {
  readonly times: CallTimes = new CallTimes()
  readonly tallies: Tallies = new Tallies()
  /** Tokens that gates in this process refused, whichever store they came from. */
  fenced = 0
  readonly #store: string
  readonly #onFenced = (): void => void this.fenced++

  /** @param store its id. */
  constructor(store: string) {
    this.#store = store
    subscribe(FENCED_CHANNEL, this.#onFenced)
  }

  /** The clock that calendars go by, less the one that only goes on: how far the former was set since the process began. */
  get clockStepMs(): number {
    return Date.now() - performance.timeOrigin - performance.now()
  }

  noted(notice: Notice): void {
    this.tallies.add(notice)
    if (noticeChannel.hasSubscribers) noticeChannel.publish({ store: this.#store, notice } satisfies NoticeMessage)
  }

  /** Whether somebody wants to be told of each call, so that its beginning has to be remembered. */
  get isAsked(): boolean {
    return callChannel.hasSubscribers
  }

  /** @param startedAtMs on the clock that only goes on; 0 where nobody asked when the call began. */
  ended(call: EndedCall, result: unknown, startedAtMs: number): void {
    const receipt = receiptOf(result)
    const operation = OPERATION[call.kind]
    const { name } = call.keyspace
    if (receipt !== undefined) this.times.took(name, operation, receipt.level, receipt.ms)
    if (!callChannel.hasSubscribers || startedAtMs === 0) return
    callChannel.publish({
      'db.system.name': 'quorate',
      'db.namespace': name,
      'db.operation.name': operation,
      'db.client.operation.duration': (performance.now() - startedAtMs) / 1_000,
      ...(result instanceof Error && { 'error.type': result instanceof QuorateError ? result.code : result.name }),
      ...(receipt !== undefined && { 'quorate.level': receipt.level }),
    } satisfies CallMessage)
  }

  close(): void {
    unsubscribe(FENCED_CHANNEL, this.#onFenced)
  }
}

function receiptOf(result: unknown): Receipt | undefined {
  return result instanceof Error ? undefined : (result as { readonly receipt?: Receipt }).receipt
}
