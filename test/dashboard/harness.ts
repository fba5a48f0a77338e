/**
 * A cluster in memory and the HTTP side of its replica `a`, for tests that ask with real clients and with bare sockets.
 */
import { request, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { expect } from 'vitest'
import { startHttp, type HttpOptions, type HttpSide } from '../../src/dashboard/http-server.ts'
import type { HttpLimits } from '../../src/dashboard/http-limits.ts'
import { startLocalCluster, type LocalCluster } from '../../src/runtime/local-cluster.ts'

export interface Served {
  readonly cluster: LocalCluster
  readonly http: HttpSide
  readonly close: () => Promise<void>
}

export async function serveCluster(
  limits: Partial<HttpLimits> = {},
  options: Partial<HttpOptions> = {},
): Promise<Served> {
  const cluster = await startLocalCluster({ replicas: 3, timeoutMs: 3_000, heartbeatMs: 100 })
  const http = await startHttp({ store: cluster.node('a'), limits, ...options })
  const close = async (): Promise<void> => {
    await http.close()
    await cluster.close()
  }
  return { cluster, http, close }
}

export interface Said {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body as JSON, or nothing where it is none. */
  readonly json: Readonly<Record<string, unknown>> | undefined
}

/** One request with any method and headers, `Host` among them, which `fetch` does not let a program choose. */
export function ask(
  url: string,
  options: {
    readonly method?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string | Buffer
  } = {},
): Promise<Said> {
  const { method = 'GET', headers = {}, body } = options
  // The path goes out as it is: `URL` would resolve a key named `..` away.
  const [, host = '', port = '', path = '/'] = /^http:\/\/([^/:]+):(\d+)(\/.*)?$/.exec(url) ?? []
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: jsonOf(text) })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

export function put(url: string, value: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Said> {
  return ask(url, { method: 'PUT', body: JSON.stringify(value), headers })
}

/** Some text, wherever it stands in what is expected. */
export const SOME_TEXT: unknown = expect.any(String)

/** Sends bytes as they are, and gives everything that comes back until the other side ends the connection. */
export function bare(port: number, ...parts: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let said = ''
    socket.on('data', (chunk: Buffer) => (said += chunk.toString()))
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve(said) : reject(error)))
    socket.on('close', () => resolve(said))
    for (const part of parts) socket.write(part)
  })
}

/** Waits until something holds, for what has no event to wait for. */
export async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`this never came true: ${String(holds)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function jsonOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  } catch {
    return undefined
  }
}
