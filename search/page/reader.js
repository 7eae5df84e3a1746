// A source, opened at a passage.

import { ask, byId, el, note, number, place, title } from "./dom.js";

const WINDOW = 200_000; // characters shown at once
const CODE = /^(py|js|ts|rs|go|c|h|cpp|java|rb|sh|sql|json|toml|yaml|xml|css|code|csv|tsv|log)$/;

let returnTo = null;
let opening = 0;

/** Opens a document and shows `exact` (a span) within `around` (the passage, a span, optional). */
export async function open(documentRef, exact, around = exact, chunk = null) {
  const turn = ++opening;
  returnTo = document.activeElement;
  show(documentRef, chunk, el("p", { className: "soft" }, "Opening …"));
  try {
    const middle = (exact ?? around)?.start ?? 0;
    await load(documentRef, exact, around, chunk, Math.max(0, middle - WINDOW / 2), turn);
  } catch (error) {
    if (turn === opening) show(documentRef, chunk, note(error.message, "bad"));
  }
}

async function load(documentRef, exact, around, chunk, start, turn) {
  const where = new URLSearchParams({ root: documentRef.root, path: documentRef.path, start, end: start + WINDOW });
  const found = await ask(`document?${where}`);
  if (turn !== opening) return;
  const turnTo = (to) => load(documentRef, exact, around, chunk, Math.max(0, to), turn);
  const body = [
    found.start > 0 ? more("Earlier", found, () => turnTo(found.start - WINDOW)) : null,
    ...paragraphs(found, exact, around),
    found.end < found.length ? more("Later", found, () => turnTo(found.end)) : null,
  ];
  show(found.document, chunk, ...body);
  const mark = document.querySelector("#reader mark.exact") ?? document.querySelector("#reader mark");
  mark?.scrollIntoView({ block: "center" });
}

export function close() {
  const reader = byId("reader");
  if (reader.hidden) return false;
  opening++;
  reader.hidden = true;
  reader.replaceChildren();
  document.body.classList.remove("reading");
  document.querySelectorAll(".hit.open").forEach((hit) => hit.classList.remove("open"));
  returnTo?.focus({ preventScroll: true });
  return true;
}

function show(documentRef, chunk, ...body) {
  const reader = byId("reader");
  const heading = el("h2", { tabIndex: -1 }, el("bdi", {}, title(documentRef)));
  const top = el("div", { className: "top" }, el("div", {}, heading, place(documentRef, chunk)),
    el("button", { type: "button", className: "close", ariaLabel: "Close the source", on: { click: close } }, "×"));
  const text = el("div", { className: `doc ${CODE.test(documentRef.type) ? "code" : ""}`, tabIndex: 0, role: "document", ariaLabel: "Text of the source" }, body);
  reader.replaceChildren(top, text);
  reader.hidden = false;
  document.body.classList.add("reading");
  heading.focus({ preventScroll: true });
}

const more = (word, found, turn) => el("p", { className: "more" }, el("button", { type: "button", on: { click: turn } }, word),
  ` Characters ${number(found.start)} to ${number(found.end)} of ${number(found.length)} are shown.`);

/** The text as paragraphs, each in its own direction, with the passage and the exact span marked. */
function paragraphs(found, exact, around) {
  // Offsets count characters (code points), JavaScript counts UTF-16 units: go through an array where they differ.
  const wide = /[\ud800-\udbff]/.test(found.text) ? Array.from(found.text) : null;
  const cut = (from, to) => (wide ? wide.slice(from, to).join("") : found.text.slice(from, to));
  const length = found.end - found.start;
  const edges = [0, length];
  for (const span of [exact, around]) if (span) edges.push(...[span.start, span.end].map((at) => Math.min(Math.max(at - found.start, 0), length)));
  const points = [...new Set(edges)].sort((one, other) => one - other);
  const made = [el("p", { dir: "auto" })];
  points.slice(0, -1).forEach((from, i) => {
    const within = (span) => span && span.start - found.start <= from && points[i + 1] <= span.end - found.start;
    const name = within(exact) ? "exact" : within(around) ? "around" : "";
    cut(from, points[i + 1]).split("\n").forEach((line, n) => {
      if (n) made.push(el("p", { dir: "auto" }));
      if (line) made.at(-1).append(name ? el("mark", { className: name }, line) : line);
    });
  });
  return made;
}
