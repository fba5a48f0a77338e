/**
 * One run: everything that happens in it is decided by its seed and by what the caller fixed.
 *
 * A first phase in which clients work while faults come and go, for safety; then healing and the finale, for liveness.
 */
import type { HistoryLine } from '../check/history.ts'
import type { KeyspaceDefinition } from '../core/keyspace-definition.ts'
import { Random } from '../core/base/random.ts'
import { electorCount } from '../core/consensus/group.ts'
import { majorityOf } from '../core/quorum/quorum.ts'
import type { Breakage } from './breakage.ts'
import { Texts, type CallerSurroundings } from './caller.ts'
import { WallClock } from './broken-elections.ts'
import { Client } from './client.ts'
import { NodeClock } from './clocks.ts'
import { drawCluster, type ClusterPlan, type GivenKeyspace, type HostPlan } from './cluster-plan.ts'
import { SimDisk } from './disk.ts'
import type { Fault, FaultClass, NemesisPlan } from './faults.ts'
import { Finale } from './finale.ts'
import { RegisterClient } from './register-client.ts'
import { Recorder } from './history.ts'
import { Host } from './host.ts'
import { Leadership } from './leadership.ts'
import { driftOf, withLeases } from './led-plan.ts'
import { drawLeadership, withinDrift, type GivenLeadership, type LeadershipPlan } from './leadership-plan.ts'
import { Nemesis } from './nemesis.ts'
import { drawNemesis } from './nemesis-plan.ts'
import { Network, type NetworkConditions, type NetworkStats } from './network.ts'
import { Promises } from './promises.ts'
import { Rivalry } from './rivalry.ts'
import { Simulator } from './simulator.ts'
import { drawWorkload, type WorkloadPlan } from './workload-plan.ts'

export interface SimulateOptions {
  /** Decides everything that is not given here. */
  readonly seed: number
  /** How many replicas. */
  readonly replicas?: number
  /** The zones in which replicas stand, in turn. */
  readonly zones?: readonly string[]
  readonly keyspace?: GivenKeyspace
  readonly workload?: Partial<WorkloadPlan>
  /** Leaders and locks; what is left out of it is drawn. There are none if it is left out altogether. */
  readonly leadership?: GivenLeadership
  /** How often replicas exchange; 0 for never. */
  readonly exchangeMs?: number
  /** How long deleted records are kept; 0 for longer than any run. */
  readonly horizonMs?: number
  readonly nemesis?: {
    /** Which classes of faults are enabled. */
    readonly classes?: readonly FaultClass[]
    /** The very faults, in place of drawn ones. */
    readonly faults?: readonly Fault[]
    /** What the network is like, in place of what is drawn. */
    readonly conditions?: Partial<NetworkConditions>
    /** Whether faults outside a chosen core stay for good. One run in four by default. */
    readonly permanent?: boolean
  }
  /** Runs the core wrongly, to see that judges notice. */
  readonly breakage?: Breakage
  /** Makes every message deeply immutable, to find whoever changes one. Slow. */
  readonly freezes?: boolean
}

/** What was drawn. It prints as JSON. */
export interface Drawn {
  readonly cluster: ClusterPlan
  readonly workload: WorkloadPlan
  readonly nemesis: NemesisPlan
  readonly leadership?: LeadershipPlan
}

/** What judges may hold the run to. */
export interface Guarantees {
  readonly conflicts: KeyspaceDefinition['conflicts']
  /** By how much stamps may contradict real time. */
  readonly skewMs: number
  /** Whether reads that are marked strict are monotonic. */
  readonly monotonic: boolean
  /** Whether reads settle what began before them. A leader may still do what nobody waits for any more. */
  readonly settles: boolean
  /** Whether all faults healed, so that every replica was read at the end. */
  readonly converges: boolean
  /** Whether at most one leads a group, or holds a lock, at a time; nothing where there are none. */
  readonly exclusive?: boolean
}

export interface SimulationStats extends NetworkStats {
  readonly events: number
  readonly virtualMs: number
  /** How many faults began. */
  readonly faults: number
  readonly ok: number
  readonly fail: number
  readonly info: number
}

