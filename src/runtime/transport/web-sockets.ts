/**
 * The network that processes of a cluster are in, unless they are told of another: links are WebSockets.
 */
import { dial } from './dialer.ts'
import { listen } from './listener.ts'
import type { Network } from './transport.ts'

export const webSockets: Network = { listen, dial }
