// Sorting, filtering, scorecards, scatters and comparisons. Numbers are read from the page;
// whatever people wrote gets into it as text only.
"use strict";

const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
const short = (value) => (value === null || Number.isNaN(value) ? "–" : String(Number(value.toPrecision(4))).replace("-", "−"));

function made(name, text, attributes = {}) {
  const node = name.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4))
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== null) node.textContent = text;
  return node;
}

// What is missing comes last, whichever way a table is sorted.
function inOrder(one, other, kind, sign) {
  if (one === "" || other === "") return (one === "") - (other === "");
  const difference = kind === "number" ? Number(one) - Number(other) : one.localeCompare(other, "en");
  return sign * difference;
}

function sort(table, head) {
  const column = [...head.parentElement.children].indexOf(head);
  const kind = head.dataset.sort;
  const before = head.getAttribute("aria-sort");
  const isRank = head.textContent.startsWith("rank");
  const first = kind === "number" && !isRank ? "descending" : "ascending";
  const then = first === "ascending" ? "descending" : "ascending";
  const now = before === first ? then : first;
  const value = (row) => row.children[column].dataset.value ?? row.children[column].textContent.trim();
  const body = table.tBodies[0];
  const rows = [...body.rows].sort((a, b) => inOrder(value(a), value(b), kind, now === "ascending" ? 1 : -1));
  body.append(...rows);
  for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", now);
}

function sortable(table) {
  for (const head of all("th[data-sort]", table.tHead)) {
    const button = made("button", null, { type: "button" });
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(table, head));
  }
}

function fitsInputs(wanted, stated) {
  const inputs = stated.split(" ").filter(Boolean);
  if (wanted === "") return true;
  if (wanted === "?") return inputs.length === 0;
  const name = wanted.slice(1);
  return inputs.length > 0 && inputs.includes(name) === (wanted[0] === "+");
}

function filtered(form) {
  const tables = form.dataset.for.split(" ").map((id) => document.getElementById(id)).filter(Boolean);
  const status = form.querySelector("[role=status]");
  const update = () => {
    const groups = new Set(all("[name=group]:checked", form).map((box) => box.value));
    const name = form.elements.name.value.trim().toLowerCase();
    const wanted = form.elements.inputs.value;
    let shown = 0, count = 0;
    for (const table of tables) {
      for (const cell of all("[data-group]", table)) cell.hidden = !groups.has(cell.dataset.group);
      for (const row of table.tBodies[0].rows) {
        const called = row.querySelector("th").textContent.toLowerCase();
        row.hidden = !(called.includes(name) && fitsInputs(wanted, row.dataset.inputs));
        count += 1;
        shown += row.hidden ? 0 : 1;
      }
    }
    status.textContent = `${shown} of ${count} entries shown`;
  };
  form.elements.name.addEventListener("input", update);
  form.addEventListener("change", update);
  update();
}

// data-apart of a cell: the others of its column from which it differs, as bits of a hexadecimal.
function scorecard(form) {
  const upwards = Number(form.dataset.scorecard);
  const update = () => {
    const reference = Number(form.elements.reference.value);
    for (const table of all("table.scorecard")) {
      const rows = [...table.tBodies[0].rows];
      for (let column = 1; column < rows[0].cells.length; column += 1) {
        const base = rows[reference].cells[column].dataset.value;
        const of = rows.map((row) => row.cells[column]);
        const better = (cell) => upwards * (Number(cell.dataset.value) - Number(base));
        const told = (cell) => base !== undefined && cell.dataset.apart !== undefined
          && ((BigInt(`0x${cell.dataset.apart}`) >> BigInt(reference)) & 1n) === 1n;
        const largest = Math.max(0, ...of.filter(told).map((cell) => Math.abs(better(cell))));
        of.forEach((cell, place) => {
          if (cell.dataset.value === undefined) return;
          const level = Math.min(3, 1 + Math.floor((3 * Math.abs(better(cell))) / (largest || 1)));
          const sign = better(cell) > 0 ? "better" : "worse";
          const kind = place === reference ? "reference" : told(cell) ? `${sign}${level}` : "same";
          const mark = { r: "", s: "≈", b: "▲", w: "▼" }[kind[0]];
          const words = { r: "the chosen one", s: "not significantly different", b: "better", w: "worse" }[kind[0]];
          cell.className = `n ${kind}`;
          cell.replaceChildren(
            made("span", mark, { class: "mark", "aria-hidden": "true" }),
            short(Number(cell.dataset.value)),
            made("span", `, ${words}`, { class: "unseen" }),
          );
        });
      }
    }
  };
  form.addEventListener("change", update);
  update();
}

