/** The scripts' own machinery: what is read is printed as it was, and a story that cannot fail is refused. */
import { describe, expect, test } from 'vitest'
import { Command } from './command.ts'
import { Player } from './player.ts'
import { parseStories, printStories } from './story.ts'

const SCRIPT = `# first: a story of two scenes
# with a further line
cluster replicas=a
put k v1
----
to a: mint

answer a
----
done

# second: one scene
cluster replicas=b
----
(nothing)
`

describe('stories', () => {
  test('a script: is read into stories and scenes', () => {
    expect(parseStories(SCRIPT)).toEqual([
      {
        title: 'first: a story of two scenes',
        comment: ['with a further line'],
        scenes: [
          { commands: ['cluster replicas=a', 'put k v1'], expected: ['to a: mint'], line: 3 },
          { commands: ['answer a'], expected: ['done'], line: 8 },
        ],
      },
      {
        title: 'second: one scene',
        comment: [],
        scenes: [{ commands: ['cluster replicas=b'], expected: ['(nothing)'], line: 13 }],
      },
    ])
  })

  test('a script: is printed as it was read', () => expect(printStories(parseStories(SCRIPT))).toBe(SCRIPT))

  test.for([
    ['commands without anything expected', '# a\nput k v1\n', 'line 2: a scene needs commands'],
    ['something expected without commands', '# a\n----\ndone\n', 'line 2: a scene needs commands'],
    ['a scene before the first story', 'put k v1\n----\ndone\n', 'line 1: a scene stands before the first story'],
  ] as const)('%s: is refused', ([, text, message]) => expect(() => parseStories(text)).toThrow(message))
})

describe('the player', () => {
  const cluster = 'cluster replicas=a,b,c n=3 r=2 w=2'

  test('an expectation that does not come true: is seen', () => {
    const player = new Player()
    expect(player.play([cluster, 'key k primaries=a,b,c', 'put k v1'])).toEqual(['to a: mint k v1 #1 after nothing'])
    expect(player.play(['wait 1'])).toEqual(['(nothing)'])
    expect(player.play(['answer a'])).not.toEqual(['(nothing)'])
  })

  test.for([
    ['an unknown command', 'dance a', 'unknown command'],
    ['an unknown option', 'get k lvl=one', 'not understood: lvl'],
    ['a word too many', 'get k v', 'not understood: v'],
    ['a word too few', 'put k', 'a word is missing'],
    ['a number that is none', 'wait long', 'a number is missing'],
    ['an unknown replica', 'answer d', 'there is no replica d'],
    ['an unknown coordinator', 'get k by=y', 'there is no coordinator y'],
    ['an unknown call', 'cancel x', 'there was no call x'],
    ['an answer that is not on its way', 'answer a', 'nothing is on its way to or from a'],
    ['a loss of nothing', 'lose to a', 'nothing is on its way to a'],
    ['a repetition of nothing', 'repeat a', 'a has answered nothing yet'],
    ['an unknown refusal', 'refuse a because', 'because is no refusal'],
    ['a context of a call that is under way', 'get k seen=get', 'get has not ended'],
    ['a retry of nothing', 'put k v operation=first', 'no write was sent for first'],
  ] as const)('%s: is an error that names the line', ([, line, message]) => {
    const player = new Player()
    player.play([cluster])
    expect(() => player.play([line])).toThrow(new RegExp(`^${line}: .*${message}`))
  })

  test('a command before the cluster: is an error', () => {
    expect(() => new Player().play(['get k'])).toThrow('a story begins with `cluster`')
  })
})

test('command: label, verb, words, options and flags', () => {
  const command = new Command('first = put k v1 level=one again')
  expect([command.label, command.verb]).toEqual(['first', 'put'])
  expect(command.flag('again')).toBe(true)
  expect(command.flag('again')).toBe(false)
  expect([command.word(), command.word()]).toEqual(['k', 'v1'])
  expect(command.option('level')).toBe('one')
  expect(command.list('zones', ['x'])).toEqual(['x'])
  expect(() => {
    command.end()
  }).not.toThrow()
})
