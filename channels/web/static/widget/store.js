/** @typedef {import("./types.js").Entry} Entry */

const LIMIT = 60; // entries
const SEEN = 50; // keys of notices
const SIZE = 200_000; // characters, far under what browsers allow a site
const PREFIX = "bangban.";

/** @returns {string} 36 of A-Za-z0-9-, unguessable also on pages without TLS, where randomUUID is missing */
export function newId() {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Storage that is refused (private windows, blocked third parties) acts as if it were empty.
 * @param {() => Storage} area
 */
function quiet(area) {
  return {
    /** @param {string} key @returns {any} */
    read(key) {
      try {
        return JSON.parse(area().getItem(PREFIX + key) ?? "null");
      } catch {
        return null;
      }
    },
    /** @param {string} key @param {unknown} value */
    write(key, value) {
      try {
        if (value === null) area().removeItem(PREFIX + key);
        else area().setItem(PREFIX + key, JSON.stringify(value));
      } catch {
        // The conversation goes on without being remembered.
      }
    },
  };
}

// The tab's own storage: it survives a reload and is gone when the tab is closed, as a shared computer needs.
const tab = quiet(() => sessionStorage);
const device = quiet(() => localStorage);

/** What outlives a reload: the session and the last entries, and for good only the type size. */
export class Store {
  /** @returns {string} the session's id, made when there is none */
  session() {
    const kept = this.known();
    if (kept) return kept;
    const fresh = newId();
    tab.write("session", fresh);
    return fresh;
  }

  /** @returns {string | null} the session's id, null when there is none */
  known() {
    const kept = tab.read("session");
    return typeof kept === "string" && /^[A-Za-z0-9_-]{8,64}$/.test(kept) ? kept : null;
  }

  /** @returns {Entry[]} */
  history() {
    const kept = tab.read("history");
    if (!Array.isArray(kept)) return [];
    return kept.filter((entry) => entry && typeof entry.id === "string" && (entry.role === "user" || entry.message));
  }

  /** @param {Entry[]} entries the oldest are dropped beyond the limits */
  keep(entries) {
    let kept = entries.slice(-LIMIT);
    while (kept.length > 1 && JSON.stringify(kept).length > SIZE) kept = kept.slice(Math.ceil(kept.length / 4));
    tab.write("history", kept);
  }

  /** @returns {string[]} the keys of the notices that were shown */
  seen() {
    const kept = tab.read("seen");
    return Array.isArray(kept) ? kept.filter((key) => typeof key === "string") : [];
  }

  /** @param {string[]} keys the oldest are dropped beyond what the server takes */
  keepSeen(keys) {
    tab.write("seen", keys.slice(-SEEN));
  }

  /** Forget the conversation, and the session with it: the server's memory of it must not be reachable either. */
  clear() {
    tab.write("history", null);
    tab.write("session", null);
    tab.write("seen", null);
  }

  /** @returns {boolean} whether the panel was open */
  opened() {
    return tab.read("open") === true;
  }

  /** @param {boolean} open */
  keepOpened(open) {
    tab.write("open", open || null);
  }

  /** @returns {boolean | null} null when the citizen never chose */
  elder() {
    const kept = device.read("elder");
    return typeof kept === "boolean" ? kept : null;
  }

  /** @param {boolean} elder */
  keepElder(elder) {
    device.write("elder", elder);
  }
}
