// The routes of the service, from its own description.

import { ask, byId, el, note } from "./dom.js";

let schemas = {};

const name = (schema) => schema?.$ref?.split("/").pop() ?? "";
const resolved = (schema) => schemas[name(schema)] ?? schema ?? {};

/** A type in a word or two: "integer", "text or null", "list of Hit". */
function kind(schema = {}) {
  if (schema.$ref) return name(schema);
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.const !== undefined) return String(schema.const);
  if (schema.anyOf) return schema.anyOf.map(kind).join(" or ");
  if (schema.type === "array") return `list of ${kind(schema.items ?? schema.prefixItems?.[0])}`;
  return { string: "text", null: "null" }[schema.type] ?? schema.type ?? "any";
}

function fields(rows) {
  const cells = rows.map(([field, schema, required, description]) => el("tr", {}, el("th", { scope: "row" }, el("code", {}, field)), el("td", {}, kind(schema)),
    el("td", {}, required ? "required" : schema.default === undefined ? "" : JSON.stringify(schema.default)), el("td", {}, description ?? "")));
  return el("table", {}, el("thead", {}, el("tr", {}, ["Field", "Type", "Default", "Meaning"].map((title) => el("th", { scope: "col" }, title)))), el("tbody", {}, cells));
}

const properties = (schema) => Object.entries(schema.properties ?? {}).map(([field, one]) => [field, one, schema.required?.includes(field), one.description]);

function route(path, method, described) {
  const body = described.requestBody?.content?.["application/json"]?.schema;
  const asked = (described.parameters ?? []).map((one) => [one.name, one.schema, one.required, one.description]);
  const answered = Object.values(described.responses).find((one) => one.content?.["application/json"])?.content["application/json"].schema;
  const records = [body, answered].filter((schema) => name(schema) || name(schema?.items));
  return el("details", { className: "route" }, el("summary", {}, el("code", {}, `${method.toUpperCase()} ${path}`), ` ${described.summary ?? ""}`),
    asked.length ? fields(asked) : null,
    ...records.map((schema) => [el("h3", {}, schema === body ? "Request: " : "Response: ", kind(schema)), fields(properties(resolved(name(schema) ? schema : schema.items)))]).flat());
}

try {
  const described = await ask("openapi.json");
  schemas = described.components?.schemas ?? {};
  const routes = Object.entries(described.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, one]) => route(path, method, one)));
  const records = Object.entries(schemas).filter(([, schema]) => schema.properties).map(([title, schema]) =>
    el("details", { className: "route" }, el("summary", {}, el("code", {}, title), ` ${(schema.description ?? "").split("\n")[0]}`), fields(properties(schema))));
  byId("routes").replaceChildren(...routes, el("h2", {}, "Records"), ...records);
} catch (error) {
  byId("routes").replaceChildren(note(error.message, "bad"));
}
