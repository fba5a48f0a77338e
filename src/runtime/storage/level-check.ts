import { Malformed } from '../codec/bytes.ts'
export async function checkFiles(directory: string): Promise<void> { if (directory === '') throw new Malformed('x') }
