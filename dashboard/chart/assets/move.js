// Moves what is drawn to where the next figure has it, while it follows a slider and differs in its numbers alone.
// Plotly would look for news in every trace, axis and word; here it draws only the lines, axes and words that moved.

import { AXIS, fill, isOutline, nameOf } from "./heat.js";
import { equal, MARKS, without } from "./marks.js";

const CARRIED = ["name", "text", "customdata", "hovertemplate"];
const NUMBERS = { heatmap: ["z", "zmin", "zmax", "y", ...CARRIED], scatter: ["x", "y", ...CARRIED] };
const SCALE = ["range", "nticks"];
const ENDS = ["x0", "x1", "y0", "y1"];
const WORDS = ["text", "x", "y", "xanchor", "yanchor", "xshift", "yshift"];

// Gives back when the figure is shown, or null if it must be drawn anew.
export function move(plot, { data, layout }, figure) {
  const next = figure.layout;
  const traces = changes(data, figure.data, ({ type }) => NUMBERS[type]);
  const shapes = changes(layout.shapes, next.shapes, () => ENDS);
  const words = changes(layout.annotations, next.annotations, () => WORDS);
  const axes = movedAxes(layout, next);
  if (!traces || !shapes || !words || !axes) return null;
  const lines = traces.filter((index) => !isOutline(plot._fullData[index]));
  for (const index of lines) for (const name of axesOf(figure.data[index])) axes.add(name);
  const isLine = (index) => figure.data[index].type === "scatter";
  const hasRange = (name) => next[name]?.range;
  if (!lines.every(isLine) || ![...axes].every(hasRange)) return null;
  if (axes.size === 0 && shapes.length + words.length > 0) return null;
  return redraw(plot, figure, { lines, shapes, words, axes });
}

async function redraw(plot, { data, layout }, { lines, shapes, words, axes }) {
  const full = plot._fullLayout;
  Object.assign(plot.layout, picked(layout, ["shapes", "annotations"]));
  for (const name of axes) Object.assign(plot.layout[name], layout[name]);
  for (const index of lines) moveLine(plot, index, data[index]);
  for (const index of shapes) Object.assign(full.shapes[index], picked(layout.shapes[index], ENDS));
  for (const index of words) Object.assign(full.annotations[index], picked(layout.annotations[index], WORDS));
  for (const name of axes) Object.assign(full[name], picked(layout[name], ["nticks"]));
  const ranges = Object.fromEntries([...axes].map((name) => [`${name}.range`, layout[name].range]));
  if (axes.size) await keepingWords(full, words, axes, () => window.Plotly.relayout(plot, ranges));
  fill(plot, data);
}

function moveLine(plot, index, trace) {
  const drawn = plot._fullData[index];
  const numbers = picked(trace, NUMBERS.scatter);
  Object.assign(plot.data[index], numbers);
  Object.assign(drawn, numbers);
  const points = drawn._module.calc(plot, drawn);
  Object.assign(points[0], { trace: drawn, t: {} });
  plot.calcdata[index] = points;
}

// Words that are where they were are not set and measured again, a fifth of a redraw.
async function keepingWords(full, changed, axes, draw) {
  const all = full.annotations;
  const layer = full._infolayer.node();
  const groups = [];
  const drawn = () => layer.querySelectorAll(".annotation");
  const isOn = ({ xref, yref }) => axes.has(nameOf(xref)) || axes.has(nameOf(yref));
  const moved = [...all.keys()].filter((index) => changed.includes(index) || isOn(all[index]));
  for (const group of drawn()) if (!moved.includes(Number(group.dataset.index))) groups[group.dataset.index] = group;
  for (const group of groups) group?.remove();
  full.annotations = moved.map((index) => all[index]);
  await draw();
  full.annotations = all;
  for (const group of drawn()) groups[(group.dataset.index = moved[group.dataset.index])] = group;
  layer.append(...groups.filter(Boolean));
}

// The places in which two lists differ, if in nothing but what is free to; null otherwise.
function changes(ones = [], others = [], free) {
  const places = [...others.keys()].filter((index) => !equal(ones[index], others[index]));
  const differsFreely = (index) => differ(ones[index], others[index], free(others[index]));
  return ones.length === others.length && places.every(differsFreely) ? places : null;
}

function differ(one, other, free = []) {
  const isAsLarge = (name) => sizes(one[name]) === sizes(other[name]);
  return free.every(isAsLarge) && equal(without(one, free), without(other, free));
}

function sizes(value) {
  return typeof value === "object" && value ? `${value.length} ${value[0]?.length}` : typeof value;
}

// The axes that differ in their scales; null if anything else of the layouts does.
function movedAxes(one, other) {
  const moved = Object.keys(other).filter((name) => AXIS.test(name) && !equal(one[name], other[name]));
  const isScaled = (name) => one[name] && differ(one[name], other[name], SCALE);
  const rest = [...MARKS, ...moved];
  return moved.every(isScaled) && equal(without(one, rest), without(other, rest)) ? new Set(moved) : null;
}

function axesOf({ xaxis = "x", yaxis = "y" }) {
  return [nameOf(xaxis), nameOf(yaxis)];
}

function picked(object, names) {
  return Object.fromEntries(names.filter((name) => name in object).map((name) => [name, object[name]]));
}
