/**
 * What a function that runs at the server has answered, at once: others would come between otherwise, and the failure of a
 * promise that nobody waits for would end the server.
 * @throws TypeError when it is a promise
 */
export function atOnce<T>(answer: T, name: string): T {
  if (!(answer instanceof Promise)) return answer
  answer.catch(() => {})
  throw new TypeError(`${name} runs at the server and must return at once: it may not be asynchronous`)
}
