/**
 * What `quorate start` starts: names, ports and directories of the replicas, and the checks before anything runs.
 *
 * Ports follow from one: the supervisor's own HTTP is on `port`, the replicas' WebSockets on the ones behind it, and
 * the HTTP of each replica a hundred above its WebSocket. The number of replicas is kept beside the data, because a
 * cluster of another size would look for keys in other places.
 */
import { constants } from 'node:fs'
import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { invalid, QuorateError } from '../core/base/errors.ts'

export const HOST = '127.0.0.1'
export const REPLICAS_MAX = 26
/** The last port is 100 and the number of replicas above the first. */
export const PORT_MAX: number = 65_535 - 100 - REPLICAS_MAX
const HTTP_ABOVE = 100

export interface PlannedReplica {
  readonly id: string
  readonly port: number
  readonly url: string
  readonly httpPort: number
  readonly dataDir: string
}

export interface ClusterPlan {
  readonly port: number
  readonly dataDir: string
  readonly replicas: readonly PlannedReplica[]
}

/** Makes the data directory, if need be, and a plan that fits what is in it. */
export async function planCluster(options: {
  /** Left out: as many as the data is of, or three. */
  readonly replicas: number | undefined
  readonly dataDir: string
  readonly port: number
}): Promise<ClusterPlan> {
  const { dataDir, port } = options
  await prepare(dataDir)
  const kept = await keptReplicas(dataDir)
  if (kept !== undefined && options.replicas !== undefined && options.replicas !== kept) {
    throw invalid(
      `the data in ${dataDir} is of ${kept} replicas, not of ${options.replicas}: leave --replicas out, or name another --data`,
    )
  }
  const count = kept ?? options.replicas ?? 3
  const replicas = Array.from({ length: count }, (_, index): PlannedReplica => {
    const id = String.fromCodePoint(97 + index)
    const own = port + 1 + index
    return { id, port: own, url: `ws://${HOST}:${own}`, httpPort: own + HTTP_ABOVE, dataDir: path.join(dataDir, id) }
  })
  return { port, dataDir, replicas }
}

/** Throws `QUORATE_INVALID_OPTION` for the first port that something else has. */
export async function checkPorts({ port, replicas }: ClusterPlan): Promise<void> {
  await checkPort(port, 'HTTP')
  for (const replica of replicas) {
    await checkPort(replica.port, `replica ${replica.id}`)
    await checkPort(replica.httpPort, `HTTP of replica ${replica.id}`)
  }
}

/** Keeps the number of replicas beside the data, once they run. */
export async function keepPlan({ dataDir, replicas }: ClusterPlan): Promise<void> {
  const file = path.join(dataDir, FILE)
  await writeFile(`${file}.new`, `${JSON.stringify({ format: 1, replicas: replicas.length })}\n`)
  await rename(`${file}.new`, file)
}

const FILE = 'cluster.json'

async function prepare(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true })
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const denied = code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
    const why = denied ? 'this user may not write there' : message
    throw storageError(`the data directory ${dataDir} cannot be used: ${why}. Name another one with --data.`, cause)
  }
}

async function keptReplicas(dataDir: string): Promise<number | undefined> {
  const file = path.join(dataDir, FILE)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw storageError(
      `${file} cannot be read: ${(cause as Error).message}. Name another directory with --data.`,
      cause,
    )
  }
  const replicas = parseKept(text)
  if (replicas !== undefined) return replicas
  throw storageError(
    `${file} is damaged. Write {"format":1,"replicas":N} into it, where N is the number of replicas whose data is there.`,
    undefined,
  )
}

function parseKept(text: string): number | undefined {
  try {
    const kept = JSON.parse(text) as { readonly format?: unknown; readonly replicas?: unknown } | null
    const replicas = kept?.format === 1 ? kept.replicas : undefined
    const fits = Number.isInteger(replicas) && (replicas as number) >= 1 && (replicas as number) <= REPLICAS_MAX
    return fits ? (replicas as number) : undefined
  } catch {
    return undefined
  }
}

function storageError(message: string, cause: unknown): QuorateError {
  return new QuorateError('QUORATE_STORAGE', message, { cause })
}

function checkPort(port: number, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (cause: NodeJS.ErrnoException) => {
      const inUse = cause.code === 'EADDRINUSE'
      const why = inUse ? 'is in use: stop what has it' : `cannot be listened on (${cause.message})`
      const message = `port ${port}, for the ${what}, ${why}, or choose other ports with --port N`
      reject(new QuorateError('QUORATE_INVALID_OPTION', message, { cause }))
    })
    probe.listen({ host: HOST, port }, () => probe.close(() => resolve()))
  })
}
