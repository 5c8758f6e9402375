// What must hold in a real browser, in twelve sentences; each stands over the tests that prove it:
//   check(7, () => test("…", …));        playwright test --grep "Check 7:"
import { test } from "./server.ts";

export const CHECKS = {
  1: "without script, and with WebAssembly blocked, one signs in, generates a token, signs out and sends a ticket; no button is dead",
  2: "from help_url it takes three clicks at most to a copied token, and the new token is answered 200",
  3: "reload, Back and a second tab never show the secret again; it is in no URL, history, storage, log or database",
  4: "the clipboard gets the token exactly, “Copied” is announced politely, and without a clipboard there is no Copy button",
  5: "the first request flips the page within 3 s, without a reload",
  6: "with a session ended by the cutover any deep link leads to the login with the reason, and back to that link; nobody else is told so",
  7: "a wrong email and a wrong password get an identical answer in similar time; the email is kept, the focus is in the summary",
  8: "axe finds nothing on any route, in light and dark, at 390 and 1280 px, with dialogs open",
  9: "by keyboard alone the whole journey; focus visible, Escape closes and returns it, skip link first; one h1, aria-sort, no sideways scroll at 320 px and 200 % zoom, targets ≥ 24 px",
  10: "of very many accounts search, filter, sort and page are in the URL and work without script; the CSV is exactly the filter, its formulas neutralised, streamed",
  11: "Finalise stays disabled until every acknowledgement and the typed name; the rehearsal counts what then answers 401; a double submit finalises once; a member gets 404",
  12: "no third-party request, no console error and no CSP error on any route",
} as const;

/** The title over the tests of a check. */
export const titleOf = (number: keyof typeof CHECKS): string => `Check ${number}: ${CHECKS[number]}`;

/** Puts tests under the sentence that they prove; each stands under one at most. */
export const check = (number: keyof typeof CHECKS, tests: () => void): void => test.describe(titleOf(number), tests);
