/**
 * What a supervisor and its replica processes say to each other, over Node's channel between parent and child.
 *
 * A supervised replica tells when it serves, or why it cannot; prints nothing; leaves Ctrl-C to its supervisor, which the
 * terminal tells as well; and stops when the channel closes, so that none outlives a supervisor that was killed.
 */

/** Set for supervised processes. The channel alone does not tell: other tools open one too. */
export const SUPERVISED = 'QUORATE_SUPERVISED'

export type ReplicaMessage =
  | { readonly kind: 'ready'; readonly url: string; readonly http: string | undefined }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

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
