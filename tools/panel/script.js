"use strict";
// The page of umb.panel: a Modbus client in a browser. It asks its own board only.

const MINUTES = 10;
const EXCEPTIONS = {
  1: "illegal function", 2: "illegal data address", 3: "illegal data value", 4: "device failure",
  5: "acknowledged, not done yet", 6: "device busy", 8: "memory parity error",
  10: "the gateway has no path to this slave", 11: "the slave did not answer",
};
const FAILURES = { 0: "wrong CRC or length", "-2": "no answer", "-4": "no connection" };
const VIEWS = ["overview", "points", "registers", "buses", "gateway", "settings"];
const $ = (id) => document.getElementById(id);

let info = { about: [], views: [], buses: [] };
let points = [];
let rows = []; // the elements of each point
let past = []; // [milliseconds, value] of each point
let settings = null;
let view = "overview";
let plotted = -1;
let listening = false;
let polls = false; // whether values are asked for, since others are told of changes

// --- elements

function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name.startsWith("aria-") || name === "role" || name === "for") {
      element.setAttribute(name, value);
    } else {
      element[name] = value;
    }
  }
  element.append(...children);
  return element;
}

function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function table(heads, lines) {
  const kind = (text) => typeof text === "number" ? "number" : String(text).length < 18 ? "short" : "";
  const cell = (text) => make("td", { className: kind(text) }, text instanceof Node ? text : String(text ?? ""));
  const isNumber = (i) => lines.some((line) => typeof line[i] === "number");
  return make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": heads.join(", ") }, make("table", {},
    make("thead", {}, make("tr", {}, ...heads.map((head, i) => make("th", { scope: "col", className: isNumber(i) ? "number" : "" }, head)))),
    make("tbody", {}, ...lines.map((line) => make("tr", {}, ...line.map(cell))))));
}

function tell(text) {
  $("message").textContent = text;
  $("message").hidden = !text;
}

// Put these into a box. What has the keyboard there keeps it.
function fill(box, ...children) {
  const places = () => [...box.querySelectorAll("[tabindex]")];
  const i = places().indexOf(document.activeElement);
  box.replaceChildren(...children);
  places()[i]?.focus();
}

function badge(text, isGood) {
  return make("span", { className: "badge " + (isGood ? "good" : "poor") }, text);
}

// --- requests

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, { cache: "no-store", ...options });
  const answer = await response.json().catch(() => ({ error: "the board answered " + response.status }));
  if (response.status === 401 && info.can_sign_in) {
    openLogin();
  }
  if (!response.ok) {
    throw new Error(answer.error || "the board answered " + response.status);
  }
  return answer;
}

async function askPdu(unit, pdu) {
  const response = await fetch("pdu", { method: "POST", body: new Uint8Array([unit, ...pdu]) });
  if (!response.ok) {
    if (response.status === 401 && info.can_sign_in) {
      openLogin();
    }
    throw new Error((await response.json()).error);
  }
  const answer = new Uint8Array(await response.arrayBuffer());
  if (!answer.length) {
    throw new Error("there was no answer");
  }
  if (answer[0] & 0x80) {
    throw new Error(failure(answer[1]));
  }
  return answer;
}

function attempt(action) {
  return async (event) => {
    event?.preventDefault?.();
    tell("");
    try {
      await action(event);
    } catch (error) {
      tell(error.message);
    }
  };
}

// --- overview, buses, gateway

async function refresh() {
  info = await ask("info?view=" + view);
  const named = Object.fromEntries(info.about);
  document.title = $("title").textContent = named.Name || named.Board || "umb";
  const about = info.can_sign_in ? [...info.about, ["Refused sign-ins", info.refused_sign_ins]] : info.about;
  $("about").replaceChildren(...about.flatMap(([label, text]) => [make("dt", {}, label), make("dd", {}, String(text))]));
  $("sign").hidden = !info.can_sign_in;
  $("sign").textContent = info.signed_in ? "Sign out" : "Sign in";
  $("health-card").hidden = !info.buses.length;
  $("health").replaceChildren(...info.buses.map((bus) =>
    make("li", {}, make("span", {}, bus.name + (bus.baudrate ? ", " + bus.baudrate + " baud" : "")), badge(bus.health || "ok", !bus.health || bus.health === "ok"))));
  fill($("bus-list"), ...info.buses.map(showBus));
  showGateway(info.gateway);
  if ($("unit").value === "") {
    $("unit").value = info.slave_id;
    suggest();
  }
  showNavigation();
  for (const row of rows) {
    row.enable();
  }
  if (view === "settings") {
    await showSettings();
  }
}

