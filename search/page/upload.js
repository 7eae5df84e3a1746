// Files dropped on the page are sent to the service, one after the other; then their ingest is followed.

import { ask, byId, el, note, number } from "./dom.js";

const WAIT_SECONDS = 10;
const TOKEN = "semsearch-token"; // kept for this tab only, until it is closed

/** Makes the whole page a place to drop files on; `done` is called when some have become searchable. */
export function accept(done) {
  let depth = 0;
  const has = (event) => event.dataTransfer?.types.includes("Files");
  const cover = (shown) => { byId("drop").hidden = !shown; };
  addEventListener("dragenter", (event) => { if (has(event)) { depth++; cover(true); } });
  addEventListener("dragleave", (event) => { if (has(event) && !--depth) cover(false); });
  addEventListener("dragover", (event) => { if (has(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    if (!has(event)) return;
    event.preventDefault();
    depth = 0;
    cover(false);
    send([...event.dataTransfer.files], done);
  });
  byId("files").addEventListener("change", (event) => {
    send([...event.target.files], done);
    event.target.value = "";
  });
}

async function send(files, done) {
  const list = el("ul", { className: "list" });
  const panel = byId("uploads");
  panel.replaceChildren(el("div", { className: "top" }, el("h2", {}, files.length === 1 ? "Adding a document" : `Adding ${number(files.length)} documents`),
    el("button", { type: "button", className: "close quiet", ariaLabel: "Close the list of added documents", on: { click: () => { panel.hidden = true; } } }, "×")), list);
  panel.hidden = false;
  for (const [place, file] of files.entries()) {
    const state = el("span", { className: "soft" }, "sending …");
    const item = el("li", {}, el("bdi", {}, file.name), " ", state);
    list.append(item);
    try {
      const path = file.name.split("/").map(encodeURIComponent).join("/");
      const job = await ended(await change(`documents/${path}?wait=${WAIT_SECONDS}`, { method: "PUT", file }), state);
      state.textContent = await failure(job.folder, file.name) ?? "can be searched";
      done();
    } catch (error) {
      state.remove();
      if (error.status === 401) return panel.append(asking(() => send(files.slice(place), done)));
      item.append(note(error.message, "bad"));
    }
  }
}

/** A request that changes the index: with the token, where the service asked for one. */
const change = (path, options = {}) => ask(path, { ...options, token: sessionStorage.getItem(TOKEN) });

/** The field for the token of a service that asks for it; `then` goes on with it. */
function asking(then) {
  const wrong = sessionStorage.getItem(TOKEN) ? "That is not its token." : "This service takes documents from those who have its token.";
  const field = el("input", { type: "password", id: "token", autocomplete: "off", required: true });
  const form = el("form", { className: "token" }, el("label", { htmlFor: "token" }, `${wrong} The token (SEARCH_TOKEN): `), field, " ", el("button", { type: "submit" }, "Send"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(TOKEN, field.value.trim());
    then();
  });
  setTimeout(() => field.focus());
  return form;
}

/** The job at its end. Throws an Error where it could not be done. */
async function ended(job, state) {
  while (job.state === "waiting" || job.state === "running") {
    state.textContent = "reading …";
    job = await change(`jobs/${encodeURIComponent(job.id)}?wait=${WAIT_SECONDS}`);
  }
  if (job.state !== "done") throw new Error(job.error?.message ?? "its ingest was stopped");
  return job;
}

/** Why a file that was sent cannot be searched; null where it can. */
async function failure(root, name) {
  const found = (await ask("failures")).find((one) => one.root === root && one.path === name && one.outcome !== "waiting");
  return found ? `${found.outcome}: ${found.reason}. ${found.remedy ?? ""}` : null;
}
