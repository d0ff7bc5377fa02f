// What a reader may do with tables and figures. The page is complete without it.
"use strict";
const make = (tag, text, label, act) => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (label) made.setAttribute("aria-label", label);
  if (act) { made.type = "button"; made.addEventListener("click", act); }
  return made;
};
const save = (content, type, name) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};
const fetchless = (uri, name) => save(new Blob([Uint8Array.from(atob(uri.split(",")[1]), c => c.charCodeAt(0))], { type: "image/png" }), "image/png", name);
const fileName = text => text.trim().replace(/[^\p{L}\p{N}]+/gu, "_").slice(0, 60) || "table";

// ---- tables: CSV with full values, full values shown, sort, filter
const full = cell => {
  const copy = cell.cloneNode(true);
  for (const span of copy.querySelectorAll("span[title]")) span.textContent = span.classList.contains("none") ? "" : span.dataset.full || span.title;
  return copy.textContent.replace(/\s+/g, " ").trim();
};
const NUMBERS = /^[-+]?\d[\d.]*(e[-+]?\d+)?( ?%)?( \((-?\d[\d.]*(e[-+]?\d+)?|None)(, (-?\d[\d.]*(e[-+]?\d+)?|None))*\))?$/i;  // a number, or one with its interval
const csv = table => [...table.rows].map(row => [...row.cells].map(cell => {
  let text = full(cell);
  if (/^[=@+\-\t\r]/.test(text) && !NUMBERS.test(text)) text = "'" + text;  // no formula for a spreadsheet
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}).join(",")).join("\r\n") + "\r\n";
const number = text => {
  const found = /^[<>]?\s*[-−]?\d[\d.]*(e[-+]?\d+)?/i.exec(text);
  return found ? parseFloat(found[0].replace("−", "-").replace(/[<>\s]/g, "")) : NaN;
};
const compare = (a, b) => {
  const [x, y] = [number(a), number(b)];
  if (!isNaN(x) && !isNaN(y)) return x - y;
  if (isNaN(x) !== isNaN(y)) return isNaN(x) ? 1 : -1;
  return a.localeCompare(b);
};
const makeSortable = table => {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const words = [...head.childNodes], button = make("button", "", "", () => {
      const turn = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", turn > 0 ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows].map(row => [full(row.cells[column]), row]);
      rows.sort((a, b) => turn * compare(a[0], b[0]));
      table.tBodies[0].append(...rows.map(entry => entry[1]));
    });
    button.append(...words);
    head.append(button);
  });
};
for (const table of document.querySelectorAll("main table")) {
  const about = (table.caption || table.closest("details")?.querySelector("summary") || table.closest("section").querySelector("h2")).textContent.replace("#", "").trim();
  const tools = make("div", "");
  tools.className = "tools";
  tools.append(make("button", "CSV", `Download as CSV: ${about}`, () => save(csv(table), "text/csv", fileName(about) + ".csv")));
  const spans = [...table.querySelectorAll("span[title]:not(.none)")];
  if (spans.length) {
    const toggle = make("button", "Full values", `Show full values: ${about}`, () => {
      const on = toggle.getAttribute("aria-pressed") !== "true";
      toggle.setAttribute("aria-pressed", on);
      for (const span of spans) [span.textContent, span.title] = [span.title, span.textContent];
      for (const span of spans) if (on) span.dataset.full = span.textContent; else delete span.dataset.full;
    });
    toggle.setAttribute("aria-pressed", "false");
    tools.append(toggle);
  }
  const rows = table.tBodies.length ? [...table.tBodies[0].rows] : [];
  const isPlain = table.tHead && rows.length && rows.every(row => row.cells.length === table.tHead.rows[0].cells.length) && !table.querySelector("[rowspan], [colspan], td.level");
  if (isPlain && rows.length > 7) makeSortable(table);
  if (rows.length > 15) {
    const input = document.createElement("input"), told = make("span", "");
    input.type = "search";
    input.placeholder = "filter rows";
    input.setAttribute("aria-label", `Filter rows: ${about}`);
    told.setAttribute("role", "status");
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase();
      let shown = 0;
      for (const row of rows) shown += !(row.hidden = !row.textContent.toLowerCase().includes(wanted));
      told.textContent = wanted ? `${shown} of ${rows.length} rows` : "";
    });
    tools.append(input, told);
  }
  const box = table.closest(".scroll") || table;
  box.before(tools);
}

