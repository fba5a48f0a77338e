import type { Part } from '../section.ts'
export const peers: Part = { name: 'peers', about: 'stores of others beside this one, where their programs are installed', run: async () => [] }
