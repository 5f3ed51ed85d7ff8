/** The button, and the key `p`, that pause what a page shows. */
import { byId, element } from './dom.js'

export class Pause {
  readonly #button = byId<HTMLButtonElement>('pause')
  readonly #onChange: () => void
  #isOn = false

  /** @param onChange is called after each change */
  constructor(onChange: () => void) {
    this.#onChange = onChange
    this.#button.addEventListener('click', () => this.#toggle())
    document.addEventListener('keydown', event => {
      if (event.key === 'p' && !event.ctrlKey && !event.metaKey && !event.altKey) this.#toggle()
    })
  }

  get isOn(): boolean {
    return this.#isOn
  }

  #toggle(): void {
    this.#isOn = !this.#isOn
    this.#button.setAttribute('aria-pressed', String(this.#isOn))
    this.#button.replaceChildren(this.#isOn ? 'Resume ' : 'Pause ', element('kbd', {}, 'p'))
    this.#onChange()
  }
}