function showBus(bus) {
  const card = make("article", { className: "card" }, make("h3", {}, bus.name + " "), make("p", {}, [bus.baudrate && bus.baudrate + " baud", bus.format].filter(Boolean).join(", ")));
  card.firstChild.append(badge(bus.health || "ok", !bus.health || bus.health === "ok"));
  if (bus.counters?.length) {
    card.append(table(["Counter", "Count"], bus.counters));
  }
  if (bus.slaves?.length) {
    card.append(make("h3", {}, "Slaves"), showSlaves(bus.slaves));
  }
  if (bus.errors?.length) {
    card.append(make("h3", {}, "Last errors"), showErrors(bus.errors));
  }
  return card;
}

function ago(s) {
  const [unit, size] = s < 60 ? ["s", 1] : s < 3600 ? ["min", 60] : s < 86400 ? ["h", 3600] : ["d", 86400];
  return Math.floor(s / size) + " " + unit + " ago";
}

function failure(status) {
  return status > 0 ? (EXCEPTIONS[status] || "refused") + " (exception " + status + ")" : FAILURES[status] || "wrong answer";
}

function showErrors(errors) {
  return table(["When", "Who", "Request", "What", "Times"], errors.map((one) => typeof one === "string" ? ["", "", "", one, ""]
    : [one.age_s === undefined ? "" : ago(one.age_s), one.who, one.asked, one.what || failure(one.status), one.times]));
}

function showSlaves(slaves, name = "Name") {
  const named = (text) => slaves.some((one) => one.name) ? [text] : [];
  return table(
    ["Id", ...named(name), "State", "Requests", "Answers", "Time-outs", "Wrong", "Exceptions", "Last ms", "Longest ms"],
    slaves.map((one) => [one.id, ...named(one.name), badge(one.state || "unknown", one.state === "online"), one.requests, one.answers, one.timeouts, one.wrong, one.exceptions, one.last_ms, one.worst_ms]));
}

function showGateway(gateway) {
  if (!gateway) {
    return;
  }
  fill($("gateway-list"),
    make("article", { className: "card" }, make("h3", {}, "Clients"),
      gateway.clients?.length ? make("ul", {}, ...gateway.clients.map((text) => make("li", {}, text))) : make("p", {}, "No client is connected."),
      make("p", {}, "Requests that wait: " + (gateway.queue ?? 0))),
    ...(gateway.slaves?.length ? [make("article", { className: "card" }, make("h3", {}, "Slaves behind it"), showSlaves(gateway.slaves, "Bus"))] : []));
}

// --- points

async function loadPoints() {
  points = await ask("points");
  const now = Date.now();
  past = points.map((point, i) => past[i]?.length ? past[i] : [[now, point.value]]);
  const groups = new Map();
  rows = points.map(makeRow);
  points.forEach((point, i) => groups.set(point.group, [...(groups.get(point.group) || []), rows[i].element]));
  $("groups").replaceChildren(...[...groups].map(([name, elements]) =>
    make("article", { className: "card" }, ...(name ? [make("h3", {}, name)] : []), ...elements)));
  rows.forEach((row) => row.show());
  showValues();
  if (!listening) {
    listening = true;
    listen();
  }
}

function format(point) {
  if (point.value === null || point.value === undefined) {
    return "–";
  }
  if (point.kind === "switch") {
    return point.value ? "on" : "off";
  }
  return typeof point.value === "number" && point.precision !== undefined
    ? point.value.toFixed(Math.max(0, point.precision)) : String(point.value);
}