function ticks(low, high) {
  const rough = (high - low) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * unit).find((size) => size >= rough);
  const found = [];
  for (let n = Math.ceil(low / step); n <= Math.floor(high / step); n += 1) found.push(n * step);
  return found;
}

function spread(values) {
  const low = Math.min(...values), high = Math.max(...values);
  const margin = (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
  return [low - margin, high + margin];
}

function draw(svg, points, xLabel, yLabel) {
  svg.replaceChildren();
  if (points.length === 0) return;
  const [x0, x1] = spread(points.map((p) => p.x)), [y0, y1] = spread(points.map((p) => p.y));
  const across = (x) => 70 + ((x - x0) / (x1 - x0)) * 554, down = (y) => 344 - ((y - y0) / (y1 - y0)) * 328;
  const add = (name, text, attributes) => svg.append(made(`svg:${name}`, text, attributes));
  for (const y of ticks(y0, y1)) {
    add("line", null, { class: "grid", x1: 70, x2: 624, y1: down(y), y2: down(y) });
    add("text", short(y), { x: 64, y: down(y) + 4, "text-anchor": "end" });
  }
  for (const x of ticks(x0, x1)) {
    add("line", null, { class: "grid", x1: across(x), x2: across(x), y1: 16, y2: 344 });
    add("text", short(x), { x: across(x), y: 362, "text-anchor": "middle" });
  }
  add("text", xLabel, { x: 347, y: 390, "text-anchor": "middle" });
  add("text", yLabel, { x: 16, y: 180, "text-anchor": "middle", transform: "rotate(-90 16 180)" });
  for (const { name, x, y } of points) {
    const circle = made("svg:circle", null, { cx: across(x), cy: down(y), r: 5 });
    circle.append(made("svg:title", `${name}: ${short(x)}, ${short(y)}`));
    const left = across(x) < 420;
    svg.append(circle);
    add("text", name.length > 28 ? `${name.slice(0, 27)}…` : name, {
      class: "name", x: across(x) + (left ? 8 : -8), y: down(y) - 6, "text-anchor": left ? "start" : "end",
    });
  }
}

function scatter(form) {
  const [svg, table] = form.dataset.scatter.split(" ").map((id) => document.getElementById(id));
  const update = () => {
    const [x, y] = [form.elements.x, form.elements.y];
    const value = (row, column) => Number(row.cells[column].dataset.value || NaN);
    const points = [...table.tBodies[0].rows]
      .map((row) => ({ name: row.cells[0].textContent, x: value(row, x.value), y: value(row, y.value) }))
      .filter((point) => !Number.isNaN(point.x) && !Number.isNaN(point.y));
    draw(svg, points, x.selectedOptions[0].dataset.axis, y.selectedOptions[0].dataset.axis);
  };
  form.addEventListener("change", update);
}

function comparison(form) {
  const table = document.getElementById(form.dataset.compare);
  if (!table) return;
  const data = JSON.parse(document.getElementById(`${form.dataset.compare}-data`).textContent);
  const update = () => {
    const first = Number(form.elements.first.value), second = Number(form.elements.second.value);
    const sign = first < second ? 1 : -1;
    const pair = data.pairs[[first, second].sort((a, b) => a - b).join(",")];
    const rows = data.metrics.map(([label, unit, higher], place) => {
      const row = made("tr", null);
      const found = pair ? pair[place] : null;
      row.append(made("th", unit ? `${label} (${unit})` : label, { scope: "row" }));
      const cells = [data.means[first][place], data.means[second][place]].map((v) => short(v));
      let better = "–";
      if (found) {
        const [difference, low, high, p] = found;
        const ends = low === null ? null : sign > 0 ? [low, high] : [-high, -low];
        cells.push(short(sign * difference), ends ? `${short(ends[0])} to ${short(ends[1])}` : "–", short(p));
        better = p > data.significance ? "not significant" : sign * difference > 0 === higher ? "first" : "second";
      } else {
        cells.push("–", "–", "–");
      }
      row.append(...cells.map((text) => made("td", text, { class: "n" })), made("td", better));
      return row;
    });
    table.tBodies[0].replaceChildren(...rows);
  };
  form.addEventListener("change", update);
  update();
}

for (const form of all("form.controls")) {
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  if (form.dataset.for) filtered(form);
  if (form.dataset.scorecard) scorecard(form);
  if (form.dataset.scatter) scatter(form);
  if (form.dataset.compare) comparison(form);
}
all("table.sortable").forEach(sortable);
