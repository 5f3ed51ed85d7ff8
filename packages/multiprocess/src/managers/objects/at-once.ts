/**
 * Returns the answer of a function that runs at the server, if it is not a promise: other calls would come in between, and a rejection that
 * no code handles would end the server.
 * @throws TypeError if it is a promise
 */
export function atOnce<T>(answer: T, name: string): T {
  if (!(answer instanceof Promise)) return answer
  answer.catch(() => {})
  throw new TypeError(`${name} runs at the server and must return at once: it may not be asynchronous`)
}
