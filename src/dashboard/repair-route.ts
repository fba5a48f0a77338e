/**
 * `POST /repair`: makes the replica of this process equal to the others, and tells how far it is.
 *
 * The answer is a line of JSON for each step, `{"kind":"progress",…}`, and `{"kind":"done",…}` or `{"kind":"failed",…}` at
 * the end. Whoever hangs up waits no longer.
 */
import type { ServerResponse } from 'node:http'
import { invalid } from '../core/base/errors.ts'
import type { RepairOptions, RepairResult } from '../runtime/repair.ts'
import type { Store } from '../runtime/store.ts'
import { errorAnswer } from './answer.ts'
import { jsonText } from './json-text.ts'

interface Repairable {
  repair(options: RepairOptions): Promise<RepairResult>
}

/** Takes the response over. Throws `QUORATE_INVALID_OPTION` where there is no replica. */
export async function answerRepair(
  store: Store,
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
): Promise<undefined> {
  if (!isRepairable(store)) throw invalid('there is no replica in this process: ask each replica to repair itself')
  const controller = new AbortController()
  response.once('close', () => controller.abort())
  response.writeHead(200, { ...headers, 'content-type': 'application/x-ndjson' })
  const write = (line: unknown): void => void response.write(`${jsonText(line)}\n`)
  try {
    // A reader that does not keep up gets fewer lines.
    const replicas = await store.repair({
      signal: controller.signal,
      onProgress: (progress) => {
        if (response.writableLength === 0) write({ kind: 'progress', ...progress })
      },
    })
    write({ kind: 'done', replicas })
  } catch (error) {
    write({ kind: 'failed', ...(JSON.parse(errorAnswer(error).body) as object) })
  }
  response.end()
  return undefined
}

function isRepairable(store: object): store is Repairable {
  return 'repair' in store
}
