/**
 * What a supervisor and its replica processes say to each other, over Node's channel between parent and child.
 *
 * A supervised replica tells when it serves, or why it cannot; stands for the lead of the group that it is told; prints nothing; leaves Ctrl-C to its supervisor, which the
 * terminal tells as well; and stops when the channel closes, so that none outlives a supervisor that was killed.
 */

import type { Node } from '../runtime/node.ts'

/** Set for supervised processes. The channel alone does not tell: other tools open one too. */
export const SUPERVISED = 'QUORATE_SUPERVISED'

export type ReplicaMessage =
  | { readonly kind: 'ready'; readonly url: string; readonly http: string | undefined }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

/** What a supervisor says. */
export interface SupervisorMessage {
  readonly kind: 'campaign'
  readonly group: string
}

/** The group that the replicas of a local cluster stand in, so that elections can be watched. */
export const PLAY_GROUP = 'explorer'

/** Does what the supervisor says from now on. */
export function obeySupervisor(node: Pick<Node, 'campaign'>): void {
  process.on('message', (message: SupervisorMessage) => {
    if (message.kind === 'campaign') node.campaign(message.group)
  })
}

export function isSupervised(): boolean {
  return process.env[SUPERVISED] === '1' && process.send !== undefined
}

/** Tells the supervisor, if it is still there. Waits until the message has left. */
export function tellSupervisor(message: ReplicaMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => resolve())
    else resolve()
  })
}
