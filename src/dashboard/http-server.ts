/**
 * The HTTP side of a node, or of any process with a store: status, metrics, events, keys and a page, on `node:http`.
 *
 * It listens on loopback unless told otherwise and asks nobody for a password: on another address, put a proxy with one
 * in front. Pages of other sites are refused (request-guard.ts), and everything that it holds for a client is bounded
 * (http-limits.ts). The caller closes it before the store.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { invalid, QuorateError } from '../core/base/errors.ts'
import type { Store } from '../runtime/store.ts'
import { listenError } from '../runtime/transport/limits.ts'
import { checkQuery, parseAddress, type RequestAddress } from './address.ts'
import { errorAnswer, jsonAnswer, notThere, textAnswer, wrongMethod, type Answer } from './answer.ts'
import { Bodies } from './body.ts'
import { ClusterRoutes } from './cluster-routes.ts'
import type { ClusterView } from './cluster-view.ts'
import { ClusterWatch } from './cluster-watch.ts'
import { copyAnswer } from './copy-route.ts'
import { EventStreams } from './event-streams.ts'
import { frontPage } from './front-page.ts'
import { resolveHttpLimits, type HttpLimits } from './http-limits.ts'
import { KvRoutes } from './kv-routes.ts'
import { pageFile, wantsPage } from './page-files.ts'
import { METRICS_TYPE, metricsText } from './prometheus.ts'
import { answerRepair } from './repair-route.ts'
import { reportOf } from './report.ts'
import { checkRequest } from './request-guard.ts'

export interface HttpOptions {
  readonly store: Store
  /** 127.0.0.1 by default. */
  readonly host?: string
  /** A free one by default. */
  readonly port?: number
  /**
   * Names in the `Host` header that mean this server, besides `localhost`, addresses, and `host` itself. None by default.
   *
   * Any other name is refused, because a page could have made its own name point here.
   */
  readonly hostNames?: readonly string[]
  /** What `GET /status` shows. `store.status()` by default. */
  readonly status?: () => object
  /** What the page shows. This process alone by default. */
  readonly cluster?: ClusterView
  readonly limits?: Partial<HttpLimits>
}

export interface HttpSide {
  readonly url: string
  readonly port: number
  /** Ends event streams, lets requests under way finish for a moment, and frees the port. Closing twice is fine. */
  close(): Promise<void>
}

/** Starts to serve. Rejects with `QUORATE_INVALID_OPTION` for options that cannot be, a port in use among them. */
export async function startHttp(options: HttpOptions): Promise<HttpSide> {
  const { host = '127.0.0.1', port = 0 } = options
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw invalid(`the port of the HTTP side is ${String(port)}: use 0 to 65535`)
  }
  const side = new HttpServer({ ...options, host, port })
  await side.start()
  return side
}

const CLOSE_MS = 2_000
const CHECK_MS = 1_000
/** What a method may be used for, by the first part of the path and how many parts there are. */
const METHODS: Readonly<Record<string, readonly string[]>> = {
  '/1': ['GET', 'HEAD'],
  'status/1': ['GET', 'HEAD'],
  'report/1': ['GET', 'HEAD'],
  'metrics/1': ['GET', 'HEAD'],
  'events/1': ['GET', 'HEAD'],
  'page/2': ['GET', 'HEAD'],
  'cluster/1': ['GET', 'HEAD'],
  'cluster/2': ['GET', 'HEAD'],
  'admin/2': ['POST'],
  'copy/3': ['GET', 'HEAD'],
  'repair/1': ['POST'],
  'kv/2': ['GET', 'HEAD'],
  'kv/3': ['GET', 'HEAD', 'PUT', 'DELETE'],
}

const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
}

class HttpServer implements HttpSide {
  port = 0
  readonly #host: string
  readonly #options: HttpOptions & { readonly host: string; readonly port: number }
  readonly #hostNames: readonly string[]
  readonly #server: Server
  readonly #streams: EventStreams
  readonly #bodies: Bodies
  readonly #kv: KvRoutes
  readonly #cluster: ClusterRoutes
  #closing: Promise<void> | undefined

  constructor(options: HttpOptions & { readonly host: string; readonly port: number }) {
    const { store, host } = options
    const limits = resolveHttpLimits(options.limits)
    this.#options = options
    this.#host = host
    this.#hostNames = [host, ...(options.hostNames ?? [])]
    this.#streams = new EventStreams(limits, (tell) => store.observe(tell))
    const self = { id: store.id, report: async () => reportOf(store) }
    this.#cluster = new ClusterRoutes(options.cluster ?? new ClusterWatch({ sources: [self] }), limits)
    this.#bodies = new Bodies(limits)
    this.#kv = new KvRoutes(store, limits)
    const { headMsMax, connectionsMax, timeoutMsMax, heartbeatMs } = limits
    const times = { headersTimeout: headMsMax, requestTimeout: 3 * headMsMax, connectionsCheckingInterval: CHECK_MS }
    this.#server = createServer(times, (request, response) => void this.#serve(request, response))
    this.#server.maxConnections = connectionsMax
    // A connection on which nothing moves is given up, once no call and no heartbeat can be the reason.
    this.#server.timeout = Math.max(timeoutMsMax, 2 * heartbeatMs) + CHECK_MS
    this.#server.on('clientError', refuseGarbage)
  }

