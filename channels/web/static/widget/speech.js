/** Reads one text at a time aloud, in the browser's own Mandarin voice. */
export class Reader {
  constructor() {
    this.can = "speechSynthesis" in window && "SpeechSynthesisUtterance" in window;
    /** @type {HTMLButtonElement | null} */
    this.button = null;
  }

  /**
   * Start reading, or stop when `button` is the one that started it.
   * @param {string} text @param {HTMLButtonElement} button @param {boolean} slow
   */
  toggle(text, button, slow) {
    const same = this.button === button;
    this.stop();
    if (same) return;
    const words = new SpeechSynthesisUtterance(text);
    words.lang = "zh-CN";
    words.rate = slow ? 0.85 : 1;
    words.onend = words.onerror = () => {
      if (this.button === button) this.#mark(null);
    };
    this.#mark(button);
    speechSynthesis.speak(words);
  }

  stop() {
    if (this.can) speechSynthesis.cancel();
    this.#mark(null);
  }

  /** @param {HTMLButtonElement | null} button */
  #mark(button) {
    for (const [one, on] of /** @type {const} */ ([[this.button, false], [button, true]])) {
      if (!one) continue;
      one.setAttribute("aria-pressed", String(on));
      if (one.lastElementChild) one.lastElementChild.textContent = on ? "停止朗读" : "朗读";
    }
    this.button = button;
  }
}
