/**
 * Where calls become promises: one object and one promise for each call, and nothing else on the way.
 */
import { QuorateError } from '../core/base/errors.ts'
import type { Call } from '../core/coordinator-calls.ts'
import type { Engine, Ticket } from './engine.ts'
import type { EndedCall, Telemetry } from './telemetry/telemetry.ts'

/** What a call ends with: turns the core's result into what the application gets. */
export abstract class Finisher<Out> implements Ticket {
  #resolve: ((out: Out) => void) | undefined
  #reject: ((error: unknown) => void) | undefined
  onEnd: (() => void) | undefined = undefined
  ended = false
  #telemetry: Telemetry | undefined
  #call: EndedCall | undefined
  #startedAtMs = 0

  /** Has the call counted when it ends. */
  count(telemetry: Telemetry, call: EndedCall): void {
    this.#telemetry = telemetry
    this.#call = call
    if (telemetry.isAsked) this.#startedAtMs = performance.now()
  }

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
    if (this.#call !== undefined) this.#telemetry?.ended(this.#call, result, this.#startedAtMs)
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
  if (call.kind !== 'open') finisher.count(engine.telemetry, call)
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