  get url(): string {
    return `http://${this.#host.includes(':') ? `[${this.#host}]` : this.#host}:${this.port}`
  }

  async start(): Promise<void> {
    const { host, port } = this.#options
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject)
        this.#server.listen({ host, port }, () => {
          this.#server.off('error', reject)
          // One connection could not be accepted, for want of file descriptors mostly: the client will try again.
          this.#server.on('error', () => {})
          resolve()
        })
      })
    } catch (error) {
      this.#streams.close()
      this.#cluster.close()
      throw listenError(error as Error, { host, port })
    }
    this.port = (this.#server.address() as AddressInfo).port
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      const late = setTimeout(() => this.#server.closeAllConnections(), CLOSE_MS)
      this.#server.close(() => {
        clearTimeout(late)
        resolve()
      })
      this.#streams.close()
      this.#cluster.close()
      this.#server.closeIdleConnections()
    })
    return this.#closing
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {})
    let answer: Answer | undefined
    try {
      checkRequest(request, this.#hostNames)
      answer = await this.#route(request, response)
    } catch (error) {
      answer = errorAnswer(error)
    }
    if (answer === undefined || response.destroyed) return
    const { status, body, contentType, headers } = answer
    const length = String(Buffer.byteLength(body))
    response.writeHead(status, { ...HEADERS, 'content-type': contentType, 'content-length': length, ...headers })
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  /** Gives nothing back where the response has been taken over. */
  #route(request: IncomingMessage, response: ServerResponse): Promise<Answer | undefined> | Answer | undefined {
    const address = parseAddress(request.url ?? '/')
    const { path, parts, query } = address
    const page = `${parts[0]}/${parts.length}`
    const allowed = Object.hasOwn(METHODS, page) ? METHODS[page] : undefined
    if (allowed === undefined) {
      if (parts[0] !== 'kv' || parts.length < 3) return notThere(path)
      throw invalid('a key is one part of the path: write its slashes as %2F')
    }
    const { method = 'GET' } = request
    if (!allowed.includes(method)) return wrongMethod(method, allowed)
    if (parts[0] === 'kv') return this.#routeKv({ request, response, address, method })
    checkQuery(query, [])
    const [first, name = '', key = ''] = parts
    switch (first) {
      case 'admin':
        return this.#cluster.pull(name, () => this.#bodies.json(request))
      case 'cluster':
        return this.#answerCluster(name, { path, response, method })
      case 'page':
        return pageFile(name) ?? notThere(path)
      case 'copy':
        return copyAnswer(this.#options.store, { keyspace: name, key })
      default:
        return this.#answerStore(first, { request, response, method })
    }
  }

  #answerStore(
    page: string | undefined,
    { request, response, method }: { request: IncomingMessage; response: ServerResponse; method: string },
  ): Promise<Answer | undefined> | Answer | undefined {
    const { store, status = () => store.status() } = this.#options
    const { accept, host = '' } = request.headers
    switch (page) {
      case 'status':
        return jsonAnswer(200, status())
      case 'report':
        return jsonAnswer(200, reportOf(store))
      case 'metrics':
        return { ...textAnswer(metricsText(store.status(), store.health())), contentType: METRICS_TYPE }
      case 'events':
        this.#streams.checkRoom()
        return this.#openStream(response, method, () => this.#streams.open(response))
      case 'repair':
        return answerRepair(store, response, HEADERS)
      default:
        return (wantsPage(accept) && pageFile('index.html')) || textAnswer(frontPage(store.status(), `http://${host}`))
    }
  }

  #answerCluster(
    name: string,
    { path, response, method }: { path: string; response: ServerResponse; method: string },
  ): Promise<Answer> | Answer | undefined {
    if (name === '') return this.#cluster.state()
    if (name !== 'events') return notThere(path)
    this.#cluster.checkRoom()
    return this.#openStream(response, method, () => this.#cluster.stream(response))
  }

  #routeKv(call: {
    readonly request: IncomingMessage
    readonly response: ServerResponse
    readonly address: RequestAddress
    readonly method: string
  }): Promise<Answer> {
    const { request, response, address, method } = call
    const [, keyspace = '', key] = address.parts
    const controller = new AbortController()
    response.once('close', () => {
      if (!response.writableFinished) controller.abort()
    })
    const { headers } = request
    const body = (): Promise<unknown> => this.#bodies.json(request)
    const asked = { keyspace, query: address.query, headers, signal: controller.signal, body }
    if (key === undefined) return this.#kv.scan(asked)
    if (method === 'PUT') return this.#kv.put({ ...asked, key })
    if (method === 'DELETE') return this.#kv.delete({ ...asked, key })
    return this.#kv.get({ ...asked, key })
  }

  #openStream(response: ServerResponse, method: string, open: () => void): undefined {
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' })
    if (method === 'HEAD') response.end()
    else open()
    return undefined
  }
}

const GARBAGE: Readonly<Record<string, readonly [status: string, error: QuorateError]>> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    new QuorateError('QUORATE_LIMIT', 'the head of the request is too large'),
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    '408 Request Timeout',
    new QuorateError('QUORATE_TIMEOUT', 'the request did not come in time'),
  ],
}

/** What is not HTTP, or too large or too slow to be: its connection ends with a word why. */
function refuseGarbage(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, said] = GARBAGE[error.code ?? ''] ?? ['400 Bad Request', invalid('this is not an HTTP request')]
  const body = `${JSON.stringify(said)}\n`
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`
  socket.end(`${head}connection: close\r\n\r\n${body}`, () => socket.destroy())
}
