// A model's risk from values that are typed: the sums of `prldh apply`, and nothing else. Nothing leaves the page.
(() => {
"use strict";
const NUMBER = /^[-+]?(\d+([.,]\d*)?|[.,]\d+)(e[-+]?\d+)?$/i;
const sentence = text => text.charAt(0).toUpperCase() + text.slice(1);
const shown = (value, digits = 1) => {
  const text = value.toFixed(digits), least = 10 ** -digits;
  if (value > 0 && value < 100 && (Number(text) === 0 || Number(text) === 100)) return value < 50 ? `< ${least}` : `> ${100 - least}`;
  return text.replace("-", "−");
};
const risk = logOdds => 1 / (1 + Math.exp(-Math.min(700, Math.max(-700, logOdds))));

// ---- a number as people write it: a point or a comma, a power of ten, with its unit or without
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹", POWER = /\s?[×·*x]\s?10\s?(?:\^\s?([-+]?\d+)|([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))$/i;
const lowered = digits => [...digits].map(d => d === "⁻" ? "-" : d === "⁺" ? "" : RAISED.indexOf(d)).join("");
const plain = text => text.normalize("NFKC").toLowerCase();  // µ and μ, mm² and mm2
const withoutUnit = (text, unit) => {
  for (let k = text.length - 1; unit && k >= 0; k--) if (plain(text.slice(k)) === plain(unit)) return text.slice(0, k).trim();
  return text;
};
const read = (typed, field) => {
  let text = typed.trim().replace(/[−–]/g, "-").replace(/\s+/g, " ");
  if (!text) return {};
  text = withoutUnit(text, field.unit).replace(POWER, (_, digits, raised) => `e${digits ?? lowered(raised)}`);
  const wanted = `a number${field.unit ? ` in ${field.unit}` : ""}`;
  if (/^[-+]?[1-9]\d{0,2},\d{3}$/.test(text)) return { problem: `${text} may be ${text.replace(",", ".")} or ${text.replace(",", "")}: write ${wanted} with a point, or without a comma.` };
  if (!NUMBER.test(text)) return { problem: `“${typed.trim().slice(0, 40)}” is not ${wanted}: write it as 1.5 or 1,5, and nothing else.` };
  const value = Number(text.replace(",", "."));
  if (/^[-+]?[1-9]\d{0,2}\.\d{3}$/.test(text) && Math.min(value, 1000 * value) >= field.low && Math.max(value, 1000 * value) <= field.high) {
    const whole = text.replace(".", "");
    return { problem: `${text} may be ${text.replace(/\.?0+$/, "")} or ${whole}, and both were seen in training: write ${text}0 or ${whole}.` };
  }
  if (!Number.isFinite(value)) return { problem: `${text} is too large for a number.` };
  return { value };
};
const within = (value, field, name) => value < field.low || value > field.high
  ? `${typesetNumber(value)} is outside what was seen in training (${field.range}${field.unit ? ` ${field.unit}` : ""}): the model knows nothing of such ${name}, and gives no risk.` : "";
const typesetNumber = value => String(value).replace("-", "−");

// ---- the sums
const spline = (x, knots, column) => {
  if (column === 0 || knots.length < 3) return x;
  const k = knots.length, unit = (knots[k - 1] - knots[0]) ** (2 / 3), cube = t => Math.max((x - t) / unit, 0) ** 3;
  const j = column - 1, gap = knots[k - 1] - knots[k - 2];
  return cube(knots[j]) + ((knots[k - 2] - knots[j]) * cube(knots[k - 1]) - (knots[k - 1] - knots[j]) * cube(knots[k - 2])) / gap;
};
const factor = (part, values) => {
  const x = values[part.field];
  if (part.function === "level") return x === part.level ? 1 : 0;
  if (part.function === "log") return Math.log(x);
  if (part.function === "square") return x * x;
  if (part.function === "spline") return spline(x, part.knots, part.column);
  if (part.function === "group") {
    const isLow = (value, cutoff) => cutoff !== null && !(value > cutoff);
    return 2 * isLow(x, part.cutoffs[0]) + isLow(values[part.second], part.cutoffs[1]) === part.level ? 1 : 0;
  }
  return x;
};
const row = (model, values) => model.columns.map(column => column.factors.reduce((product, part) => product * factor(part, values), 1));
const quantile = p => {  // of the normal distribution, by Newton's steps on its distribution function
  const density = z => Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  const below = z => {  // a series: exact to rounding where it is asked
    let term = z, sum = z;
    for (let k = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && k < 500; k++) { term *= z * z / (2 * k + 1); sum += term; }
    return 0.5 + sum * density(z);
  };
  let z = 1;
  for (let k = 0; k < 50; k++) z -= (below(z) - p) / density(z);
  return z;
};
const limits = (model, x, logOdds) => {
  if (!model.covariance) return null;
  let variance = 0;
  x.forEach((a, j) => x.forEach((b, k) => { variance += a * b * model.covariance[j][k]; }));
  const error = quantile((1 + model.confidence) / 2) * Math.sqrt(Math.max(variance, 0));
  return [risk(logOdds - error), risk(logOdds + error)];
};
const share = (quantiles, at) => {  // of patients below, from quantiles equally far apart in share
  const last = quantiles.length - 1;
  if (at < quantiles[0]) return 0;
  if (at >= quantiles[last]) return 1;
  const k = quantiles.findLastIndex(q => q <= at), width = quantiles[k + 1] - quantiles[k];
  return (k + (width > 0 ? (at - quantiles[k]) / width : 0)) / last;
};

// ---- one calculator
for (const box of document.querySelectorAll("[data-calculator]")) {
  const model = JSON.parse(box.querySelector("script").textContent), form = box.querySelector("form");
  const inputs = model.fields.map((_, k) => form.querySelector(`[data-field="${k}"]`));
  const out = name => box.querySelector(`[data-out="${name}"]`);
  const put = (name, text) => { const at = out(name); if (at.textContent !== text) at.textContent = text; at.hidden = !text; };
  const complain = (input, problem) => {
    const told = document.getElementById(input.getAttribute("aria-describedby").split(" ")[0]);
    if (told.textContent !== problem) told.textContent = problem;
    told.hidden = !problem;
    if (problem) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
  };
  const values = () => model.fields.map((field, k) => {
    const input = inputs[k];
    if (field.levels.length) return input.value === "" ? {} : { value: Number(input.value) };
    const found = read(input.value, field);
    if ("value" in found) {
      const problem = within(found.value, field, field.is_score ? "scores" : "values");
      return problem ? { problem } : found;
    }
    return found;
  });
  const place = (element, from, to) => { element.style.left = `${100 * from}%`; if (to !== undefined) element.style.width = `${100 * (to - from)}%`; };
  const strip = box.querySelector(".strip");
  if (model.threshold !== null) place(strip.querySelector(".cut"), model.threshold);
  strip.querySelector(".cut").hidden = model.threshold === null;
  for (const name of ["event", "non_event"]) {
    const bar = strip.querySelector(`[data-bar="${name}"]`);
    if (model.predicted) {
      const at = k => risk(model.predicted[name][k]), n = model.predicted[name].length - 1, [a, b, c] = [0.25, 0.5, 0.75].map(q => at(Math.round(q * n)));
      place(bar.querySelector("i"), a, c);
      place(bar.querySelector("b"), b);
    } else bar.hidden = true;
  }
  const empty = text => {
    box.removeAttribute("data-risk"); box.removeAttribute("data-log-odds"); box.removeAttribute("data-low"); box.removeAttribute("data-high");
    put("risk", ""); put("interval", ""); put("standing", ""); put("side", ""); put("points", ""); put("waiting", text);
    strip.hidden = true;
  };
  const show = () => {
    const found = values();
    found.forEach((each, k) => complain(inputs[k], each.problem || ""));
    const bad = model.fields.filter((_, k) => found[k].problem), left = model.fields.filter((_, k) => !("value" in found[k]) && !found[k].problem);
    if (bad.length) return empty(`No risk: ${bad.map(field => field.label).join(", ")} must be corrected.`);
    if (left.length) return empty(`Still to fill in: ${left.map(field => field.label).join(", ")}.`);
    const given = found.map(each => each.value), x = row(model, given);
    const logOdds = model.columns.reduce((sum, column, j) => sum + x[j] * column.b, 0), p = risk(logOdds), ends = limits(model, x, logOdds);
    box.dataset.risk = p; box.dataset.logOdds = logOdds;
    if (ends) [box.dataset.low, box.dataset.high] = ends;
    put("waiting", "");
    put("risk", `${shown(100 * p)}%`);
    out("risk").title = String(p);
    out("interval").classList.toggle("note", !ends);
    put("interval", ends ? `${100 * model.confidence}% CI ${shown(100 * ends[0])} to ${shown(100 * ends[1])}%` : box.dataset.noInterval);
    if (model.predicted) {
      const [with_, without] = [share(model.predicted.event, logOdds), share(model.predicted.non_event, logOdds)], [n1, n0] = model.counts;
      const all = (n1 * with_ + n0 * without) / (n1 + n0);
      put("standing", `Higher than that of about ${shown(100 * all, 0)}% of the study's patients: of ${shown(100 * with_, 0)}% of those with the event, and of ${shown(100 * without, 0)}% of those without.`);
    } else put("standing", box.dataset.noStanding);
    put("side", model.threshold === null ? "" : `${p > model.threshold ? "Above" : "Not above"} the threshold of ${shown(100 * model.threshold)}%: ${p > model.threshold ? "positive" : "negative"}.`);
    if (model.points) {
      const { axes, per_point } = model.points;
      const points = axes.map(axis => (axis.columns.reduce((sum, j) => sum + x[j] * model.columns[j].b, 0) - axis.least) / per_point);
      put("points", `Points of the nomogram: ${axes.map((axis, k) => `${axis.label} ${points[k].toFixed(1)}`).join(", ")}; in all ${points.reduce((a, b) => a + b, 0).toFixed(1)}.`);
    }
    place(strip.querySelector(".now"), p);
    const span = strip.querySelector(".span");
    span.hidden = !ends;
    if (ends) place(span, ends[0], ends[1]);
    strip.hidden = false;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(show));
  box.querySelector("[data-print]")?.addEventListener("click", () => print());

  // ---- a Radscore from its features
  for (const part of box.querySelectorAll("[data-form]")) {
    const field = model.fields[part.dataset.form], cells = [...part.querySelectorAll("input")];
    part.addEventListener("input", event => {
      event.stopPropagation();
      let isWhole = true, sum = field.form.intercept;
      field.form.features.forEach((feature, k) => {
        const typed = read(cells[k].value, { ...feature, unit: "" });
        const problem = typed.problem || ("value" in typed && feature.low !== null ? within(typed.value, { ...feature, unit: "" }, "values") : "");
        complain(cells[k], problem);
        if (problem || !("value" in typed)) isWhole = false; else sum += feature.coefficient * ((typed.value - feature.center) / feature.scale);
      });
      const reach = field.form.reach;
      if (reach) sum = Math.min(Math.max(sum, reach[0]), reach[1]);
      inputs[part.dataset.form].value = isWhole ? String(sum) : "";
      show();
    });
  }
  box.hidden = false;
  if (box.closest(".on-screen")) box.closest(".on-screen").hidden = false;
  show();
}
})();
