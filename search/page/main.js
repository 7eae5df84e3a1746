// The page: one box that searches while one types, and asks on Enter.

import * as answers from "./answer.js";
import { ask, byId, el, note, number, place, title } from "./dom.js";
import { marked, stems } from "./marks.js";
import * as reader from "./reader.js";
import * as index from "./state.js";
import { accept } from "./upload.js";

const PAUSE_MILLISECONDS = 40; // after the last key
const HITS = 10;

let timer = null;
let running = null;
let count = HITS;

const FILTERS = ["type", "path", "after", "before", "language"];
const filters = () => Object.fromEntries(FILTERS.map((name) => [name, byId(name).value.trim() || null]));
const mode = () => document.querySelector("input[name=mode]:checked").value;

function soon() {
  clearTimeout(timer);
  count = HITS;
  timer = setTimeout(search, PAUSE_MILLISECONDS);
}

async function search() {
  running?.abort();
  const mine = (running = new AbortController());
  const query = byId("query").value.trim();
  remember(query);
  byId("welcome").hidden = Boolean(query);
  if (!query) return show([], "");
  try {
    show(await ask("search", { body: { query, k: count, mode: mode(), ...filters() }, signal: mine.signal }), query);
  } catch (error) {
    if (error.name === "AbortError") return;
    byId("summary").textContent = "";
    byId("hits").replaceChildren(el("li", {}, note(error.message, "bad")));
  }
}

function show(results, query) {
  const hits = results.hits ?? [];
  const wanted = stems(query);
  const ranked = { hybrid: "by words and meaning", keyword: "by words", vector: "by meaning" }[results.mode];
  byId("summary").textContent = !query ? "" : hits.length
    ? `${number(hits.length)} ${hits.length === 1 ? "hit" : "hits"} ${ranked} in ${Math.max(1, Math.round(results.took_ms.total))} ms` : "Nothing found.";
  const more = hits.length >= count && count < 1000
    ? [el("li", {}, el("button", { type: "button", on: { click: () => { count = Math.min(1000, count * 2); search(); } } }, "More hits"))] : [];
  byId("hits").replaceChildren(...(results.notes ?? []).map((line) => el("li", {}, note(line, "warn"))), ...hits.map((hit) => item(hit, wanted)), ...more);
}

function item(hit, wanted) {
  const { chunk, document: ref } = hit;
  const opener = el("button", { type: "button", className: "opener", dir: "auto" }, title(ref));
  const made = el("li", { className: "hit" }, el("h3", {}, opener), place(ref, chunk),
    el("p", { className: "text", dir: "auto" }, marked(excerpt(chunk), wanted)),
    hit.copies?.length ? el("p", { className: "copies" }, "Nearly the same in: ", hit.copies.flatMap((copy, i) => [i ? ", " : null, elsewhere(copy)])) : null,
    el("details", { className: "why" }, el("summary", {}, "Why"), hit.why.split("; ").map((line) => el("p", {}, line))));
  opener.addEventListener("click", () => {
    reader.open(ref, null, chunk, chunk);
    document.querySelectorAll(".hit.open").forEach((other) => other.classList.remove("open"));
    made.classList.add("open");
  });
  return made;
}

/** A near copy of a passage, which opens where it stands. */
const elsewhere = (copy) => el("button", { type: "button", className: "link", on: { click: () => reader.open(copy.document, null, copy) } }, el("bdi", {}, copy.document.path));

/** A passage's text without what is shown above it already, fences, anchors and blank lines; the source shows it as it is. */
function excerpt(chunk) {
  const headings = new Set(chunk.heading);
  const lines = chunk.text.split("\n").filter((line) => !/^\s*(```|~~~|(<a(\s[^<>]*)?>\s*<\/a>\s*)*$)/.test(line));
  while (lines.length > 1 && headings.has(lines[0].replace(/^#+\s*/, "").trim())) lines.shift();
  return lines.join("\n");
}

/** The query stands in the address, so that a page can be kept, shared and gone back to. */
function remember(query) {
  const kept = Object.entries({ q: query, mode: mode() === "hybrid" ? "" : mode(), ...filters() }).filter(([, value]) => value);
  history.replaceState(null, "", kept.length ? `?${new URLSearchParams(kept)}` : location.pathname);
}

function restore() {
  const kept = new URLSearchParams(location.search);
  byId("query").value = kept.get("q") ?? "";
  for (const name of FILTERS.slice(1)) byId(name).value = kept.get(name) ?? "";
  byId("more").open = ["after", "before", "language"].some((name) => kept.get(name));
  const type = kept.get("type")?.toLowerCase();
  if (type) byId("type").append(el("option", { value: type, selected: true }, type));
  const radio = [...document.querySelectorAll("input[name=mode]")].find((one) => one.value === kept.get("mode"));
  if (radio) radio.checked = true;
}

function keys(event) {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "radio";
  if (event.key === "Escape") {
    if (reader.close() || index.close() || answers.close()) event.preventDefault();
  } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    reader.close();
    byId("query").focus();
    byId("query").select();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const stops = [byId("query"), ...document.querySelectorAll(".hit .opener")];
    const at = stops.indexOf(document.activeElement);
    const next = stops[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (at < 0 || !next) return;
    event.preventDefault();
    next.focus();
    next.closest(".hit")?.scrollIntoView({ block: "nearest" });
  }
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const question = byId("query").value.trim();
  if (question) answers.answer({ question, ...filters() });
});
byId("query").addEventListener("input", soon);
byId("path").addEventListener("input", soon);
byId("language").addEventListener("input", soon);
byId("filters").addEventListener("change", soon);
byId("index-button").addEventListener("click", index.toggle);
document.addEventListener("keydown", keys);
document.addEventListener("visibilitychange", index.watch);
accept(() => { index.watch(); search(); });
restore();
index.watch();
search();
byId("query").focus();
