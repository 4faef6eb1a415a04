/**
 * @typedef {import("./types.js").Message} Message
 * @typedef {import("./types.js").Reply} Reply
 * @typedef {import("./types.js").Notice} Notice
 * @typedef {import("./types.js").Suggestion} Suggestion
 * @typedef {import("./types.js").Failure} Failure
 */

const PATIENCE = 30_000; // ms until an answer counts as lost
const WAIT = 10; // s to wait after a 429 that names no time

/** A question that brought no answer; `failure` is what to tell the citizen. */
export class Unanswered extends Error {
  /** @param {Failure} failure */
  constructor(failure) {
    super(failure.reason);
    this.failure = failure;
  }
}

/** The server, reached at `base` (ends with "/"). */
export class Client {
  /** @param {URL} base */
  constructor(base) {
    this.base = base;
  }

  /**
   * @param {{session: string, text?: string, choice?: string, region?: string}} body
   * @param {string} key the same for every try of one question
   * @returns {Promise<Reply>}
   * @throws {Unanswered}
   */
  async chat(body, key) {
    if (navigator.onLine === false) throw unanswered("网络断开了，这句话没有送出。");
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), PATIENCE);
    try {
      const response = await fetch(new URL("api/chat", this.base), {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": key },
        body: JSON.stringify(body),
        credentials: "omit",
        cache: "no-store",
        signal: patience.signal,
      });
      if (!response.ok) throw refusal(response);
      const answer = await response.json();
      if (!Array.isArray(answer.messages) || !answer.messages.length) throw unanswered("服务器的回答没有看懂，请再试一次。");
      return { turn: typeof answer.turn === "string" ? answer.turn : "", messages: answer.messages.map(message) };
    } catch (error) {
      if (error instanceof Unanswered) throw error;
      throw unanswered(patience.signal.aborted ? "等了很久没有回音，请再试一次。" : "网络不通，这句话没有送到。");
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * @param {string} text @param {string} region @param {AbortSignal} signal
   * @returns {Promise<Suggestion[]>} none when the server cannot be reached: type-ahead is a comfort
   */
  async suggest(text, region, signal) {
    const answer = await this.#get("api/suggest", { q: text, region }, signal);
    const found = Array.isArray(answer?.suggestions) ? answer.suggestions : [];
    return found.filter((/** @type {any} */ one) => typeof one?.text === "string").slice(0, 8);
  }

  /**
   * What the desk has to tell this conversation.
   * @param {string} session @param {string[]} seen the keys of those shown before: they are told no more
   * @returns {Promise<Notice[]>} none when the server cannot be reached: they are kept there
   */
  async notices(session, seen) {
    try {
      const response = await fetch(new URL("api/notices", this.base), {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ session, seen }),
        credentials: "omit",
        cache: "no-store",
      });
      const told = response.ok ? await response.json() : null;
      const found = Array.isArray(told?.notices) ? told.notices : [];
      return found
        .filter((/** @type {any} */ one) => typeof one?.key === "string")
        .map((/** @type {any} */ one) => ({ key: one.key, message: message(one.message) }));
    } catch {
      return [];
    }
  }

  /**
   * Say whether a turn helped.
   * @param {{session: string, turn: string, useful: boolean, comment?: string}} body
   * @returns {Promise<boolean>} whether it has arrived
   */
  async feedback(body) {
    try {
      const response = await fetch(new URL("api/feedback", this.base), {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
        credentials: "omit",
        cache: "no-store",
      });
      return response.ok;
    } catch {
      return false;
    }
  }

  /** @param {string} region @returns {Promise<string[]>} */
  async hot(region) {
    const answer = await this.#get("api/hot", { region });
    const questions = Array.isArray(answer?.questions) ? answer.questions : [];
    return questions.filter((/** @type {unknown} */ one) => typeof one === "string").slice(0, 6);
  }

  /** @param {string} path @param {Record<string, string>} query @param {AbortSignal} [signal] */
  async #get(path, query, signal) {
    const url = new URL(path, this.base);
    for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
    try {
      const response = await fetch(url, { credentials: "omit", signal });
      return response.ok ? await response.json() : null;
    } catch {
      return null;
    }
  }
}

/** @param {string} reason @param {boolean} [again] @param {number} [until] */
function unanswered(reason, again = true, until = 0) {
  return new Unanswered({ reason, again, until });
}

/** @param {Response} response */
function refusal(response) {
  if (response.status === 429) {
    const named = Number(response.headers.get("Retry-After"));
    const seconds = named > 0 ? Math.min(Math.ceil(named), 3600) : WAIT;
    return unanswered("问得有点快，请稍等一下再发。", true, Date.now() + seconds * 1000);
  }
  if (response.status === 413 || response.status === 422) {
    return unanswered("这句话太长或者有看不懂的内容，请换个简短的说法。", false);
  }
  return unanswered("服务暂时出了点问题，这句话没有得到回答。");
}

/** @param {any} raw @returns {Message} every field there and of its type, whatever came */
function message(raw) {
  const list = (/** @type {unknown} */ value) => (Array.isArray(value) ? value.filter(Boolean) : []);
  const text = (/** @type {unknown} */ value) => (value === null || value === undefined ? "" : String(value));
  return {
    act: /** @type {any} */ (text(raw?.act) || "answer"),
    text: text(raw?.text),
    facets: list(raw?.facets).map(text),
    facts: list(raw?.facts).map((fact) => ({ label: text(fact.label), value: text(fact.value) })),
    guide: raw?.guide && typeof raw.guide === "object" ? raw.guide : null,
    choices: list(raw?.choices).map((one) => ({ id: text(one.id), label: text(one.label), guide: one.guide ?? null })),
    links: list(raw?.links).map((link) => ({ label: text(link.label), url: text(link.url) })),
    faq: typeof raw?.faq === "string" ? raw.faq : null,
  };
}
