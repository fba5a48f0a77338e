/**
 * Plays every script of this folder. `REWRITE=1` writes what came of the scenes into the scripts instead, to be
 * reviewed as a diff.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Player } from './player.ts'
import { parseStories, printStories, type Scene, type Story } from './story.ts'

const REWRITE = process.env['REWRITE'] === '1'
const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.txt'))

function playAll({ scenes }: Story): Story['scenes'] {
  const player = new Player()
  return scenes.map((scene) => ({ ...scene, expected: playScene(player, scene) }))
}

function playScene(player: Player, { commands, line }: Scene): string[] {
  try {
    return player.play(commands)
  } catch (error) {
    throw new Error(`the scene in line ${line}: ${(error as Error).message}`, { cause: error })
  }
}

test('scenarios: there are scripts to play', () => expect(files.length).toBeGreaterThan(5))

describe.for(files)('%s', (file) => {
  const path = `${import.meta.dirname}/${file}`
  const stories = parseStories(readFileSync(path, 'utf8'))

  if (REWRITE) {
    test('is written anew', () => {
      const text = printStories(stories.map((story) => ({ ...story, scenes: playAll(story) })))
      writeFileSync(path, text)
      expect(readFileSync(path, 'utf8')).toBe(text)
    })
    return
  }

  test.for(stories.map((story) => [story.title, story] as const))('%s', ([, story]) => {
    expect(story.scenes.length).toBeGreaterThan(0)
    const player = new Player()
    for (const scene of story.scenes) {
      expect(playScene(player, scene), `${file}:${scene.line}`).toEqual(scene.expected)
    }
  })
})
