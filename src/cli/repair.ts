/**
 * `quorate repair`: every replica of a cluster compares itself with the others, one after another, and takes what it lacks.
 */
import type { ExchangeSummary } from '../core/notice.ts'
import type { RepairProgress } from '../runtime/repair.ts'
import { DEFAULT_PORT } from './cluster-client.ts'
import type { Command, Input } from './command.ts'
import { Failed } from './failure.ts'
import type { Output } from './output.ts'

export const repairCommand: Command = {
  name: 'repair',
  summary: 'Make the replicas equal now, without reading every key.',
  positionals: [],
  options: {
    http: { value: 'URL', multiple: true, help: 'the HTTP side of a replica, http://host:port; name each' },
    port: { value: 'N', help: `of a quorate start on this machine, where none is named; ${DEFAULT_PORT} by default` },
  },
  notes: `Replicas do this by themselves, every ten seconds by default. It fails when an exchange did not come to its end, such
as with a replica that cannot be reached; what was exchanged until then stays.`,
  examples: ['quorate repair', 'quorate repair --json', 'quorate repair --http http://127.0.0.1:7201'],
  run: runRepair,
}

type Line =
  | ({ readonly kind: 'progress' } & RepairProgress)
  | { readonly kind: 'done'; readonly replicas: Readonly<Record<string, ExchangeSummary>> }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

async function runRepair(input: Input, output: Output): Promise<void> {
  const named = input.texts('http')
  const urls = named.length > 0 ? named : await discover(input.number('port', { min: 1, max: 65_535 }) ?? DEFAULT_PORT)
  const failed: string[] = []
  for (const url of urls) {
    const replicas = await repairThrough(url, output)
    output.tell({ http: url, replicas }, textOf(url, replicas))
    for (const [replica, { outcome }] of Object.entries(replicas)) {
      if (outcome !== 'done') failed.push(`${replica}, asked by ${url}: ${outcome}`)
    }
  }
  if (failed.length > 0) throw new Failed(`QUORATE_UNAVAILABLE: not everything was exchanged (${failed.join('; ')})`)
}

async function repairThrough(url: string, output: Output): Promise<Readonly<Record<string, ExchangeSummary>>> {
  let response: Response
  try {
    response = await fetch(new URL('/repair', url), { method: 'POST' })
  } catch {
    throw new Failed(`QUORATE_UNAVAILABLE: nothing answers at ${url}`)
  }
  if (!response.ok || response.body === null) {
    throw new Failed(`QUORATE_UNAVAILABLE: ${url} refuses to repair: ${(await response.text()).slice(0, 300)}`)
  }
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const text of lines) {
      const line = JSON.parse(text) as Line
      if (line.kind === 'done') return line.replicas
      if (line.kind === 'failed') throw new Failed(`${line.code}: ${line.message}`)
      output.progress(progressOf(url, line))
    }
  }
  throw new Failed(`QUORATE_UNAVAILABLE: ${url} went away while it repaired`)
}

function progressOf(url: string, { running, waiting }: RepairProgress): string {
  if (running === undefined) return `${url}: waits for ${waiting.join(', ')} …`
  const { replica, rounds, bytes, received } = running
  return `${url}: with ${replica}, ${rounds} rounds, ${bytes} bytes, ${received} records received …`
}

function textOf(url: string, replicas: Readonly<Record<string, ExchangeSummary>>): string {
  const rows = Object.entries(replicas).map(([id, { outcome, differing, offered, received, bytes }]) => {
    return `  ${id}  ${outcome}, ${differing} differed, ${offered} sent, ${received} received, ${bytes} bytes`
  })
  return [url, ...rows].join('\n')
}

const LOOK_MS = 2_000

/** The HTTP sides of the replicas of a `quorate start`, or of the one replica that answers itself. */
async function discover(port: number): Promise<readonly string[]> {
  const url = `http://127.0.0.1:${port}`
  let status: { readonly role?: unknown; readonly processes?: Readonly<Record<string, { readonly http?: string }>> }
  try {
    const response = await fetch(`${url}/status`, { signal: AbortSignal.timeout(LOOK_MS) })
    status = (await response.json()) as typeof status
  } catch {
    throw new Failed(
      `QUORATE_UNAVAILABLE: no cluster answers at ${url}. Start one with quorate start, or name --http …`,
    )
  }
  if (status.role === 'node') return [url]
  const sides = Object.values(status.processes ?? {}).flatMap(({ http }) => (http === undefined ? [] : [http]))
  if (sides.length > 0) return sides
  throw new Failed(`QUORATE_UNAVAILABLE: what answers at ${url} is no quorate start. Name replicas with --http …`)
}
