/**
 * Where calls become promises: one object and one promise for each call, and nothing else on the way.
 */
import { QuorateError } from '../core/base/errors.ts'
import type { Call } from '../core/coordinator-calls.ts'
import type { Engine, Ticket } from './engine.ts'

/** What a call ends with: turns the core's result into what the application gets. */
export abstract class Finisher<Out> implements Ticket {
  #resolve: ((out: Out) => void) | undefined
  #reject: ((error: unknown) => void) | undefined
  onEnd: (() => void) | undefined = undefined
  ended = false

  /** The application's promise. Called once, before the call is made. */
  promise(): Promise<Out> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  abstract finish(result: never): Out

  done(result: unknown): void {
    this.ended = true
    this.onEnd?.()
    if (result instanceof Error) {
      this.#reject?.(result)
      return
    }
    try {
      this.#resolve?.(this.finish(result as never))
    } catch (error) {
      this.#reject?.(error)
    }
  }
}

/** Starts a call, whose `tag` is its finisher. What goes wrong before it begins is a rejection as well. */
export function start<Out>(
  engine: Engine,
  call: Call & { readonly tag: Finisher<Out> },
  signal: AbortSignal | undefined,
): Promise<Out> {
  const finisher = call.tag
  const promise = finisher.promise()
  if (signal?.aborted) {
    finisher.done(new QuorateError('QUORATE_ABORTED', 'the signal was aborted before the call; nothing was sent'))
    return promise
  }
  const id = engine.call(call)
  if (signal === undefined || finisher.ended) return promise
  const abort = (): void => engine.cancel(id)
  signal.addEventListener('abort', abort, { once: true })
  finisher.onEnd = () => signal.removeEventListener('abort', abort)
  return promise
}

/** For results that are handed on as they are. */
export class Plain<Result> extends Finisher<Result> {
  override finish(result: Result): Result {
    return result
  }
}
