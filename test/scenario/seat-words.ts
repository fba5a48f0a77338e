/**
 * How scenario scripts print what elections are about.
 */
import type { SeatEvent } from '../../src/core/consensus/candidate.ts'
import type { ElectionMessage } from '../../src/core/consensus/election-message.ts'
import type { Leader } from '../../src/core/consensus/group.ts'
import type { LeaderChange } from '../../src/core/consensus/observer.ts'

export function seatText(event: SeatEvent | LeaderChange): string {
  switch (event.kind) {
    case 'elected':
      return `elected in ${event.generation}, before it ${leaderText(event.before)}`
    case 'fence':
      return `has to fence ${leaderText(event.before)} to lead in ${event.generation}`
    case 'lost':
      return `lost ${event.generation}: ${event.reason}`
    case 'leader':
      return `led by ${leaderText(event.leader)}`
  }
}

export function leaderText(leader: Leader | undefined): string {
  return leader === undefined ? 'nobody' : `${leader.id} ${leader.generation}`
}

export function electionText(message: ElectionMessage): string {
  switch (message.kind) {
    case 'look':
      return `look at ${message.group}`
    case 'pre-vote':
      return `would you vote in ${message.group}`
    case 'vote':
      return `vote for ${message.holder} ${message.generation} in ${message.group}`
    case 'renew':
      return `renew ${message.holder} ${message.generation} in ${message.group}${message.acts ? ', who leads' : ''}`
    case 'resign':
      return `resign ${message.generation} in ${message.group}`
    case 'ruled': {
      const { granted, generation, led, leftMs } = message
      const rest = leftMs > 0 ? `, ${Math.round(leftMs)} ms are left` : ''
      return `${granted ? 'granted' : 'denied'}, voted in ${generation}, led by ${leaderText(led)}${rest}`
    }
  }
}
