import { open } from 'node:fs/promises'

/** Writes lines of text, in order. */
export interface LineOutput {
  /** @throws OutputError if the line cannot be written */
  write(line: string): Promise<void>
  close(): Promise<void>
}

/** Results cannot be written: the file cannot be opened, the disk is full, or the reader of a pipe is gone. */
export class OutputError extends Error {
  override readonly name = 'OutputError'
}

/**
 * Opens a file for lines.
 * @param path the path of the file, which is emptied first
 * @throws OutputError if the file cannot be opened
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

/** Writes lines to a stream. @param stream a stream such as `process.stdout`; it is not closed */
export function toStream(stream: NodeJS.WriteStream): LineOutput {
  // The callbacks of the writes report errors; without a listener, the errors would also end the process.
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

/** Returns the reason why a file could not be opened or written. */
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