function makeRow(point, i) {
  const value = make("span", { className: "value" });
  const spark = make("button", { className: "spark", type: "button", "aria-label": "Plot of " + point.name });
  const set = make("div", { className: "set" });
  spark.onclick = () => openPlot(i);
  let control = null;
  if (point.writable && point.kind === "switch") {
    control = make("button", { className: "switch", type: "button", role: "switch", "aria-label": point.name });
    control.onclick = attempt(() => write(i, point.value ? 0 : 1));
    set.append(control);
  } else if (point.writable) {
    const isNumber = point.kind === "number";
    const input = make("input", { type: isNumber ? "number" : "text", step: "any", required: true, "aria-label": "New value of " + point.name });
    if (isNumber) {
      input.min = point.min_value ?? "";
      input.max = point.max_value ?? "";
    }
    control = make("button", { type: "submit", "aria-label": "Set " + point.name }, "Set");
    const form = make("form", { className: "set" }, input, control);
    form.onsubmit = attempt(async () => {
      await write(i, isNumber ? Number(input.value) : input.value);
      input.value = "";
    });
    set.append(form);
  }
  const row = {
    element: make("div", { className: "point" }, make("span", {}, point.name), value, spark, set),
    show() {
      value.replaceChildren(format(point), make("small", {}, " " + (point.state || point.unit_of_measurement || "")));
      if (point.kind === "switch" && control) {
        control.setAttribute("aria-checked", String(Boolean(point.value)));
      }
      spark.replaceChildren(...(point.kind === "text" ? [] : [drawLine(past[i], 120, 32)]));
    },
    enable() {
      for (const one of set.querySelectorAll("button, input")) {
        one.disabled = !info.signed_in;
      }
      if (control) {
        control.title = info.signed_in ? "" : info.can_sign_in ? "Sign in to change this" : "This panel is read-only";
      }
    },
  };
  row.enable();
  return row;
}

async function write(i, value) {
  await ask("points", { number: i, value });
}

function takeChanges(changes) {
  const now = Date.now();
  for (const [i, value, state] of changes) {
    if (!points[i]) {
      return;
    }
    past[i].push([now, points[i].value], [now, value]); // it was what it was until now
    points[i].value = value;
    points[i].state = state;
    rows[i].show();
  }
  showValues();
  if (plotted >= 0 && $("plot").open) {
    drawPlot();
  }
}

function showValues() {
  $("values-card").hidden = !points.length;
  $("values").replaceChildren(...points.slice(0, 8).map((point) =>
    make("li", {}, make("span", {}, point.name), make("strong", {}, format(point) + " " + (point.unit_of_measurement || "")))));
}

function forget() {
  const oldest = Date.now() - MINUTES * 60000;
  past.forEach((line) => {
    while (line.length > 1 && line[1][0] < oldest) {
      line.shift();
    }
  });
  rows.forEach((row) => row.show());
}

function rangeOf(line) {
  const numbers = line.map(([, value]) => value).filter((value) => typeof value === "number");
  return numbers.length ? [Math.min(...numbers), Math.max(...numbers)] : null;
}

// For how many milliseconds there are values to be drawn: a minute at least, ten at most.
function spanOf(line) {
  return Math.min(MINUTES * 60000, Math.max(60000, Date.now() - line[0][0]));
}

function drawLine(line, width, height) {
  const range = rangeOf(line);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  if (!range) {
    return picture;
  }
  const now = Date.now();
  const [low, high] = range;
  const span = spanOf(line);
  const x = (ms) => width * Math.max(0, 1 - (now - ms) / span);
  const y = (value) => high === low ? height / 2 : height - 2 - (height - 4) * (value - low) / (high - low);
  let path = "";
  let pen = "M";
  for (const [ms, value] of [...line, [now, line[line.length - 1][1]]]) {
    if (typeof value !== "number") {
      pen = "M";
      continue;
    }
    path += pen + x(ms).toFixed(1) + " " + y(value).toFixed(1);
    pen = "L";
  }
  picture.append(svg("path", { d: path, fill: "none", stroke: "currentColor", "stroke-width": "1.5", "vector-effect": "non-scaling-stroke" }));
  return picture;
}

function openPlot(i) {
  plotted = i;
  $("plot-title").textContent = points[i].name;
  drawPlot();
  $("plot").showModal();
}

function drawPlot() {
  const range = rangeOf(past[plotted]);
  const point = points[plotted];
  const picture = drawLine(past[plotted], 560, 220);
  picture.setAttribute("class", "large");
  $("plot-body").replaceChildren(
    make("p", {}, "Now " + format(point) + " " + (point.unit_of_measurement || "") +
      (range ? ", lowest " + range[0] + ", highest " + range[1] : "")), picture,
    make("p", { className: "ends" }, make("span", {}, Math.round(spanOf(past[plotted]) / 60000) + " min ago"), make("span", {}, "now")));
}

