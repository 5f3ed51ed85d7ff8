/** The errors for functions whose text cannot be sent. */

/** The reason why a function cannot cross. The sender adds the place of the function. */
export class Refused extends Error {}

type Lexical = 'this' | 'super' | 'arguments' | 'new.target' | 'eval'

export function refuseLexical(what: Lexical, isArrow: boolean): never {
  if (what === 'eval') throw new Refused('it calls eval() directly, so the variables it captures cannot be known')
  if (what === 'super') {
    throw new Refused(
      isArrow
        ? 'this arrow function uses `super` of the method around it, which V8 does not reveal. Send the class, or the object it belongs to'
        : 'this method uses `super`, which means nothing without its class. Send the class, or an instance of it'
    )
  }
  const advice =
    what === 'this'
      ? 'Put it in a variable and capture that: const self = this'
      : what === 'arguments'
        ? 'Put them in a variable and capture that: const args = [...arguments]'
        : 'Put it in a variable and capture that: const target = new.target'
  throw new Refused(
    `this arrow function uses \`${what}\` of the function around it, which V8 does not reveal. ${advice}`
  )
}

export function refusePrivate(name: string): never {
  throw new Refused(
    `it uses #${name} of the class around it, which only that class can. Send the class, or make the member public`
  )
}

export function refuseUnavailable(name: string, reason: string): never {
  throw new Refused(
    `it captures \`${name}\`, and the V8 inspector is not available in this process (${reason}). ` +
      'Pass the values as arguments, or name the function as { module, export }'
  )
}

export function unreadable(error: unknown): never {
  throw new Refused(`its text cannot be read (${(error as Error).message}). Move it to a module and export it there`)
}
