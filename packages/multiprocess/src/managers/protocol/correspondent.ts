/** The peer of the message that is being encoded or decoded: a proxy is described to its own server in another way than to others. */
let current: object | undefined

export function correspondent(): object | undefined {
  return current
}

export function withCorrespondent<R>(other: object, action: () => R): R {
  const outer = current
  current = other
  try {
    return action()
  } finally {
    current = outer
  }
}
