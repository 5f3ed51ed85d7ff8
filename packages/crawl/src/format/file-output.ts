import { type FileHandle, open } from 'node:fs/promises'
import { OutputError, reasonOf } from './output.ts'

/**
 * A file that is only appended to. A crawl that was killed goes on with it: what was written after the last stored page is cut
 * off, and written again when its page is.
 */
export class FileOutput {
  readonly #file: FileHandle
  readonly #name: string
  #length: number

  private constructor(file: FileHandle, name: string, length: number) {
    this.#file = file
    this.#name = name
    this.#length = length
  }

  /**
   * @param path is created when it does not exist
   * @param length how much of the file stays, in bytes
   * @param cuts false: the file stays as it is
   * @throws OutputError when it cannot be opened, or is shorter
   */
  static async open(path: string, length: number, cuts = true): Promise<FileOutput> {
    const name = JSON.stringify(path)
    const file = await open(path, 'a+').catch(error => {
      throw new OutputError(`cannot write results to ${name}: ${reasonOf(error)}`, { cause: error })
    })
    try {
      const { size } = await file.stat()
      if (size < length) {
        throw new OutputError(
          `cannot go on with ${name}: it has ${size} bytes, but had ${length} when the crawl stopped; ` +
            'use another file, or start over with --fresh'
        )
      }
      if (cuts && size > length) await file.truncate(length)
      return new FileOutput(file, name, length)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** In bytes. */
  get length(): number {
    return this.#length
  }

  /** @throws OutputError */
  async write(data: string | Uint8Array): Promise<void> {
    try {
      await this.#file.appendFile(data)
    } catch (error) {
      const reason = reasonOf(error as NodeJS.ErrnoException)
      throw new OutputError(`cannot write results to ${this.#name}: ${reason}`, { cause: error })
    }
    this.#length += typeof data === 'string' ? Buffer.byteLength(data) : data.length
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}