// ---- boxes that scroll are reached by keyboard
const reach = () => {
  for (const box of document.querySelectorAll(".scroll, .drawing, pre, h1")) {
    if (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1) box.tabIndex = 0; else box.removeAttribute("tabindex");
  }
};
addEventListener("resize", reach);
addEventListener("toggle", reach, true);
reach();

// ---- figures: SVG and PNG
for (const figure of document.querySelectorAll("figure:has(> .drawing)")) {
  const name = figure.id.replace("figure-", ""), drawn = figure.querySelector("svg"), title = figure.querySelector("figcaption strong").textContent;
  const source = () => {
    const copy = drawn.cloneNode(true), font = document.createElementNS("http://www.w3.org/2000/svg", "style");
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    font.textContent = document.getElementById("figure-font").textContent;
    copy.prepend(font);
    return new XMLSerializer().serializeToString(copy).replace(/var\(--figure-\w+, (#\w+)\)/g, "$1").replaceAll("currentColor", "#000000");  // black on white
  };
  const png = () => {
    const image = new Image(), { width, height } = drawn.viewBox.baseVal;
    image.onload = () => {
      const canvas = document.createElement("canvas"), scale = 300 / 72;
      [canvas.width, canvas.height] = [width * scale, height * scale];
      const context = canvas.getContext("2d");
      context.fillStyle = "#fff";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(blob => save(blob, "image/png", name + ".png"), "image/png");
    };
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(source());
  };
  const tools = make("div", "");
  tools.className = "tools";
  tools.append(
    make("button", "SVG", `Download as SVG: ${title}`, () => save(source(), "image/svg+xml", name + ".svg")),
    make("button", "PNG", `Download as PNG: ${title}`, png),
  );
  figure.append(tools);
}

// ---- pictures: PNG as they are
for (const figure of document.querySelectorAll("figure:has(> img[src^='data:image/png']):not(.case)")) {
  const image = figure.querySelector("img"), about = image.alt || "picture";
  const tools = make("div", "");
  tools.className = "tools";
  tools.append(make("button", "PNG", `Download as PNG: ${about}`, () => fetchless(image.src, fileName(about) + ".png")));
  figure.append(tools);
}

// ---- text to copy
for (const block of document.querySelectorAll("[data-copy]")) {
  const button = make("button", "Copy", `Copy: ${block.dataset.copy}`, () => navigator.clipboard.writeText([...block.querySelectorAll("p, pre")].map(p => p.textContent.trim()).join("\n\n")).then(() => { button.textContent = "Copied"; }));
  const tools = make("div", "");
  tools.className = "tools";
  tools.append(button);
  block.before(tools);
}

// ---- contents that follow the reader
const links = new Map([...document.querySelectorAll("nav a")].map(link => [link.hash.slice(1), link]));
const parts = [...links.keys()].map(id => document.getElementById(id)).filter(Boolean);
let current = null;
const follow = () => {
  const isEnd = scrollY > 0 && scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
  const at = isEnd ? parts.at(-1) : parts.findLast(part => part.getBoundingClientRect().top < innerHeight / 3) || parts[0];
  if (!at || at === current) return;
  links.get(current?.id)?.removeAttribute("aria-current");
  current = at;
  const link = links.get(at.id), list = link.closest("ol"), bar = link.closest("nav");
  link.setAttribute("aria-current", "true");
  for (const box of [list, bar]) {
    const [own, around] = [link.getBoundingClientRect(), box.getBoundingClientRect()];
    if (own.left < around.left || own.right > around.right) box.scrollLeft += own.left - around.left - 16;
    if (own.top < around.top || own.bottom > around.bottom) box.scrollTop += own.top - around.top - around.height / 2;
  }
};
addEventListener("scroll", follow, { passive: true });
addEventListener("resize", follow);
follow();

// ---- an address within what is folded opens it; in print everything is open
const reveal = () => {
  let folded = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let at = folded; at; at = at.parentElement) if (at.localName === "details") at.open = true;
  if (folded) folded.scrollIntoView();
};
addEventListener("hashchange", reveal);
reveal();
let folds = [];
addEventListener("beforeprint", () => {
  folds = [...document.querySelectorAll("details")].map(each => [each, each.open, each.getAttribute("name")]);
  for (const [each] of folds) each.removeAttribute("name");
  for (const [each] of folds) each.open = true;
});
addEventListener("afterprint", () => {
  for (const [each, isOpen, name] of folds) {
    each.open = isOpen;
    if (name) each.setAttribute("name", name);
  }
});
