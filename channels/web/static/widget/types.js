/**
 * The public chat contract and what the widget keeps of a conversation. Types only.
 *
 * @typedef {{id: number, local_code: string, name: string, department: string, region: string,
 *            version: number, verified_at: string | null}} GuideRef
 * @typedef {{id: string, label: string, guide: GuideRef | null}} Choice
 * @typedef {{label: string, value: string}} Fact
 * @typedef {{label: string, url: string}} Link
 * @typedef {"answer"|"clarify"|"refuse"|"greet"|"smalltalk"|"emergency"|"handoff"|"ticket"|"book"|"error"} Act
 * @typedef {{act: Act, text: string, facets: string[], facts: Fact[], guide: GuideRef | null,
 *            choices: Choice[], links: Link[], faq: string | null}} Message
 * @typedef {{turn: string, messages: Message[]}} Reply
 *   `turn`: the key by which it is rated, empty where it cannot be.
 * @typedef {{key: string, message: Message}} Notice
 * @typedef {{text: string, guide: GuideRef | null}} Suggestion
 *
 * @typedef {{reason: string, again: boolean, until: number}} Failure
 *   `again`: sending again may help; `until`: not before this time (ms since 1970, 0 for at once).
 * @typedef {{id: string, role: "user", text: string, choice: string,
 *            state: "sending"|"sent"|"failed", failure: Failure | null}} Asked
 *   `id` is also the Idempotency-Key: a retry sends the same one.
 * @typedef {{id: string, role: "bot", message: Message, turn?: string, useful?: boolean}} Said
 *   `useful`: what the citizen said of it, if anything.
 * @typedef {Asked | Said} Entry
 */
export {};
