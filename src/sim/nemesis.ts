/**
 * Carries out a schedule of faults, and heals what it broke.
 */
import type { CutFault, CrashFault, Fault, NemesisPlan } from './faults.ts'
import type { Host, HostWatcher } from './host.ts'
import type { Link, Network } from './network.ts'
import type { Simulator } from './simulator.ts'

export interface NemesisParts {
  readonly simulator: Simulator
  readonly network: Network
  readonly hosts: readonly Host[]
  readonly plan: NemesisPlan
  /** How many copies of a key may be lost at once without losing a write. */
  readonly lossesMax: number
  /** How many may have forgotten their votes at once; left out where there are no elections. */
  readonly forgetfulMax?: number
}

/** A crash that waits for its moment comes after this span anyway. */
const MOMENT_MS_MAX = 1500
/** How long others take to notice a closed connection. */
const NEW_MS = 200
const NOTICE_MS = 2

/** Ends a fault; does nothing the second time. */
type Undo = () => void

export class Nemesis implements HostWatcher {
  /** How many faults began. */
  begun = 0
  /** How many disks were replaced by an older copy. */
  restored = 0
  readonly #parts: NemesisParts
  readonly #undo = new Set<Undo>()
  /** Hosts that stay down, or paused, whatever else happens. */
  readonly #lost = new Set<Host>()
  #isHealed = false

  constructor(parts: NemesisParts) {
    this.#parts = parts
  }

  /** Plans everything. */
  start(): void {
    const { simulator, plan, hosts } = this.#parts
    for (const host of hosts) host.watcher = this
    for (const fault of plan.faults) {
      simulator.after(fault.atMs, () => this.#start(fault))
    }
  }

  /** What never heals waits until every acceptor has voted once: before that each has to hear of all others. */
  #start(fault: Fault): void {
    const { simulator, hosts } = this.#parts
    if (fault.permanent === true && hosts.some(({ isNewAcceptor }) => isNewAcceptor)) {
      if (!this.#isHealed) simulator.after(NEW_MS, () => this.#start(fault))
      return
    }
    this.begun++
    this.#begin(fault)
  }

  /** Ends every fault that is not permanent, and restarts every process that is not down for good. */
  heal(): void {
    const { network, hosts, simulator } = this.#parts
    this.#isHealed = true
    network.calm()
    for (const undo of this.#undo) undo()
    for (const host of hosts) {
      host.disarm()
      host.config.clock.set(0, simulator.nowUs)
      this.#restart(host)
    }
    for (const { from, to } of this.#allLinks()) hosts[from]?.linked(to, true)
  }

  #begin(fault: Fault): void {
    const { simulator } = this.#parts
    const end = this.#carryOut(fault)
    if (end === undefined || fault.permanent === true) return
    const undo = (): void => {
      if (this.#undo.delete(undo)) end()
    }
    this.#undo.add(undo)
    simulator.after(fault.forMs, undo)
  }

  /** Begins it, and gives what ends it. */
  #carryOut(fault: Fault): Undo | undefined {
    const { network, simulator, hosts } = this.#parts
    if (fault.kind === 'cut') return this.#cut(fault)
    if (fault.kind === 'reset') return this.#tell([fault.link])
    const host = hosts[fault.host] as Host
    const { clock } = host.config
    switch (fault.kind) {
      case 'crash':
        return this.#crash(fault, host)
      case 'pause':
        host.pause()
        if (fault.permanent === true) this.#lost.add(host)
        return () => {
          if (!this.#lost.has(host)) host.resume()
        }
      case 'jump':
        clock.set(fault.aheadMs, simulator.nowUs)
        return undefined
      case 'rate':
        return this.#rate(fault.rate, host)
      case 'slow':
        return this.#change(fault.factor, 1, (factor) => network.slow(fault.host, factor))
      case 'disk':
        return this.#change(fault.factor, 1, (factor) => {
          host.diskSlowness = factor
        })
    }
  }

  #change(faulty: number, healthy: number, set: (value: number) => void): Undo {
    set(faulty)
    return () => set(healthy)
  }

