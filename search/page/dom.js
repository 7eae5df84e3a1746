// Elements and requests. Text from documents only ever becomes text nodes: nothing here parses markup.

/** An element with properties and children; strings become text nodes, null is left out. */
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "on") for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    else if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** The JSON that a route answers with. Throws an Error with the service's own words. */
export async function ask(path, options = {}) {
  const response = await send(path, options);
  return response.json();
}

/** Each line of an NDJSON stream, as an object. */
export async function* lines(path, options = {}) {
  const response = await send(path, options);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    rest += value ?? "";
    const whole = rest.split("\n");
    rest = whole.pop();
    for (const line of whole) if (line) yield JSON.parse(line);
    if (done) return;
  }
}

async function send(path, { body, file, method = "GET", signal, token } = {}) {
  const request = { method, signal, body: file, headers: token ? { Authorization: `Bearer ${token}` } : {} };
  if (body) Object.assign(request, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  let response;
  try {
    response = await fetch(path, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The service does not answer. Is `search serve` still running?");
  }
  if (response.ok) return response;
  let message = `${response.status} ${response.statusText}`;
  try {
    message = (await response.json()).error.message;
  } catch {
    // not one of our own errors: the status has to do
  }
  throw Object.assign(new Error(message), { status: response.status });
}

/** A line beside results: "" for what is good to know, "warn" for what is missing, "bad" for what failed. */
export const note = (text, kind = "") => el("p", { className: `note ${kind}`, dir: "auto" }, text);

export const number = (value) => value.toLocaleString("en");

/** "file.pdf · page 3 · Chapter > Section", each part in its own direction. */
export function place(documentRef, chunk) {
  const parts = [documentRef.path];
  if (chunk?.page != null) parts.push(`page ${chunk.page}`);
  if (chunk?.rows) parts.push(chunk.rows[0] === chunk.rows[1] ? `row ${chunk.rows[0]}` : `rows ${chunk.rows.join("–")}`);
  if (chunk?.heading?.length) parts.push(chunk.heading.join(" › "));
  return el("p", { className: "place" }, parts.flatMap((part, i) => [i ? " · " : null, el("bdi", {}, part)]));
}

export const title = (documentRef) => documentRef.title || documentRef.path.split("/").pop();
