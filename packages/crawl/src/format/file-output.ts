import { type FileHandle, open } from 'node:fs/promises'
import { OutputError, reasonOf } from './output.ts'

/**
 * A file to which a crawl only appends. A crawl that was killed continues with it: what was written after the last stored page is cut off,
 * and written again with its page.
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
   * @param path the path of the file, which is created if it does not exist
   * @param length how much of the file stays, in bytes
   * @param cuts false to leave the file unchanged
   * @throws OutputError if the file cannot be opened, or is shorter
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

  /** The length of the file in bytes. */
  get length(): number {
    return this.#length
  }

  /** @throws OutputError if the file cannot be written */
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
