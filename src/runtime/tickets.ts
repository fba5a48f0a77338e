/**
 * Where calls become promises: one ticket and one promise for each call, and nothing else on the way.
 */
import { QuorateError } from '../core/base/errors.ts'
import type { Call } from '../core/coordinator.ts'
import type { Engine, Ticket } from './engine.ts'

type WithoutTag<C> = C extends unknown ? Omit<C, 'tag'> : never

class Pending<Result, Out> implements Ticket {
  readonly #resolve: (out: Out) => void
  readonly #reject: (error: unknown) => void
  readonly #finish: (result: Result) => Out
  onEnd: (() => void) | undefined = undefined

  constructor(ends: {
    resolve: (out: Out) => void
    reject: (error: unknown) => void
    finish: (result: Result) => Out
  }) {
    this.#resolve = ends.resolve
    this.#reject = ends.reject
    this.#finish = ends.finish
  }

  done(result: unknown): void {
    this.onEnd?.()
    if (result instanceof QuorateError) {
      this.#reject(result)
      return
    }
    try {
      this.#resolve(this.#finish(result as Result))
    } catch (error) {
      this.#reject(error)
    }
  }
}

/** Starts a call; `finish` turns the core's result into what the application gets. */
export function start<Result, Out>(
  engine: Engine,
  call: WithoutTag<Call>,
  rest: { readonly signal: AbortSignal | undefined; readonly finish: (result: Result) => Out },
): Promise<Out> {
  const { signal, finish } = rest
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new QuorateError('QUORATE_ABORTED', 'the signal was aborted before the call; nothing was sent'))
      return
    }
    const ticket = new Pending<Result, Out>({ resolve, reject, finish })
    ;(call as { tag?: unknown }).tag = ticket
    const id = engine.call(call as Call)
    if (signal === undefined) return
    const abort = (): void => engine.cancel(id)
    signal.addEventListener('abort', abort, { once: true })
    ticket.onEnd = () => signal.removeEventListener('abort', abort)
  })
}
