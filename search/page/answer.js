// An answer as it comes: each sentence with what was found of it in the sources.

import { byId, el, lines, note, place } from "./dom.js";
import { open } from "./reader.js";

const MARKS = { supported: ["✓", "supported by the sources"], partly: ["partly", "only partly in the sources"], "not found": ["not found", "not found in the sources"] };

let running = null;

/** Asks, and shows the answer while it is written; a second question ends the first. */
export async function answer(question) {
  running?.abort();
  const mine = (running = new AbortController());
  const state = { question: question.question, sources: [], text: "", sentences: [], whole: null, error: "" };
  render(state);
  try {
    for await (const event of lines("ask", { body: { ...question, stream: true }, signal: mine.signal })) {
      take(state, event);
      if (mine === running) render(state);
    }
  } catch (error) {
    if (error.name === "AbortError") return;
    state.error = error.message;
  }
  if (mine !== running) return;
  running = null;
  if (!state.whole && !state.error) state.error = "The answer broke off.";
  render(state);
}

export function close() {
  const section = byId("answer");
  if (section.hidden) return false;
  running?.abort();
  running = null;
  section.hidden = true;
  section.replaceChildren();
  return true;
}

function take(state, event) {
  if (event.error) state.error = event.error.message ?? String(event.error);
  else if (event.type === "sources") state.sources = event.sources;
  else if (event.type === "text") state.text += event.text;
  else if (event.type === "sentence") state.sentences.push(event.sentence);
  else if (event.type === "answer") {
    state.whole = event.answer;
    state.sources = event.answer.sources;
    state.sentences = event.answer.sentences;
    state.text = event.answer.answer;
  }
}

function render(state) {
  const section = byId("answer");
  const whole = state.whole;
  const done = whole || state.error;
  section.replaceChildren(
    el("div", { className: "top" }, el("h2", {}, el("bdi", {}, state.question)),
      el("button", { type: "button", className: "close quiet", ariaLabel: "Close the answer", on: { click: close } }, "×")),
    whole?.how === "extracts" ? quotes(state) : written(state, !done),
    ...(state.error ? [note(state.error, "bad")] : []),
    ...(whole ? rest(state) : []),
  );
  section.hidden = false;
  section.ariaBusy = done ? "false" : "true";
}

function written(state, busy) {
  const paragraph = el("div", { className: busy ? "written busy" : "written", dir: "auto" });
  if (!state.text && busy) paragraph.append(el("span", { className: "pending" }, state.sources.length ? "Writing … " : "Searching … "));
  let at = 0;
  for (const sentence of state.sentences) {
    const found = state.text.indexOf(sentence.text, at);
    if (found >= 0) {
      paragraph.append(state.text.slice(at, found));
      at = found + sentence.text.length;
    }
    paragraph.append(...checked(sentence, state.sources));
  }
  const pending = state.text.slice(at);
  if (pending) paragraph.append(busy ? el("span", { className: "pending" }, pending) : pending);
  return paragraph;
}

function quotes(state) {
  const items = state.sentences.map((sentence) => el("li", { dir: "auto" }, checked(sentence, state.sources)));
  return el("div", {}, el("p", { className: "soft" }, "Closest passages, quoted word for word:"), el("ul", { className: "quotes" }, items));
}

/** A sentence, its citations as buttons, and its mark: words and shape, not colour alone. */
function checked(sentence, sources) {
  const name = sentence.support.replace(" ", "");
  const span = el("span", { className: name === "supported" ? "" : name });
  for (const part of sentence.text.split(/((?:\[\d+\])+)/)) {
    if (/^(\[\d+\])+$/.test(part)) for (const n of part.match(/\d+/g)) span.append(cite(Number(n), sentence, sources));
    else span.append(part);
  }
  if (!/\[\d+\]/.test(sentence.text)) for (const citation of sentence.citations) span.append(cite(citation.source, sentence, sources));
  const [word, says] = MARKS[sentence.support] ?? [sentence.support, sentence.support];
  const missing = sentence.missing?.length ? `, missing: ${sentence.missing.join(", ")}` : "";
  return [span, el("span", { className: `tag ${name}`, title: says + missing }, el("span", { ariaHidden: "true" }, word, el("bdi", {}, missing)),
    el("span", { className: "hidden" }, ` (${says}${missing}) `))];
}

function cite(n, sentence, sources) {
  const source = sources.find((one) => one.n === n);
  if (!source) return `[${n}]`;
  const exact = sentence.citations.find((citation) => citation.source === n) ?? source.chunk;
  return el("button", { type: "button", className: "cite", title: source.document.path, ariaLabel: `Source ${n}, ${source.document.path}`,
    on: { click: () => open(source.document, exact, source.chunk, source.chunk) } }, String(n));
}

/** Sources, notes and figures, below the finished answer. */
function rest(state) {
  const { whole } = state;
  const cited = new Set(whole.sentences.flatMap((sentence) => [...sentence.text.matchAll(/\[(\d+)\]/g)].map((match) => Number(match[1]))
    .concat(sentence.citations.map((citation) => citation.source))));
  const shown = state.sources.filter((source) => whole.how === "refused" || cited.has(source.n));
  const list = shown.map((source) => el("li", {}, el("button", { type: "button", on: { click: () => open(source.document, source.chunk, source.chunk, source.chunk) } },
    el("span", { className: "n" }, String(source.n)), place(source.document, source.chunk))));
  const made = [...whole.left_out.map((line) => note(line, "warn")), ...whole.notes.map((line) => note(line))];
  if (list.length) made.unshift(el("div", { className: "sources" }, el("p", { className: "soft" }, whole.how === "refused" ? "The nearest passages" : "Sources"), el("ul", {}, list)));
  const counts = Object.keys(MARKS).map((mark) => [mark, whole.sentences.filter((sentence) => sentence.support === mark).length]).filter(([, count]) => count);
  const figures = [whole.model, counts.map(([mark, count]) => `${count} ${mark}`).join(", "), seconds(whole.metrics.total_seconds)];
  made.push(el("p", { className: "meta" }, figures.filter(Boolean).join(" · ")));
  return made;
}

const seconds = (value) => (value == null ? null : value < 1 ? `${Math.max(1, Math.round(value * 1000))} ms` : `${value.toFixed(1)} s`);
