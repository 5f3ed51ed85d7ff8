/** Up to this many objects, comparing with each of them takes less time than hashing. */
const LISTED = 16
const KEPT_POSITIONS = 1 << 14

/** The objects that a walk has met, and where in the message each begins. */
export class MetObjects {
  readonly #list: (object | null)[] = new Array(LISTED).fill(null)
  #positions: number[] = []
  #listed = 0
  #isListed = true
  /** All objects, in the order of their positions: as long as none has been met twice, one lookup finds and adds. */
  #set = new Set<object>()
  #map: Map<object, number> | null = null

  /** Returns the position of an object that was met before. Otherwise remembers the object with this position, and returns -1. */
  meet(object: object, position: number): number {
    if (!this.#isListed) return this.#meetMany(object, position)
    const list = this.#list
    const count = this.#listed
    for (let i = 0; i < count; i++) if (list[i] === object) return this.#positions[i]
    if (count === LISTED) {
      this.#isListed = false
      this.#set = new Set(list as object[])
      return this.#meetMany(object, position)
    }
    list[count] = object
    this.#positions[count] = position
    this.#listed = count + 1
    return -1
  }

  #meetMany(object: object, position: number): number {
    if (this.#map === null) {
      const { size } = this.#set
      if (this.#set.add(object).size > size) {
        this.#positions[size] = position
        return -1
      }
      let i = 0
      this.#map = new Map()
      for (const met of this.#set) this.#map.set(met, this.#positions[i++])
    }
    const known = this.#map.get(object)
    if (known !== undefined) return known
    this.#map.set(object, position)
    return -1
  }

  /** Forgets all objects, so that none of the user's is kept alive. */
  clear(): void {
    for (let i = 0; i < this.#listed; i++) this.#list[i] = null
    this.#listed = 0
    if (this.#isListed) return
    this.#isListed = true
    this.#set = new Set()
    this.#map = null
    if (this.#positions.length > KEPT_POSITIONS) this.#positions = []
  }
}
