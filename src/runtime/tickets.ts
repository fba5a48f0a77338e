/**
 * Where calls become promises: one ticket and one promise for each call, and nothing else on the way.
 */
import { QuorateError } from '../core/base/errors.ts'
import type { Call } from '../core/coordinator.ts'
import type { GetResult } from '../core/operation/get.ts'
import type { OpenResult } from '../core/operation/open.ts'
import type { PutResult } from '../core/operation/put.ts'
import type { ScanResult } from '../core/operation/scan.ts'
import type { Engine, Ticket } from './engine.ts'

/** What the core gives back for each kind of call. */
interface Results {
  readonly get: GetResult
  readonly put: PutResult
  readonly scan: ScanResult
  readonly open: OpenResult
}

type WithoutTag<C> = C extends unknown ? Omit<C, 'tag'> : never

class Pending<Result, Out> implements Ticket {
  readonly #resolve: (out: Out) => void
  readonly #reject: (error: unknown) => void
  readonly #finish: (result: Result) => Out
  onEnd: (() => void) | undefined = undefined
  ended = false

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
    this.ended = true
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
export function start<Kind extends Call['kind'], Out>(
  engine: Engine,
  call: WithoutTag<Call> & { readonly kind: Kind },
  rest: { readonly signal: AbortSignal | undefined; readonly finish: (result: Results[Kind]) => Out },
): Promise<Out> {
  const { signal, finish } = rest
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new QuorateError('QUORATE_ABORTED', 'the signal was aborted before the call; nothing was sent'))
      return
    }
    const ticket = new Pending<Results[Kind], Out>({ resolve, reject, finish })
    ;(call as unknown as { tag: unknown }).tag = ticket
    const id = engine.call(call as unknown as Call)
    if (signal === undefined || ticket.ended) return
    const abort = (): void => engine.cancel(id)
    signal.addEventListener('abort', abort, { once: true })
    ticket.onEnd = () => signal.removeEventListener('abort', abort)
  })
}