function listen() {
  const events = new EventSource("events");
  events.onopen = () => showPolling(false);
  events.onmessage = (event) => takeChanges(JSON.parse(event.data));
  events.onerror = () => {
    if (events.readyState === EventSource.CLOSED) {
      showPolling(true);
      setTimeout(listen, 15000);
    }
  };
}

function showPolling(yes) {
  polls = yes;
  $("polls").hidden = !yes;
}

// Take all values, as the board tells changes to other browsers.
async function pollPoints() {
  const now = await ask("points");
  takeChanges(now.map(({ value, state }, i) => [i, value, state]).filter(([i, value, state]) =>
    points[i]?.value !== value || points[i].state !== state));
}

// --- registers

const bits = () => $("area").value < 3;
const isWide = (type) => type.endsWith("32");
let suggested = ""; // what was put into the form, and not by somebody

// Put addresses into the form that can be read, as far as the board knows, unless somebody has
// entered others.
function suggest() {
  const fields = [$("address"), $("quantity")];
  const entered = () => fields.map((field) => field.value).join();
  if (!suggested || suggested === entered()) {
    const known = Number($("unit").value) === info.slave_id && info.areas;
    [fields[0].value, fields[1].value] = known ? known[$("area").value - 1] : [0, 1];
    suggested = entered();
  }
}

function toBytes(value) {
  return [value >> 8 & 255, value & 255];
}

// The bytes as they are on the board, or back again.
function inOrder(bytes, hasWords) {
  const order = Number($("order").value);
  const out = [...bytes];
  if (order & 2) {
    for (let i = 0; i + 1 < out.length; i += 2) {
      [out[i], out[i + 1]] = [out[i + 1], out[i]];
    }
  }
  if (order & 1 && hasWords) {
    out.push(...out.splice(0, 2));
  }
  return out;
}

function decode(bytes, type) {
  const data = new DataView(new Uint8Array(inOrder(bytes, bytes.length === 4)).buffer);
  switch (type) {
    case "int16": return data.getInt16(0);
    case "hex": return data.getUint16(0).toString(16).toUpperCase().padStart(4, "0");
    case "uint32": return data.getUint32(0);
    case "int32": return data.getInt32(0);
    case "float32": return Number(data.getFloat32(0).toPrecision(7));
    default: return data.getUint16(0);
  }
}

function encode(text, type) {
  const data = new DataView(new ArrayBuffer(isWide(type) ? 4 : 2));
  const value = type === "hex" ? Number("0x" + text.trim()) : Number(text);
  const limits = { uint16: [0, 65535], int16: [-32768, 32767], hex: [0, 65535], uint32: [0, 4294967295], int32: [-2147483648, 2147483647] }[type];
  if (!Number.isFinite(Math.fround(value)) || text.trim() === "" || (limits && (!Number.isInteger(value) || value < limits[0] || value > limits[1]))) {
    const wanted = type === "hex" ? "hexadecimal digits from 0 to FFFF"
      : limits ? "whole numbers from " + limits.join(" to ") : "numbers";
    throw new Error(`${type} takes ${wanted}, not "${text}"`);
  }
  const method = { int16: "setInt16", uint32: "setUint32", int32: "setInt32", float32: "setFloat32" }[type] || "setUint16";
  data[method](0, value);
  return inOrder(new Uint8Array(data.buffer), data.byteLength === 4);
}

function encodeText(text, size) {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > size) {
    throw new Error(`"${text}" has ${bytes.length} bytes, and there are ${size}`);
  }
  return inOrder(Object.assign(new Uint8Array(size), bytes));
}

// The table belongs to the form: once that has changed, or cannot be read, nothing can be
// written to what was read before.
function hideCells() {
  $("cells").hidden = true;
}

