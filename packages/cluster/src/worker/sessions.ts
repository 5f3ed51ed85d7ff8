/**
 * Tells which jobs are current. A copy of a signed batch is still signed, so a worker asks the pool which jobs it still waits for. The
 * answer is valid for a minute; jobs that the pool has had done before are refused.
 */
import { randomBytes } from 'node:crypto'
import type { JobId } from '../wire/batch.ts'
import type { AnswerLetter } from '../wire/letters.ts'

/** How long an answer is valid, in milliseconds. */
const FRESH_MS = 60_000
/** How often a pool that does not answer is checked, in milliseconds. */
const LOOK_MS = 1000
/** After this many checks, the question is asked again. */
const LOOKS_PER_QUESTION = 10
const MOST_SESSIONS = 1000

interface Session {
  last: number
  jobs: ReadonlySet<string>
  at: number
  /** Jobs done here that the last answer still listed. */
  readonly done: Set<string>
  asking: Promise<boolean> | undefined
}

/** current: to be run. gone: its pool no longer exists. replayed: done before. */
export type Verdict = 'current' | 'gone' | 'replayed'

export class Sessions {
  readonly #sessions = new Map<string, Session>()
  readonly #questions = new Map<string, (answer: AnswerLetter) => void>()
  readonly #ask: (submitter: string, nonce: string) => Promise<void>
  readonly #isAlive: (submitter: string) => Promise<boolean>

  /**
   * @param ask sends the question
   * @param isAlive resolves to true if the pool has given a sign of life recently
   */
  constructor(
    ask: (submitter: string, nonce: string) => Promise<void>,
    isAlive: (submitter: string) => Promise<boolean>
  ) {
    this.#ask = ask
    this.#isAlive = isAlive
  }

  answered(letter: AnswerLetter): void {
    this.#questions.get(letter.nonce)?.(letter)
  }

  async check({ submitter, batch }: JobId, job: string): Promise<Verdict> {
    const session = this.#session(submitter)
    if (session.done.has(job)) return 'replayed'
    if (performance.now() - session.at < FRESH_MS && (batch > session.last || session.jobs.has(job))) return 'current'
    // A job that the last answer does not list may have been sent since.
    if (!(await this.#refresh(submitter, session))) return 'gone'
    if (session.done.has(job)) return 'replayed'
    return batch > session.last || session.jobs.has(job) ? 'current' : 'replayed'
  }

  /** Notes that the job was done here. */
  finished({ submitter }: JobId, job: string): void {
    this.#sessions.get(submitter)?.done.add(job)
  }

  forget(submitter: string): void {
    this.#sessions.delete(submitter)
  }

  #session(submitter: string): Session {
    let session = this.#sessions.get(submitter)
    if (session === undefined) {
      session = { last: 0, jobs: new Set(), at: Number.NEGATIVE_INFINITY, done: new Set(), asking: undefined }
      if (this.#sessions.size >= MOST_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value as string)
      this.#sessions.set(submitter, session)
    }
    return session
  }

  /** Resolves to false if the pool is gone. */
  #refresh(submitter: string, session: Session): Promise<boolean> {
    session.asking ??= this.#answerOf(submitter, session).finally(() => {
      session.asking = undefined
    })
    return session.asking
  }

  async #answerOf(submitter: string, session: Session): Promise<boolean> {
    for (;;) {
      if (!(await this.#isAlive(submitter))) return false
      const at = performance.now()
      const answer = await this.#question(submitter)
      if (answer === 'gone') return false
      if (answer === undefined) continue
      session.at = at
      session.last = answer.last
      session.jobs = new Set(answer.jobs)
      for (const job of session.done) if (!session.jobs.has(job)) session.done.delete(job)
      return true
    }
  }

  async #question(submitter: string): Promise<AnswerLetter | 'gone' | undefined> {
    const nonce = randomBytes(16).toString('hex')
    let resolve: (answer: AnswerLetter | undefined) => void = () => {}
    const arrived = new Promise<AnswerLetter | undefined>(done => {
      resolve = done
    })
    this.#questions.set(nonce, resolve)
    try {
      await this.#ask(submitter, nonce)
      for (let look = 0; look < LOOKS_PER_QUESTION; look++) {
        let timer: NodeJS.Timeout | undefined
        const pause = new Promise<undefined>(done => {
          timer = setTimeout(() => done(undefined), LOOK_MS)
        })
        const answer = await Promise.race([arrived, pause])
        clearTimeout(timer)
        if (answer !== undefined) return answer
        if (!(await this.#isAlive(submitter))) return 'gone'
      }
      return undefined
    } finally {
      this.#questions.delete(nonce)
    }
  }
}
