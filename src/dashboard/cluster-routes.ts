/**
 * The cluster over HTTP: `GET /cluster` for its state, `GET /cluster/events` for what changes, and `POST /admin/…` to play
 * with one that may be played with.
 */
import type { ServerResponse } from 'node:http'
import { jsonAnswer, notThere, type Answer } from './answer.ts'
import type { ClusterView } from './cluster-view.ts'
import { EventStreams } from './event-streams.ts'
import type { HttpLimits } from './http-limits.ts'

export class ClusterRoutes {
  readonly #view: ClusterView
  readonly #streams: EventStreams

  constructor(view: ClusterView, limits: HttpLimits) {
    this.#view = view
    this.#streams = new EventStreams(limits, (tell) => view.watch(tell))
  }

  async state(): Promise<Answer> {
    return jsonAnswer(200, await this.#view.look())
  }

  /** Throws `QUORATE_OVERLOADED` when there are enough readers. */
  checkRoom(): void {
    this.#streams.checkRoom()
  }

  /** Takes the response over. */
  stream(response: ServerResponse): void {
    this.#streams.open(response, this.#view.recent())
  }

  async pull(name: string, body: () => Promise<unknown>): Promise<Answer> {
    const lever = this.#view.levers?.(name)
    if (lever === undefined) return notThere(`/admin/${name}`)
    return jsonAnswer(200, await lever(await body()))
  }

  close(): void {
    this.#streams.close()
  }
}
