import { open } from 'node:fs/promises'

/** Takes lines of text, in order. */
export interface LineOutput {
  /** @throws OutputError */
  write(line: string): Promise<void>
  close(): Promise<void>
}

/** Results could not be written: the file cannot be opened, the disk is full, the reader of a pipe is gone. */
export class OutputError extends Error {
  override readonly name = 'OutputError'
}

/**
 * @param path of a file, which is emptied first
 * @throws OutputError
 */
export async function openFile(path: string): Promise<LineOutput> {
  const name = JSON.stringify(path)
  const file = await open(path, 'w').catch(error => {
    throw outputError(name, error)
  })
  return {
    async write(line) {
      await file.appendFile(line).catch(error => {
        throw outputError(name, error)
      })
    },
    async close() {
      await file.close()
    }
  }
}

/** @param stream such as `process.stdout`; is not closed */
export function toStream(stream: NodeJS.WriteStream): LineOutput {
  // Errors are told through the callbacks of the writes; without a listener they would also end the process.
  stream.on('error', () => {})
  return {
    write(line) {
      return new Promise((resolve, reject) => {
        stream.write(line, error => (error ? reject(outputError('the standard output', error)) : resolve()))
      })
    },
    async close() {}
  }
}

function outputError(name: string, error: NodeJS.ErrnoException): OutputError {
  return new OutputError(`cannot write results to ${name}: ${reasonOf(error)}`, { cause: error })
}

/** Why a file could not be opened or written, in words. */
export function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOSPC':
      return 'no space left on the device (ENOSPC)'
    case 'EPIPE':
      return 'its reader has closed it (EPIPE)'
    case 'ENOENT':
      return 'there is no such directory (ENOENT)'
    case 'EACCES':
      return 'permission denied (EACCES)'
    case 'EISDIR':
      return 'it is a directory (EISDIR)'
    default:
      return message
  }
}
