/**
 * What stands for holding an object of a server: a shared block without bytes of its own. Each message that hands a proxy
 * out of its server brings a new one; within the family it is passed on. When no process and no message has it any more,
 * the word that it is linked to becomes 1: `gone-words.ts`.
 */
import type { Family } from '../../ground/family.ts'
import { adopt, letGo, SharedObject } from '../../memory/shared-object.ts'

export class Token extends SharedObject {}

/** This process holds the token from now on, as long as it has the object; a message must hold it meanwhile. */
export function holdToken(family: Family, at: number): Token {
  family.shared.hold(at)
  return adopt({ family, at }, () => new Token())
}

export function dropToken(token: Token): void {
  letGo(token)
}
