import { Unanswered } from "./api.js";
import { newId } from "./store.js";
import { masked } from "./text.js";

/**
 * @typedef {import("./types.js").Entry} Entry
 * @typedef {import("./types.js").Asked} Asked
 */

/**
 * What was asked and said, without any display. One question is on its way at a time.
 * Events: "entry" (detail: the entry that is new or changed), "told" (an entry nobody asked for), "moved" (put at the end), "busy", "cleared".
 */
export class Conversation extends EventTarget {
  /** @param {import("./api.js").Client} client @param {import("./store.js").Store} store */
  constructor(client, store) {
    super();
    this.client = client;
    this.store = store;
    this.region = "";
    this.busy = false;
    this.entries = store.history().map(afterReload);
  }

  /**
   * Ask in words, or by a choice whose `label` is then shown as the question.
   * @param {{text: string, choice?: string}} question
   * @returns {Promise<void>} when it is answered or has failed; at once when another is on its way
   */
  async ask({ text, choice = "" }) {
    const said = text.trim();
    if (this.busy || !said) return;
    /** @type {Asked} */
    const entry = { id: newId(), role: "user", text: said, choice, state: "sending", failure: null };
    this.entries.push(entry);
    await this.#send(entry);
  }

  /** Send a failed question again under its first key. @param {Asked} entry */
  async retry(entry) {
    if (this.busy || entry.state !== "failed" || (entry.failure?.until ?? 0) > Date.now()) return;
    if (this.entries[this.entries.length - 1] !== entry) {
      this.entries = [...this.entries.filter((other) => other !== entry), entry];
      this.#tell("moved", entry);
    }
    await this.#send(entry);
  }

  /** Ask for notices and show them like replies. Who never asked anything has none. */
  async listen() {
    const session = this.store.known();
    if (!session) return;
    const found = await this.client.notices(session, this.store.seen());
    if (this.store.known() !== session) return; // cleared meanwhile
    const seen = this.store.seen(); // another look may have come back first
    const fresh = found.filter(({ key }) => !seen.includes(key));
    if (!fresh.length) return;
    for (const { message } of fresh) {
      /** @type {Entry} */
      const entry = { id: newId(), role: "bot", message };
      this.#add(entry);
      this.#tell("told", entry);
    }
    this.store.keepSeen([...seen, ...fresh.map(({ key }) => key)]);
    await this.client.notices(session, this.store.seen()); // else they would be told again on another device
  }

  /**
   * Say whether an answer helped, and what is wrong with it.
   * @param {import("./types.js").Said} entry @param {boolean} useful @param {string} comment
   * @returns {Promise<boolean>} whether it has arrived
   */
  async rate(entry, useful, comment) {
    const session = this.store.known();
    if (!session || !entry.turn) return false;
    const arrived = await this.client.feedback({ session, turn: entry.turn, useful, ...(comment ? { comment } : {}) });
    if (arrived && this.entries.includes(entry)) this.store.keep(this.entries);
    return arrived;
  }

  /** Forget everything here and begin a new session. */
  clear() {
    this.entries = [];
    this.store.clear();
    this.#tell("cleared");
  }

  /** @param {Asked} entry */
  async #send(entry) {
    const session = this.store.session();
    this.#change(entry, { state: "sending", failure: null });
    this.#hold(true);
    try {
      const question = entry.choice ? { choice: entry.choice } : { text: entry.text };
      const region = this.region ? { region: this.region } : {};
      const { turn, messages } = await this.client.chat({ session, ...question, ...region }, entry.id);
      if (!this.entries.includes(entry)) return; // cleared meanwhile
      this.#change(entry, { state: "sent", text: masked(entry.text) });
      for (const message of messages) this.#add({ id: newId(), role: "bot", message, turn });
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      if (this.entries.includes(entry)) this.#change(entry, { state: "failed", failure: error.failure });
    } finally {
      this.#hold(false);
    }
  }

  /** @param {Entry} entry */
  #add(entry) {
    this.entries.push(entry);
    this.store.keep(this.entries);
    this.#tell("entry", entry);
  }

  /** @param {Asked} entry @param {Partial<Asked>} change */
  #change(entry, change) {
    Object.assign(entry, change);
    this.store.keep(this.entries);
    this.#tell("entry", entry);
  }

  /** @param {boolean} busy */
  #hold(busy) {
    this.busy = busy;
    this.#tell("busy");
  }

  /** @param {string} name @param {Entry} [entry] */
  #tell(name, entry) {
    this.dispatchEvent(new CustomEvent(name, { detail: entry }));
  }
}

/** A question still on its way when the page went is offered again: its key keeps it from being answered twice. */
function afterReload(/** @type {Entry} */ entry) {
  if (entry.role !== "user" || entry.state !== "sending") return entry;
  const failure = { reason: "页面刷新时这句话还没有回音。", again: true, until: 0 };
  return { ...entry, state: /** @type {const} */ ("failed"), failure };
}
