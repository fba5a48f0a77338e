/**
 * What happens here, for whoever subscribes through `node:diagnostics_channel`: nothing is made while nobody does.
 *
 * `quorate:call` tells every call that ended, with the attribute names of OpenTelemetry's semantic conventions for
 * database clients, so that a subscriber can hand a message on as it is. `quorate:notice` tells what `store.observe` tells,
 * and by which store. `quorate:fenced` tells that a `FenceGate` refused a token.
 */
import { channel, type Channel } from 'node:diagnostics_channel'
import type { Notice } from '../../core/notice.ts'

/** A message of `quorate:call`. */
export interface CallMessage {
  readonly 'db.system.name': 'quorate'
  readonly 'db.namespace': string
  readonly 'db.operation.name': string
  /** In seconds. */
  readonly 'db.client.operation.duration': number
  /** The code, for a call that failed. */
  readonly 'error.type'?: string
  /** The level that it was answered at, by its canonical name; nothing for a call that failed. */
  readonly 'quorate.level'?: string
}

/** A message of `quorate:notice`. */
export interface NoticeMessage {
  /** The id of the node or client. */
  readonly store: string
  readonly notice: Notice
}

/** A message of `quorate:fenced`. */
export interface FencedMessage {
  readonly resource: string
  readonly token: number
  readonly highest: number
}

export const FENCED_CHANNEL = 'quorate:fenced'

export const callChannel: Channel = channel('quorate:call')
export const noticeChannel: Channel = channel('quorate:notice')
export const fencedChannel: Channel = channel(FENCED_CHANNEL)
