// What the index holds, how far it is, and what is not in it.

import { ask, byId, el, note, number, title } from "./dom.js";
import { open } from "./reader.js";

const BUSY_MILLISECONDS = 1_500;
const QUIET_MILLISECONDS = 15_000;
const PAGE = 100;

let timer = null;
let last = null;

/** Fetches the status now and from time to time, while the page is looked at. */
export async function watch() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const before = last;
    last = await ask("status");
    line(last);
    if (!before || before.documents !== last.documents) await types();
    if (!byId("index").hidden) await figures();
  } catch (error) {
    last = null;
    byId("index-line").textContent = error.message;
    document.querySelector(".dot").className = "dot down";
  }
  timer = setTimeout(watch, last && !last.waiting ? QUIET_MILLISECONDS : BUSY_MILLISECONDS);
}

export async function toggle() {
  const panel = byId("index");
  panel.hidden = !panel.hidden;
  byId("index-button").ariaExpanded = String(!panel.hidden);
  if (panel.hidden || !last) return;
  panel.replaceChildren(
    el("div", { className: "top" }, el("h2", {}, "The index"), el("button", { type: "button", className: "close quiet", ariaLabel: "Close the index", on: { click: close } }, "×")),
    el("div", { id: "figures" }), el("div", { id: "documents" }));
  await Promise.all([figures(), documents(0)]);
}

export function close() {
  if (byId("index").hidden) return false;
  byId("index").hidden = true;
  byId("index-button").ariaExpanded = "false";
  byId("index-button").focus();
  return true;
}

function line(status) {
  const parts = [`${number(status.documents)} ${status.documents === 1 ? "document" : "documents"}`];
  if (status.waiting) parts.push(`${Math.floor((100 * status.embedded) / status.chunks)} % embedded`);
  if (status.failures) parts.push(`${number(status.failures)} not fully read`);
  byId("index-line").textContent = parts.join(" · ");
  document.querySelector(".dot").className = status.waiting ? "dot busy" : "dot";
}

async function types() {
  const { types: found } = await ask("documents?limit=1");
  const select = byId("type");
  const chosen = select.value;
  const options = Object.entries(found).map(([type, count]) => el("option", { value: type }, `${type} (${number(count)})`));
  // What is searched by stays chosen, though no document has it (any more).
  if (chosen && !(chosen in found)) options.push(el("option", { value: chosen }, `${chosen} (0)`));
  select.replaceChildren(el("option", { value: "" }, "All types"), ...options);
  select.value = chosen;
}

async function figures() {
  const [failures, status] = [await ask("failures"), last];
  const space = status.space;
  const rows = {
    Folders: status.roots.join(", ") || "none yet",
    Holds: `${number(status.documents)} documents in ${number(status.chunks)} passages, ${number(status.embedded)} of them embedded`,
    Embeddings: `${status.embed_model} at ${status.embed_host}${space ? `, ${space.dimensions} dimensions` : ""}`,
    Answers: status.chat_model ? `${status.chat_model} at ${status.chat_host}` : "sentences quoted from the documents",
    File: `${status.database} (${(status.size_bytes / 1e6).toFixed(1)} MB)`,
  };
  byId("figures")?.replaceChildren(
    ...(status.waiting ? [el("p", { className: "soft" }, `${number(status.waiting)} passages wait for their vector; they are found by their words already.`),
      el("progress", { max: status.chunks, value: status.embedded, ariaLabel: "Passages embedded" })] : []),
    el("dl", {}, Object.entries(rows).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, el("bdi", {}, value))])),
    ...status.notes.map((text) => note(text)),
    ...(failures.length ? [el("h3", {}, `Not, or not wholly, searchable (${number(failures.length)})`),
      el("ul", { className: "list", tabIndex: 0, ariaLabel: "Files that failed" }, failures.map((failure) =>
        el("li", {}, el("bdi", {}, failure.path), el("span", { className: "reason", dir: "auto" }, `${failure.outcome}: ${failure.reason}`), failure.remedy ? el("span", { className: "soft", dir: "auto" }, failure.remedy) : null)))] : []));
}

async function documents(offset) {
  const found = await ask(`documents?${new URLSearchParams({ offset, limit: PAGE })}`);
  const items = found.documents.map(({ document: ref }) => el("li", {}, el("button", { type: "button", on: { click: () => open(ref, null) } }, el("bdi", {}, ref.path)),
    ref.title ? el("bdi", { className: "soft" }, ` ${title(ref)}`) : null));
  if (!offset) byId("documents").replaceChildren(el("h3", {}, `Documents (${number(found.total)})`), el("ul", { className: "list", tabIndex: 0, ariaLabel: "Documents" }));
  const list = document.querySelector("#documents .list");
  list.append(...items);
  if (offset + PAGE < found.total) {
    const further = el("li", {}, el("button", { type: "button", on: { click: () => { further.remove(); documents(offset + PAGE); } } }, "Show more"));
    list.append(further);
  }
}