export interface SimulationRun {
  readonly seed: number
  readonly drawn: Drawn
  readonly history: readonly HistoryLine[]
  /** Over every delivered message and every line: equal seeds have equal hashes. */
  readonly traceHash: string
  readonly guarantees: Guarantees
  /** What a store that works would not do, and no history shows: calls that never end, a healed store that fails. */
  readonly problems: readonly string[]
  readonly stats: SimulationStats
}

/** Runs it, in virtual time and synchronously. */
export function simulate(options: SimulateOptions): SimulationRun {
  const { stackTraceLimit } = Error
  // Many calls fail, as they should, and nobody reads where. Collecting the stacks takes a tenth of the time.
  Error.stackTraceLimit = 0
  try {
    return new Run(options).play()
  } catch {
    Error.stackTraceLimit = stackTraceLimit
    // A bug: the same again, with the stack.
    return new Run(options).play()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** What is shared by everything that draws. One stream each, so that one that draws more does not shift the others. */
interface Streams {
  readonly cluster: Random
  readonly workload: Random
  readonly nemesis: Random
  readonly network: Random
  readonly hosts: Random
  readonly clients: Random
  readonly finale: Random
  readonly rivalry: Random
  readonly systems: Random
  readonly standIns: Random
  readonly exchanges: Random
  readonly reaping: Random
  readonly leadership: Random
}

function streamsOf(seed: number): Streams {
  const random = new Random(seed)
  return {
    cluster: random.fork(),
    workload: random.fork(),
    nemesis: random.fork(),
    network: random.fork(),
    hosts: random.fork(),
    clients: random.fork(),
    finale: random.fork(),
    rivalry: random.fork(),
    systems: random.fork(),
    standIns: random.fork(),
    exchanges: random.fork(),
    reaping: random.fork(),
    leadership: random.fork(),
  }
}

class Run {
  readonly #options: SimulateOptions
  readonly #streams: Streams
  readonly #drawn: Drawn
  readonly #promises: Promises
  readonly #simulator = new Simulator()
  readonly #network: Network
  readonly #hosts: readonly Host[]
  #processes = 0

  constructor(options: SimulateOptions) {
    this.#options = options
    this.#streams = streamsOf(options.seed)
    const { replicas, zones, keyspace = {}, breakage, exchangeMs, horizonMs } = options
    const { systems, standIns, exchanges, reaping } = this.#streams
    const draws = { systems, standIns, exchanges, reaping }
    const setting = { replicas, zones, keyspace, breakage, exchangeMs, horizonMs, ...draws }
    const { cluster: planned, leadership } = this.#drawCluster(drawCluster(this.#streams.cluster, setting))
    const workload = this.#drawWorkload(planned)
    const { keys, readLevels } = workload
    this.#promises = new Promises({ cluster: planned, breakage, keys, readLevels })
    const drawn = this.#drawNemesis(planned, workload)
    const cluster =
      leadership === undefined ? withLeases(planned, drawn, { random: this.#streams.leadership, breakage }) : planned
    const faults = withinDrift(drawn.faults, leadership ?? driftOf(cluster))
    const nemesis = { ...drawn, faults }
    this.#promises.wipes = nemesis.faults.filter((fault) => fault.kind === 'crash' && fault.wipes).length
    this.#drawn = { cluster, workload, nemesis, ...(leadership && { leadership }) }
    this.#network = new Network({
      simulator: this.#simulator,
      random: this.#streams.network,
      zones: cluster.hosts.map(({ zone }) => zone),
      conditions: nemesis.conditions,
      freezes: options.freezes ?? false,
    })
    this.#hosts = cluster.hosts.map((plan, index) => this.#host(plan, index))
    for (const host of this.#hosts) this.#network.join(host)
  }

  play(): SimulationRun {
    const { workload, nemesis: plan } = this.#drawn
    const simulator = this.#simulator
    const hosts = this.#hosts
    const recorder = new Recorder(simulator)
    const around = this.#around(recorder)
    const lossesMax = this.#lossesMax({ ...this.#drawn.cluster, ...workload })
    // A majority that has forgotten its votes promises nothing.
    const members = this.#drawn.cluster.membership.members.length
    const forgetful = this.#hasElections && {
      forgetfulMax: electorCount(members) - majorityOf(electorCount(members)),
    }
    const nemesis = new Nemesis({ simulator, network: this.#network, hosts, plan, lossesMax, ...forgetful })
    for (const host of hosts) host.start()
    nemesis.start()
    const clients = this.#clients(around)
    for (const client of clients) client.start()
    const rivalry = this.#rivalry()
    rivalry.start()
    const leadership = this.#leadership(recorder)
    leadership?.start()
    simulator.runFor(workload.durationMs)
    const finale = new Finale({
      around,
      random: this.#streams.finale,
      hosts,
      clients,
      nemesis,
      promises: this.#promises,
      core: plan.core,
      unreadMs: this.#drawn.cluster.healsUnread ? 2 * this.#drawn.cluster.options.exchangeMs : 0,
      reaps: this.#drawn.cluster.reaps,
      processes: () => this.#processes++,
    })
    finale.play()
    leadership?.checkLed(plan)
    return {
      seed: this.#options.seed,
      drawn: this.#drawn,
      history: recorder.lines(),
      traceHash: simulator.traceHash,
      guarantees: this.#guarantees(),
      problems: [
        ...hosts.flatMap((host) => host.problems),
        ...finale.problems,
        ...this.#agreement(rivalry),
        ...(leadership?.problems ?? []),
      ],
      stats: this.#stats(recorder, nemesis),
    }
  }

  /** Electors believe of clocks what the run's plan says. */
  #drawCluster(cluster: ClusterPlan): { cluster: ClusterPlan; leadership: LeadershipPlan | undefined } {
    const given = this.#options.leadership
    if (given === undefined) return { cluster, leadership: undefined }
    const { hosts } = cluster
    const replicas = hosts.filter(({ isReplica }) => isReplica).length
    const leadership = drawLeadership(this.#streams.leadership, { replicas, all: hosts.length }, given)
    const clockDriftMax = this.#options.breakage === 'lease-without-drift' ? 0 : leadership.clockDriftMax
    const options = { ...cluster.options, clockDriftMax, leaseMsMax: leadership.leaseMs }
    return { cluster: { ...cluster, options }, leadership }
  }

  get #hasElections(): boolean {
    const { leadership, cluster } = this.#drawn
    return leadership !== undefined || cluster.keyspace.definition.leader === true
  }

  #leadership(recorder: Recorder): Leadership | undefined {
    const { leadership: plan, cluster, workload } = this.#drawn
    if (plan === undefined) return undefined
    const { membership } = cluster
    const { durationMs } = workload
    const around = { simulator: this.#simulator, recorder, random: this.#streams.leadership, hosts: this.#hosts }
    return new Leadership({ ...around, membership, plan, durationMs })
  }

  #drawWorkload({ keyspace, callTexts }: ClusterPlan): WorkloadPlan {
    const { n, conflicts } = keyspace.definition
    const sloppy = keyspace.definition.sloppy === true
    const setting = { n, isLww: conflicts === 'lww', callTexts, sloppy }
    const plan = drawWorkload(this.#streams.workload, setting, this.#options.workload)
    return conflicts === 'registers' ? { ...plan, readLevels: [], writeLevels: [] } : plan
  }

  #drawNemesis({ hosts, keyspace }: ClusterPlan, { durationMs, writeLevels }: WorkloadPlan): NemesisPlan {
    const random = this.#streams.nemesis
    const { classes, faults, permanent, conditions } = this.#options.nemesis ?? {}
    const replicas = hosts.filter(({ isReplica }) => isReplica).length
    const isPermanent = permanent ?? random.chance(0.25)
    const core = isPermanent ? this.#promises.drawCore(random) : undefined
    const lossesMax = this.#lossesMax({ keyspace, writeLevels })
    // What a stand-in loses with its disk is not made up for, so there fewer are lost in all, and not only at once.
    const ofAll = keyspace.definition.sloppy === true ? lossesMax : lossesMax > 0 ? Infinity : 0
    const isLww = keyspace.definition.conflicts === 'lww'
    const setting = { hosts: { replicas, all: hosts.length }, durationMs, isLww, wipesMax: ofAll, classes, core }
    const plan = drawNemesis(random, setting)
    return {
      ...plan,
      ...(faults !== undefined && { faults }),
      ...(conditions !== undefined && { conditions: { ...plan.conditions, ...conditions } }),
    }
  }

  /**
   * A write on w disks survives the loss of one fewer at once. A level below the default would make it less. Of
   * acceptors, so many may be lost that the others still hold quorums of both phases.
   */
  #lossesMax({ keyspace, writeLevels }: Pick<ClusterPlan, 'keyspace'> & Pick<WorkloadPlan, 'writeLevels'>): number {
    const { mode, n, read, write } = keyspace.definition
    if (mode === 'cp') return Math.max(0, n - Math.max(Number(read), Number(write))) || 0
    const copies = writeLevels.length > 0 ? 1 : Number(write)
    return copies >= 1 ? copies - 1 : 0
  }

  #host(plan: HostPlan, index: number): Host {
    const { cluster } = this.#drawn
    const { membership, options, keyspace } = cluster
    const random = this.#streams.hosts.fork()
    return new Host({
      ...plan,
      index,
      membership,
      options,
      keyspace,
      simulator: this.#simulator,
      network: this.#network,
      random,
      clock:
        this.#options.breakage === 'lease-on-wall-clock' ? new WallClock(plan.offsetMs) : new NodeClock(plan.offsetMs),
      disk: plan.isReplica ? new SimDisk(random.fork()) : undefined,
      breakage: this.#options.breakage,
    })
  }

  #around(recorder: Recorder): CallerSurroundings {
    const { isStrict, scansAreStrict } = this.#promises
    const { keys } = this.#drawn.workload
    return { simulator: this.#simulator, recorder, texts: new Texts(), isStrict, scansAreStrict, keys }
  }

  #clients(around: CallerSurroundings): (Client | RegisterClient)[] {
    const { workload, cluster } = this.#drawn
    const { mode } = cluster.keyspace.definition
    const random = this.#streams.clients
    const readers = (): number => this.#processes++
    let left = workload.operations
    const isOver = (): boolean => this.#simulator.nowUs >= workload.durationMs * 1000
    const take = (): boolean => left-- > 0 && !isOver()
    this.#processes = workload.clients
    return Array.from({ length: workload.clients }, (_, process) => {
      const shared = { plan: workload, around, hosts: this.#hosts, readers, take, isOver }
      const parts = { ...shared, process, random: random.fork(), home: random.pick(this.#hosts) }
      return mode === 'cp' ? new RegisterClient(parts) : new Client(parts)
    })
  }

  #rivalry(): Rivalry {
    const { cluster, workload } = this.#drawn
    return new Rivalry({
      simulator: this.#simulator,
      random: this.#streams.rivalry,
      hosts: this.#hosts,
      definition: cluster.keyspace.definition,
      durationMs: workload.durationMs,
    })
  }

  /** A replica whose disk is lost has forgotten what it agreed to. */
  #agreement({ problems }: Rivalry): readonly string[] {
    return this.#promises.wipes > 0 ? [] : problems
  }

  #guarantees(): Guarantees {
    const { cluster, nemesis } = this.#drawn
    const offsetMs = Math.max(...this.#hosts.map(({ config }) => config.clock.offsetMsMax))
    return {
      conflicts: cluster.keyspace.definition.conflicts,
      // Two clocks may be off in opposite directions, and hybrid time counts whole milliseconds.
      skewMs: 2 * Math.ceil(offsetMs) + 1,
      monotonic: this.#promises.monotonic,
      settles: cluster.keyspace.definition.leader !== true,
      converges: nemesis.core.length === cluster.membership.members.length,
      ...(this.#drawn.leadership && { exclusive: this.#drawn.leadership.exclusive }),
    }
  }

  #stats(recorder: Recorder, nemesis: Nemesis): SimulationStats {
    const { events, nowUs } = this.#simulator
    const { ok, fail, info } = recorder
    return { ...this.#network.stats, events, virtualMs: nowUs / 1000, faults: nemesis.begun, ok, fail, info }
  }
}
