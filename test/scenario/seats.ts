/**
 * The part of scenario scripts that is about elections: seats that stand.
 */
import type { Seat, Seats } from '../../src/core/coordinator-seats.ts'
import type { Now, Step } from '../../src/core/step.ts'
import type { Command } from './command.ts'
import type { Stage, Ticket } from './stage.ts'

interface Placed {
  readonly coordinator: string
  readonly seat: Seat
}

export class SeatPlayer {
  readonly #placed = new Map<string, Placed>()

  /** False for what has nothing to do with seats. */
  play(command: Command, stage: Stage, first: string): boolean {
    switch (command.verb) {
      case 'campaign':
        this.#campaign(command, stage, command.option('by') ?? first)
        return true
      case 'resign':
        this.#seats(command.word(), stage, (seats, seat, now, step) => seats.resign(seat, now, step))
        return true
      case 'leave':
        this.#seats(command.word(), stage, (seats, seat, now, step) => seats.close(seat, now, step))
        return true
      case 'fenced':
        this.#seats(command.word(), stage, (seats, seat, now, step) =>
          seats.fenced(seat, seat.candidate.generation, now, step),
        )
        return true
      case 'leads':
        for (const [label, { seat }] of this.#placed) {
          const leftMs = seat.candidate.leftMs(stage.monoMs)
          stage.lines.push(leftMs > 0 ? `${label} leads for ${Math.floor(leftMs)} ms` : `${label} does not lead`)
        }
        return true
      default:
        return false
    }
  }

  #campaign(command: Command, stage: Stage, coordinator: string): void {
    const label = command.label ?? coordinator
    const tag: Ticket = { label, coordinator, id: 0, result: undefined }
    const group = command.word()
    const leaseMs = Number(command.option('lease') ?? 1000)
    const plan = { tag, group, holder: label, leaseMs, fences: command.flag('fences') }
    stage.act(coordinator, (machine, now, step) => {
      this.#placed.set(label, { coordinator, seat: machine.seats.open(plan, now, step) })
    })
  }

  #seats(label: string, stage: Stage, run: (seats: Seats, seat: Seat, now: Now, step: Step) => void): void {
    const placed = this.#placed.get(label)
    if (placed === undefined) throw new Error(`there is no seat ${label}`)
    stage.act(placed.coordinator, (machine, now, step) => run(machine.seats, placed.seat, now, step))
  }
}
