/**
 * The public face of quorate.
 */
export {
  QuorateError,
  type Current,
  type ErrorCode,
  type Outcome,
  type ReplicaSaid,
  type Retry,
} from './core/base/errors.ts'
export type { LostReason } from './core/consensus/candidate.ts'
export type { Leader } from './core/consensus/group.ts'
export type { LeaderChange } from './core/consensus/observer.ts'
export type { ExchangeSummary, Notice, Reachability } from './core/notice.ts'
export type { Receipt, ReplicaReceipt } from './core/operation/receipt.ts'
export type {
  AnyKeyspaceOptions,
  Conflicts,
  CoreOptions,
  CpKeyspaceOptions,
  KeyspaceOptions,
  Repair,
} from './core/options.ts'
export type { PhaseOptions, QuorumShare, QuorumStrategy, QuorumTexts } from './core/quorum-options.ts'
export type { Level } from './core/quorum/level.ts'
export type { ApKeyspace } from './runtime/ap-keyspace.ts'
export type {
  CallOptions,
  ChangeOptions,
  GetOptions,
  LookOptions,
  PutManyOptions,
  PutOptions,
  RangeOptions,
  ScanOptions,
  UpdateOptions,
} from './runtime/call-options.ts'
export type { CpKeyspace } from './runtime/cp-keyspace.ts'
export type { Many } from './runtime/many.ts'
export { connect, type Client, type ClientOptions } from './runtime/client.ts'
export type { Entry, Put, VersionInfo } from './runtime/entry.ts'
export {
  startLocalCluster,
  type CutOptions,
  type LocalCluster,
  type LocalClusterOptions,
} from './runtime/local-cluster.ts'
export type { Copy } from './runtime/copy.ts'
export type { DrainLeft } from './runtime/drain.ts'
export type { GroupHealth, Health, KeyspaceHealth } from './runtime/health.ts'
export { openNode, type Node, type NodeOptions, type NodeStatus, type Peer } from './runtime/node.ts'
export { RegisterError, type Changed, type Register, type Settled, type Updated } from './runtime/register.ts'
export type { RepairOptions, RepairProgress, RepairResult, RunningExchange } from './runtime/repair.ts'
export { FenceGate, MemoryFences, type FenceStorage } from './runtime/fence-gate.ts'
export { fileFences } from './runtime/fence-file.ts'
export type { Lock, LockOptions } from './runtime/lock.ts'
export type { CampaignOptions, Elected, GroupObserver, Lost, Seat, SeatEvents } from './runtime/seat.ts'
export type { Session } from './runtime/session.ts'
export type { ReplicaStatus, StoreStatus } from './runtime/store.ts'
export type { CallMessage, FencedMessage, NoticeMessage } from './runtime/telemetry/channels.ts'
export type { TransportLimits } from './runtime/transport/transport.ts'
