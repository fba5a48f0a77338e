/**
 * What the page shows: a cluster as it is put together from the reports of its replicas, and the levers of those that may
 * be played with.
 */
import type { Copy } from '../runtime/copy.ts'
import type { Report } from './report.ts'

export interface ReplicaView {
  readonly id: string
  /** `silent`: it does not report. The others are known of processes that are played with alone. */
  readonly state: 'running' | 'silent' | 'starting' | 'waiting' | 'paused' | 'killed' | 'stopped'
  readonly pid?: number | undefined
  /** Its last report; nothing before the first. */
  readonly report: Report | undefined
  readonly reportAgeMs: number
  /** What it holds of the key that is played with. */
  readonly copies?: { readonly ap: Copy | undefined; readonly cp: Copy | undefined }
  /** The highest generation in which it led. */
  readonly token?: number | undefined
}

export interface LinkView {
  readonly from: string
  readonly to: string
  readonly isCut: boolean
  readonly delayMs: number
  readonly heldBytes: number
  readonly passedBytes: number
}

/** What stands behind a fence, and who came. */
export interface ResourceView {
  readonly highest: number
  readonly visits: readonly {
    readonly at: string
    readonly replica: string
    readonly token: number
    readonly accepted: boolean
  }[]
}

/** What there is only where the cluster may be played with. */
export interface PlayView {
  readonly key: string
  readonly keyspaces: { readonly ap: string; readonly cp: string }
  readonly group: string
  readonly links: readonly LinkView[]
  readonly resource: ResourceView
  /** The replica through which steady writes go; nothing while there are none. */
  readonly steadyVia: string | undefined
}

export interface ClusterState {
  readonly at: string
  readonly replicas: readonly ReplicaView[]
  readonly play: PlayView | undefined
}

/** Something that happened, at a replica or by somebody's hand. */
export interface ClusterEvent {
  readonly at: string
  /** Nothing for what was done to the cluster. */
  readonly replica: string | undefined
  readonly kind: string
  readonly [field: string]: unknown
}

/** One steady write, on both sides. */
export interface Sample {
  readonly at: string
  readonly via: string
  readonly ap: { readonly ok: boolean; readonly ms: number }
  readonly cp: { readonly ok: boolean; readonly ms: number }
}

export type ClusterMessage =
  | { readonly kind: 'state'; readonly state: ClusterState }
  | { readonly kind: 'event'; readonly event: ClusterEvent }
  | { readonly kind: 'sample'; readonly sample: Sample }

export interface ClusterView {
  /** Looks anew. */
  look(): Promise<ClusterState>
  /** The latest events and samples, oldest first. */
  recent(): readonly ClusterMessage[]
  /** Calls back with what changes, until the function that it gives is called. Looks only while somebody listens. */
  watch(listener: (message: ClusterMessage) => void): () => void
  /** What a name does, or nothing for an unknown one. Left out where nobody may play. */
  readonly levers?: (name: string) => ((body: unknown) => Promise<object>) | undefined
}
