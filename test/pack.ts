/**
 * The package as a stranger gets it: packed, installed into an empty folder, and used there.
 *
 * Run by `npm run test:pack`, after the build. It installs without install scripts, as npm does by default from version
 * 12 on, and compiles its programs against the installed types before it runs them: the ones below, and every `ts`
 * block of the README that starts a local cluster.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

const EMBED = `
import { startLocalCluster } from 'quorate'

const cluster = await startLocalCluster({ replicas: 3 })
const carts = cluster.store.keyspace<string[]>('carts', { mode: 'ap', n: 3, r: 2, w: 2, conflicts: 'lww' })
await carts.put('alice', ['milk', 'tea'])
const entry = await carts.get('alice')
await cluster.close()
if (JSON.stringify(entry.value) !== '["milk","tea"]') throw new Error('read back ' + JSON.stringify(entry.value))
console.log('embed: wrote with w = 2, read with r = 2')
`

const SUBPATHS = `
for (const subpath of ['quorate', 'quorate/quorum', 'quorate/sim', 'quorate/check', 'quorate/predict']) {
  const names = Object.keys(await import(subpath))
  if (names.length === 0) throw new Error(subpath + ' exports nothing')
  console.log(subpath + ': ' + names.join(', '))
}
const inner = await import('quorate' + '/dist/core/step.js').catch((error) => error.code)
if (inner !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw new Error('the inside can be imported')
`

const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    strict: true,
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [path.join(ROOT, 'node_modules/@types')],
  },
}

function run(folder: string, command: string, args: readonly string[]): void {
  console.log(`\n> ${path.basename(command)} ${args.join(' ')}`)
  execFileSync(command, args, { cwd: folder, stdio: 'inherit', timeout: 300_000 })
}

function pack(folder: string): string {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const [packed] = JSON.parse(execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8' })) as [
    { filename: string; files: { path: string }[]; unpackedSize: number },
  ]
  console.log(`${packed.filename}: ${packed.files.length} files, ${Math.round(packed.unpackedSize / 1000)} kB unpacked`)
  for (const file of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'dist/index.js', 'dist/index.d.ts']) {
    if (!packed.files.some((entry) => entry.path === file)) throw new Error(`${file} is not in the package`)
  }
  return path.join(folder, packed.filename)
}

/** The README's examples that need nothing from outside. */
function readmePrograms(): string[] {
  const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/^```ts\n([^]*?)^```$/gm)].map((match) => match[1] ?? '')
  return blocks.filter((block) => block.includes("from 'quorate'") && block.includes('startLocalCluster('))
}

function useIn(folder: string, tarball: string): void {
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  run(folder, 'npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', tarball])
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG))
  const programs = [EMBED, ...readmePrograms()]
  for (const [at, text] of programs.entries()) writeFileSync(path.join(folder, `program-${at}.ts`), text)
  run(folder, path.join(ROOT, 'node_modules/.bin/tsc'), [])
  writeFileSync(path.join(folder, 'subpaths.js'), SUBPATHS)
  run(folder, process.execPath, ['subpaths.js'])
  for (const at of programs.keys()) run(folder, process.execPath, [`program-${at}.js`])
  run(folder, path.join(folder, 'node_modules/.bin/quorate'), ['--help'])
}

const folder = mkdtempSync(path.join(tmpdir(), 'quorate-pack-'))
try {
  useIn(folder, pack(folder))
  console.log('\nThe package installs and runs in an empty folder.')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
