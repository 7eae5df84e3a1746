// Which words and which sentence of a passage a query stands in.

const COMMON = new Set(("a about after all also am an and any are as at be because been before being between both but by can could " +
  "did do does doing done down during each few for from further get had has have having he her here hers him his how i if in into is it " +
  "its itself just me more most my no nor not now of off on once only or other our out over own same she should so some such than that " +
  "the their them then there these they this those through to too under until up us very was we were what when where which while who " +
  "whom why will with would you your yours").split(" "));

const words = new Intl.Segmenter(undefined, { granularity: "word" });
const sentences = new Intl.Segmenter(undefined, { granularity: "sentence" });

/** The stems of a query's words, without those that say nothing alone. */
export function stems(query) {
  const found = [...words.segment(query)].filter((part) => part.isWordLike).map((part) => plain(part.segment));
  const telling = found.filter((word) => !COMMON.has(word));
  return new Set((telling.length ? telling : found).map(stem));
}

const LEAD = 240; // characters before the best sentence, at most

/** `text` as nodes: words of the query in <b>, the sentence with most of them in .best, and not far from the start. */
export function marked(text, wanted) {
  const parts = [...sentences.segment(text)].map((part) => {
    const nodes = [];
    const seen = new Set();
    for (const { segment, isWordLike } of words.segment(part.segment)) {
      const bare = isWordLike ? stem(plain(segment)) : "";
      if (bare && wanted.has(bare)) {
        seen.add(bare);
        nodes.push(tag("b", segment));
      } else nodes.push(segment);
    }
    return { nodes, score: seen.size, index: part.index };
  });
  const best = parts.reduce((one, other) => (other.score > one.score ? other : one), { score: 0, index: 0 });
  const first = parts.findIndex((part) => part.index >= best.index - LEAD);
  const shown = parts.slice(first).flatMap((part) => (part === best && parts.length > 1 ? [...sentence(part.nodes)] : part.nodes));
  return first > 0 ? ["… ", ...shown] : shown;
}

/** A marked sentence, the white space at its end left out of the mark. */
function sentence(nodes) {
  const last = nodes.at(-1);
  if (typeof last !== "string") return [tag("span", ...nodes)];
  const bare = last.trimEnd();
  return [tag("span", ...nodes.slice(0, -1), bare), last.slice(bare.length)];
}

function tag(name, ...nodes) {
  const element = document.createElement(name);
  if (name === "span") element.className = "best";
  element.append(...nodes);
  return element;
}

const plain = (word) => word.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");

// Other forms of a word begin with the same letters, as the service itself has it.
const stem = (word) => (word.length > 4 ? word.slice(0, Math.max(4, word.length - 3)) : word.replace(/s$/, ""));