async function readCells() {
  const unit = Number($("unit").value);
  const code = Number($("area").value);
  const address = Number($("address").value);
  const type = $("type").value;
  const takesTwo = isWide(type) && !bits();
  const quantity = Math.min(Number($("quantity").value), bits() ? 2000 : takesTwo ? 124 : 125);
  $("quantity").value = quantity;
  if (takesTwo && quantity % 2) {
    hideCells();
    throw new Error(`${type} takes two registers: the quantity must be even, not ${quantity}`);
  }
  const answer = await askPdu(unit, [code, ...toBytes(address), ...toBytes(quantity)]).catch((error) => {
    hideCells();
    throw error;
  });
  const data = answer.slice(2);
  const writable = code === 1 || code === 3;
  const lines = [];
  if (bits()) {
    for (let i = 0; i < quantity; i++) {
      lines.push([address + i, bitCell(unit, address + i, data[i >> 3] >> (i & 7) & 1, writable)]);
    }
  } else if (type === "text") {
    const text = new TextDecoder().decode(new Uint8Array(inOrder(data))).replace(/\0+$/, "");
    lines.push([address, writable ? registerCell(unit, address, text, (value) => encodeText(value, data.length)) : text]);
  } else {
    const size = takesTwo ? 2 : 1;
    for (let i = 0; i < quantity; i += size) {
      const value = decode(data.slice(2 * i, 2 * i + 2 * size), type);
      lines.push([address + i, writable ? registerCell(unit, address + i, value, (text) => encode(text, type)) : value]);
    }
  }
  $("cells").hidden = false;
  $("cells").replaceChildren(table(["Address", "Value"], lines));
}

function bitCell(unit, address, value, writable) {
  const control = make("button", { className: "switch", type: "button", role: "switch", disabled: !writable, "aria-checked": String(Boolean(value)), "aria-label": "Bit " + address });
  control.onclick = attempt(async () => {
    const on = control.getAttribute("aria-checked") !== "true";
    await askPdu(unit, [5, ...toBytes(address), on ? 255 : 0, 0]);
    await readCells();
  });
  return control;
}

function registerCell(unit, address, value, toRegisters) {
  const input = make("input", { value: String(value), "aria-label": "Register " + address });
  const form = make("form", { className: "row" }, input, make("button", { type: "submit", "aria-label": "Write register " + address }, "Write"));
  form.onsubmit = attempt(async () => {
    const bytes = toRegisters(input.value);
    if (bytes.length > 246) {
      throw new Error("123 registers can be written at once");
    }
    await askPdu(unit, bytes.length === 2
      ? [6, ...toBytes(address), ...bytes] : [16, ...toBytes(address), 0, bytes.length / 2, bytes.length, ...bytes]);
    await readCells();
  });
  return form;
}

// --- settings

async function showSettings() {
  $("form").hidden = !info.signed_in;
  $("locked").hidden = info.signed_in;
  $("locked").textContent = info.can_sign_in
    ? "Sign in to see and change the settings." : "This panel has no password: nothing can be changed.";
  if (!info.signed_in || settings) {
    return;
  }
  settings = await ask("settings");
  fillSettings();
}

function fillSettings() {
  $("fields").replaceChildren(...settings.rules.map((rule) => {
    const value = settings.values[rule.key];
    const id = "setting-" + rule.key;
    let control;
    if (rule.choices) {
      control = make("select", { id }, make("option", { value: "" }, "as by default"),
        ...rule.choices.map((one) => make("option", { value: JSON.stringify(one), selected: one === value }, String(one))));
    } else if (rule.kind === "number") {
      control = make("input", { id, type: "number", step: 1, min: rule.least ?? "", max: rule.most ?? "", value: value ?? "" });
    } else if (rule.kind === "text") {
      control = make("input", { id, type: rule.secret ? "password" : "text", value: value ?? "", autocomplete: "off" });
    } else {
      control = make("textarea", { id, spellcheck: false, value: value === undefined ? "" : JSON.stringify(value, null, 1) });
    }
    const help = make("p", {}, [rule.help, rule.secret ? "empty: stays as it is" : rule.default === undefined ? "" : "default " + JSON.stringify(rule.default)].filter(Boolean).join("; "));
    if (rule.secret) {
      help.append(make("label", { className: "check" }, make("input", { type: "checkbox", id: id + "-none" }), "No " + rule.key));
    }
    return make("div", { className: "field" }, make("label", { for: id }, rule.key), control, help);
  }));
}

