/** With whom what is written or read just now is exchanged: proxies are told to their own server otherwise than to others. */
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
