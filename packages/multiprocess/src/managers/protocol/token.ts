/**
 * A token keeps an object of a server: a shared block without bytes of its own. Each message that takes a proxy out of its server carries a
 * new token; within the family, the token is passed on. When no process and no message has it any more, the word that it is linked to
 * becomes 1: `gone-words.ts`.
 */
import type { Family } from '../../ground/family.ts'
import { adopt, letGo, SharedObject } from '../../memory/shared-object.ts'

export class Token extends SharedObject {}

/** Makes this process hold the token as long as it has the returned object. Until then, a message must hold the token. */
export function holdToken(family: Family, at: number): Token {
  family.shared.hold(at)
  return adopt({ family, at }, () => new Token())
}

export function dropToken(token: Token): void {
  letGo(token)
}
