"use strict";

const SEVERITIES = ["Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"];
const CHUNK = 100; // rows that are added whenever the end of the list comes into view
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const PLAIN = /^[\w@%+=:,.\/-]+$/;
const TECHNIQUE = /^T\d{4}(\.\d{3})?$/;
const NOTHING = new Set([null, undefined, "", "<NA>"]);

const byId = (id) => document.getElementById(id);

/** Return a value as text in which control characters, and those that reorder or hide text, are visible. */
function visible(value) {
  return String(value).replace(HIDDEN, (one) => "\\u" + one.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** Return an element of this name and class, with children; a child that is no element becomes text. */
function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  for (const child of children) made.append(child instanceof Node ? child : visible(child));
  return made;
}

/** Return a value as one word of a shell. */
function quoted(value) {
  const text = visible(value);
  return PLAIN.test(text) ? text : "'" + text.replaceAll("'", "'\\''") + "'";
}

/** Return the packed document of this file. */
async function unpacked() {
  const packed = Uint8Array.from(atob(byId("data").textContent), (one) => one.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

/** Return what the rows and filters need of an alert. */
function prepared(alert, rules) {
  const fields = alert.fields;
  const value = (...names) => names.map((name) => fields[name]).find((one) => !NOTHING.has(one));
  const pod = value("k8s.pod.name", "container.name", "container.id");
  const rule = rules[alert.rule];
  const user = value("user.name", "user.uid", "ka.user.name");
  const parents = [value("proc.name"), value("proc.pname"), value("proc.aname[2]"), value("proc.aname[3]")];
  return {
    ...alert,
    rule,
    level: SEVERITIES.indexOf(alert.priority),
    container: pod === undefined || pod === "host" ? "" : String(pod),
    user: user === undefined ? "" : String(user),
    techniques: rule.tags.filter((tag) => TECHNIQUE.test(tag)),
    parents: parents.filter((one) => one !== undefined),
    searched: [alert.sentence, rule.name, rule.id, ...Object.values(fields)].join("\n").toLowerCase(),
  };
}

/** Return the class for the colour of a severity. */
function colour(level) {
  return level <= 3 ? "high" : level === 4 ? "middle" : "low";
}

function time(alert) {
  const made = element("time", "", alert.time.replace("T", " ").slice(0, 23));
  made.dateTime = alert.time;
  return made;
}

/** List of alerts with its filters. */
class AlertList {
  constructor(alerts, onOpen) {
    this.alerts = alerts;
    this.onOpen = onOpen;
    this.list = byId("list");
    this.shown = [];
    this.end = new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && this.more());
    this.offer("severity", SEVERITIES.filter((name) => alerts.some((one) => one.priority === name)));
    this.offer("rule", alerts.map((one) => one.rule.name));
    this.offer("container", alerts.map((one) => one.container));
    this.offer("user", alerts.map((one) => one.user));
    this.offer("technique", alerts.flatMap((one) => one.techniques));
    byId("filters").addEventListener("input", () => this.filter());
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    this.list.addEventListener("keydown", (event) => this.move(event));
  }

  /** Offer the values of a filter, each once. */
  offer(id, values) {
    const order = id === "severity" ? values : [...new Set(values)].filter((one) => one !== "").sort();
    const options = order.map((one) => Object.assign(element("option", "", one), { value: one }));
    byId(id).append(Object.assign(element("option", "", "any"), { value: "" }), ...options);
  }

  /** Show the alerts that pass the filters, newest first. */
  filter() {
    const [text, severity, rule, container, user, technique] =
      ["text", "severity", "rule", "container", "user", "technique"].map((id) => byId(id).value);
    const words = text.toLowerCase().split(/\s+/);
    const least = severity === "" ? SEVERITIES.length : SEVERITIES.indexOf(severity);
    const passing = this.alerts.filter((one) =>
      one.level <= least &&
      (rule === "" || one.rule.name === rule) &&
      (container === "" || one.container === container) &&
      (user === "" || one.user === user) &&
      (technique === "" || one.techniques.includes(technique)) &&
      words.every((word) => one.searched.includes(word)));
    this.shown = byId("fold").checked ? folded(passing) : passing.map((alert) => ({ alert, count: 1 }));
    const of = passing.length === this.alerts.length ? "" : ` of ${this.alerts.length.toLocaleString("en")}`;
    const rows = this.shown.length === passing.length ? "" : `, ${this.shown.length.toLocaleString("en")} different`;
    byId("listed").textContent = `${passing.length.toLocaleString("en")}${of} alerts${rows}`;
    this.list.replaceChildren();
    this.more();
  }

  /** Add the next rows. */
  more() {
    this.end.disconnect();
    const from = this.list.childElementCount;
    this.list.append(...this.shown.slice(from, from + CHUNK).map((one) => this.row(one)));
    if (this.list.childElementCount < this.shown.length) this.end.observe(this.list.lastElementChild);
  }

  row({ alert, count }) {
    const who = [alert.user, alert.parents.join(" ← "), alert.container].filter((one) => one !== "").join(" · ");
    const what = element("span", "what", alert.sentence, count > 1 ? element("span", "count", ` × ${count}`) : "");
    what.append(element("br"), element("span", "who", who));
    const button = element("button", "", time(alert), element("span", colour(alert.level), alert.priority), what);
    button.type = "button";
    button.addEventListener("click", () => this.open(button, alert));
    return element("li", "alert", button);
  }

  open(button, alert) {
    this.list.querySelector("[aria-current]")?.removeAttribute("aria-current");
    button.setAttribute("aria-current", "true");
    this.onOpen(alert);
  }

  /** Move the focus between rows by keys. */
  move(event) {
    const step = { ArrowDown: "nextElementSibling", j: "nextElementSibling" }[event.key] ??
      { ArrowUp: "previousElementSibling", k: "previousElementSibling" }[event.key];
    const row = event.target.closest("li");
    if (step === undefined || row === null) return;
    event.preventDefault();
    row[step]?.firstElementChild.focus();
  }

  /** Give the focus back to the row whose alert is open. */
  focus() {
    (this.list.querySelector("[aria-current]") ?? this.list.querySelector("button"))?.focus();
  }
}

/** Return each different alert with the number of its equals; alerts are equal by rule, sentence and container. */
function folded(alerts) {
  const rows = new Map();
  for (const alert of alerts) {
    const key = JSON.stringify([alert.rule.name, alert.sentence, alert.container, alert.host]);
    const row = rows.get(key);
    if (row === undefined) rows.set(key, { alert, count: 1 });
    else row.count += 1;
  }
  return [...rows.values()];
}

/** Part of the page about one alert. */
class Detail {
  constructor(alerts, onClose) {
    this.stories = Map.groupBy(alerts, (one) => one.story);
    this.onClose = onClose;
    byId("close").addEventListener("click", () => this.close());
    byId("detail").addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  open(alert) {
    byId("detail-title").textContent = visible(alert.rule.name);
    byId("detail-body").replaceChildren(...this.parts(alert));
    byId("detail").hidden = false;
    document.querySelector("main").classList.add("open");
    byId("detail-title").focus();
  }

  close() {
    byId("detail").hidden = true;
    document.querySelector("main").classList.remove("open");
    this.onClose();
  }

  *parts(alert) {
    const { rule, fields } = alert;
    yield element("p", "", element("span", colour(alert.level), alert.priority), " ", time(alert), " ", alert.host);
    yield element("p", "", alert.sentence);
    if (rule.description) yield element("p", "who", rule.description);
    yield* titled("Processes, oldest first", tree(alert));
    yield* titled("Alerts of the same story", this.story(alert));
    yield* titled("Questions", listed(rule.triage, (text) => question(text, fields)));
    yield* titled("Usually harmless", listed(rule.false_positives, (text) => [text]));
    yield* titled("If it is not", rule.next ? element("p", "", rule.next) : null);
    yield* titled("Fields", table(fields));
    const about = [rule.id, ...rule.tags].filter((one) => one !== "");
    yield* titled("Rule", element("p", "", about.join(", ")));
    const tune = `mozu tune ALERTS.jsonl --rule ${quoted(rule.name)}`;
    yield* titled("An exception for it", element("p", "", element("code", "", tune)));
  }

  /** Return the alerts of the story in the order of their times, or null if there is no other. */
  story(alert) {
    const others = alert.story === "" ? [] : this.stories.get(alert.story).toReversed();
    if (others.length < 2) return null;
    const list = element("ol", "");
    for (const one of others) {
      const what = one === alert ? element("strong", "", one.sentence) : one.sentence;
      list.append(element("li", "", time(one), " ", element("span", colour(one.level), one.priority), " ", what));
    }
    return list;
  }
}

function* titled(title, content) {
  if (content) yield* [element("h3", "", title), content];
}

function listed(texts, parts) {
  if (texts.length === 0) return null;
  const list = element("ul", "");
  for (const text of texts) list.append(element("li", "", ...parts(text)));
  return list;
}

/** Return a question with its commands, in which the names of fields are replaced by quoted values. */
function question(text, fields) {
  return text.split("`").map((part, at) => {
    if (at % 2 === 0) return part;
    const filled = part.replace(/\{([\w.\[\]]+)\}/g, (whole, name) => NOTHING.has(fields[name]) ? whole : quoted(fields[name]));
    return element("code", "", filled);
  });
}

/** Return the process below its ancestors, or null if the alert names none. */
function tree(alert) {
  const names = [...alert.parents].reverse();
  if (names.length === 0) return null;
  const pids = [alert.fields["proc.pid"], alert.fields["proc.ppid"]];
  const top = element("ul", "tree");
  let inner = top;
  names.forEach((name, at) => {
    const pid = pids[names.length - 1 - at];
    const item = element("li", "", name, NOTHING.has(pid) ? "" : element("span", "who", ` ${pid}`));
    const below = element("ul", "tree");
    inner.append(item);
    if (at < names.length - 1) item.append(below);
    inner = below;
  });
  return top;
}

function table(fields) {
  const body = element("tbody", "");
  for (const [name, value] of Object.entries(fields)) {
    if (!NOTHING.has(value)) {
      const head = element("th", "", name);
      head.scope = "row";
      body.append(element("tr", "", head, element("td", "", value)));
    }
  }
  return element("table", "", body);
}

async function main() {
  const { about, rules, alerts: packed } = await unpacked();
  const alerts = packed.map((one) => prepared(one, rules)).sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0));
  const second = (text) => text.slice(0, 19).replace("T", " ");
  const span = alerts.length === 0 ? "" : `, from ${second(alerts.at(-1).time)} to ${second(alerts[0].time)} UTC`;
  const hosts = [...new Set(alerts.map((one) => one.host))].filter((one) => one !== "");
  const of = hosts.length === 0 ? "" : hosts.length <= 3 ? ` of ${hosts.join(", ")}` : ` of ${hosts.length} hosts`;
  byId("facts").textContent = visible(
    `${alerts.length.toLocaleString("en")} alerts${of}${span}; written by mozu ${about.version} at ${second(about.written)} UTC`);
  const detail = new Detail(alerts, () => list.focus());
  const list = new AlertList(alerts, (alert) => detail.open(alert));
  list.filter();
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input, select")) return;
    event.preventDefault();
    byId("text").focus();
  });
}

main().catch((error) => {
  byId("facts").textContent = `The alerts cannot be unpacked: ${visible(error.message)}. A browser of 2024 or later is needed.`;
});