  #rate(faulty: number, host: Host): Undo {
    const { simulator } = this.#parts
    const { clock } = host.config
    const aheadMs = clock.offsetMs(simulator.nowUs)
    const change = (rate: number): void => {
      clock.setRate(rate, simulator.nowUs)
      host.clockChanged()
    }
    change(faulty)
    return () => {
      change(1)
      clock.set(aheadMs, simulator.nowUs)
    }
  }

  #cut({ links, holds, isTold }: CutFault): Undo {
    const { network } = this.#parts
    for (const link of links) network.cut(link, holds)
    const end = isTold ? this.#tell(links) : undefined
    return () => {
      for (const link of links) network.mend(link, holds)
      end?.()
    }
  }

  /** Tells hosts at the beginning of these links that they are gone, and later that they are back. */
  #tell(links: readonly Link[]): Undo {
    const { hosts } = this.#parts
    for (const { from, to } of links) if (this.#isReplica(to)) hosts[from]?.linked(to, false)
    return () => {
      for (const { from, to } of links) if (this.#isReplica(to)) hosts[from]?.linked(to, true)
    }
  }

  #crash(fault: CrashFault, host: Host): undefined {
    const { forMs, moment, wipes, copiedMs, permanent = false } = fault
    const { simulator } = this.#parts
    if (wipes && copiedMs !== undefined) return this.#copy(copiedMs, fault, host)
    if (permanent) {
      this.#lost.add(host)
      host.crash()
      return
    }
    host.arm(moment)
    simulator.after(moment === 'now' ? 0 : MOMENT_MS_MAX, () => {
      if (this.#isHealed) return
      host.crash()
      if (wipes && this.#mayLose(host)) host.wipe()
    })
    // The wait for the moment is part of the fault: without it a restart could come before the crash.
    simulator.after(MOMENT_MS_MAX + forMs, () => this.#restart(host))
  }

  #mayLose(host: Host): boolean {
    const { hosts, lossesMax, forgetfulMax = Infinity } = this.#parts
    const others = hosts.filter((other) => other !== host)
    const forgetful = others.filter((other) => other.votesAreLost).length
    return others.filter((other) => other.isLost).length < lossesMax && forgetful < forgetfulMax
  }

  /** A copy of the disk takes its place later, if all others would notice: who was cut off has told nobody. */
  #copy(copiedMs: number, { forMs }: CrashFault, host: Host): undefined {
    const { simulator, hosts } = this.#parts
    const copy = host.config.disk?.copy()
    if (copy === undefined || host.isLost) return
    simulator.after(copiedMs, () => {
      if (this.#isHealed) return
      host.crash()
      const others = hosts.flatMap(({ config }) =>
        config.disk === undefined || config === host.config ? [] : [config],
      )
      const { incarnation, mark } = copy
      const isNoticed = others.every(({ disk }) => (disk?.remembers(host.config.name, incarnation) ?? 0) > mark)
      if (isNoticed && this.#mayLose(host)) {
        this.restored++
        host.restore(copy)
      }
      simulator.after(forMs, () => this.#restart(host))
    })
  }

  #restart(host: Host): void {
    if (!host.isUp && !this.#lost.has(host)) host.start()
  }

  /** A crashed process's connections close, and open again once it is back. The hosts call this. */
  crashed(host: Host): void {
    if (this.#parts.plan.crashesAreTold) this.#tellAll(host, false)
  }

  started(host: Host): void {
    if (this.#parts.plan.crashesAreTold) this.#tellAll(host, true)
  }

  #tellAll(host: Host, up: boolean): void {
    const { index } = host.config
    if (!this.#isReplica(index)) return
    const { hosts, simulator } = this.#parts
    simulator.after(NOTICE_MS, () => {
      for (const other of hosts) if (other !== host && host.isUp === up) other.linked(index, up)
    })
  }

  #isReplica(index: number): boolean {
    return this.#parts.hosts[index]?.config.disk !== undefined
  }

  #allLinks(): Link[] {
    const links: Link[] = []
    for (const { config } of this.#parts.hosts) {
      for (const host of this.#parts.hosts) {
        if (this.#isReplica(host.config.index)) links.push({ from: config.index, to: host.config.index })
      }
    }
    return links
  }
}