function collectSettings() {
  const values = { ...settings.values };
  for (const rule of settings.rules) {
    const text = $("setting-" + rule.key).value;
    if (rule.secret && $("setting-" + rule.key + "-none").checked) {
      values[rule.key] = ""; // else what is on the board stays
    } else if (text === "") {
      delete values[rule.key];
    } else if (rule.kind === "text" && !rule.choices) {
      values[rule.key] = text;
    } else {
      try {
        values[rule.key] = JSON.parse(text);
      } catch {
        throw new Error(rule.key + " is no JSON: " + text);
      }
    }
  }
  return values;
}

async function saveSettings() {
  const values = collectSettings();
  const { problems } = await ask("settings", values);
  $("problems").replaceChildren(...problems.map((text) => make("li", {}, text)));
  if (!problems.length) {
    settings = null;
    await showSettings();
    tell("Saved. The settings take effect when the board restarts.");
  }
}

function downloadSettings() {
  const file = new Blob([JSON.stringify(settings.values, null, 1) + "\n"], { type: "application/json" });
  const link = make("a", { href: URL.createObjectURL(file), download: "umb.json" });
  link.click();
  URL.revokeObjectURL(link.href);
}

async function uploadSettings(event) {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) {
    return;
  }
  let values;
  try {
    values = JSON.parse(await file.text());
  } catch {
    values = null;
  }
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    throw new Error(file.name + " is no file of settings: it must be a JSON object");
  }
  settings.values = values;
  fillSettings();
  tell("The file is in the form. Save it to put it on the board.");
}

// --- signing in, and the frame of it all

function openLogin() {
  if (!$("login").open) {
    $("login-problem").textContent = "";
    $("password").value = "";
    $("login").showModal();
  }
}

async function signIn(event) {
  event.preventDefault();
  try {
    await ask("login", { password: $("password").value });
    $("login").close();
    tell("");
    await refresh();
  } catch (error) {
    $("login-problem").textContent = error.message;
  }
}

async function sign() {
  if (!info.signed_in) {
    openLogin();
    return;
  }
  await ask("logout", {});
  settings = null;
  await refresh();
}

function showNavigation() {
  const shown = VIEWS.filter((name) => name === "overview" || name === "registers" || info.views.includes(name));
  if (!shown.includes(view)) {
    view = "overview";
  }
  if ($("nav").children.length !== shown.length) {
    $("nav").replaceChildren(...shown.map((name) =>
      make("button", { type: "button", onclick: () => { location.hash = name; } }, name[0].toUpperCase() + name.slice(1))));
  }
  shown.forEach((name, i) => {
    const button = $("nav").children[i];
    if (name === view) {
      button.setAttribute("aria-current", "page");
    } else {
      button.removeAttribute("aria-current");
    }
  });
  VIEWS.forEach((name) => { $(name).hidden = name !== view; });
}

function choose() {
  view = location.hash.slice(1) || "overview";
  tell("");
  showNavigation();
  attempt(refresh)();
}

async function keepFresh() {
  const wasAway = $("link").textContent !== "connected";
  try {
    await refresh();
    if (info.views.includes("points") && (wasAway || !points.length)) {
      await loadPoints();
    } else if (polls) {
      await pollPoints();
    }
    if (wasAway) {
      tell("");
    }
    $("link").textContent = "connected";
    $("link").className = "badge good";
  } catch {
    $("link").textContent = "no connection";
    $("link").className = "badge poor";
  }
  setTimeout(keepFresh, 3000);
}

async function begin() {
  $("ask").onsubmit = attempt(readCells);
  $("ask").oninput = (event) => {
    hideCells();
    if (event.target.id === "unit" || event.target.id === "area") {
      suggest();
    }
  };
  $("form").onsubmit = attempt(saveSettings);
  $("restart").onclick = attempt(async () => {
    if (confirm("Restart the board? Outputs go to their safe states.")) {
      await ask("restart", {});
      tell("The board restarts.");
    }
  });
  $("download").onclick = downloadSettings;
  $("upload").onchange = attempt(uploadSettings);
  $("sign").onclick = attempt(sign);
  $("login-form").onsubmit = signIn;
  $("login-cancel").onclick = () => $("login").close();
  $("plot-close").onclick = () => $("plot").close();
  window.onhashchange = choose;
  await keepFresh();
  choose();
  setInterval(forget, 5000);
}

begin();
