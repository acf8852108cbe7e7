// Heatmaps drawn quickly, while they follow a slider: Plotly draws one cell in place of all, and its image is filled here.
// That is a fifth of Plotly's own time, to the same colours; hovering and files wait for the picture that is drawn whole.

export const AXIS = /^[xy]axis\d*$/;
const SHADES = 1024;
const cells = document.createElement("canvas");
const pen = cells.getContext("2d", { willReadFrequently: true });
const scales = new Map();

// The same traces, with each heatmap that can be filled here as its outline.
export function outlined(figure) {
  return figure.data.map((trace) => (canFill(trace, figure) ? outline(trace) : trace));
}

export function isOutline(trace) {
  return trace?.meta?.filled === true;
}

// Plotly need not draw an outline again that is to be filled anew.
export function keepOutlines(plot) {
  const full = plot._fullLayout;
  const filled = plot._fullData.filter(isOutline);
  if (plot._fullData.some((trace) => trace.type === "heatmap" && !filled.includes(trace))) return;
  const kept = filled[0] && { ...filled[0]._module, plot() {} };
  for (const trace of filled) trace._module = kept;
  full._modules = full._modules.map((module) => (module.name === "heatmap" ? kept : module));
}

// Fills the images of what `outlined` made of the traces.
export function fill(plot, traces) {
  for (const group of plot.querySelectorAll("g.hm")) {
    const drawn = group.__data__?.[0]?.trace; // what Plotly has bound to it
    if (!isOutline(drawn)) continue;
    group.querySelector("image")?.setAttribute("href", picture(traces[drawn.index], drawn, plot._fullLayout));
  }
}

// Evenly spaced cells on even axes, in colours of their own.
function canFill(trace, { data, layout }) {
  if (trace.type !== "heatmap" || !ArrayBuffer.isView(trace.z?.[0])) return false;
  const { colorscale, zmin, zmax, x, xgap, ygap, reversescale, zsmooth } = trace;
  if (!Array.isArray(colorscale) || zmin === undefined || zmax === undefined) return false;
  if (x || xgap || ygap || reversescale || zsmooth) return false;
  const [across, up] = axes(trace).map((name) => layout[name] ?? {});
  return isEven(across) && (trace.y ? isListed(trace, up, data) : isEven(up));
}

function axes({ xaxis = "x", yaxis = "y" }) {
  return [nameOf(xaxis), nameOf(yaxis)];
}

// What the layout calls the axis that a trace or a word calls "y2".
export function nameOf(axis) {
  return `${axis[0]}axis${axis.slice(1)}`;
}

function isEven({ type = "linear" }) {
  return type === "linear";
}

// Rows under names that nobody reads, alone on their axis: they stand in it one after the other.
function isListed({ y, yaxis = "y" }, { type, showticklabels, range, categoryorder }, data) {
  if (type !== "category" || showticklabels !== false || range || categoryorder) return false;
  return new Set(y).size === y.length && data.filter((other) => (other.yaxis ?? "y") === yaxis).length === 1;
}

function outline({ z, x0 = 0, dx = 1, y: names, y0 = 0, dy = 1, text, customdata, ...rest }) {
  const [columns, rows] = [z[0].length, z.length];
  const x = [x0 - dx / 2, x0 + (columns - 0.5) * dx];
  const y = names ?? [y0 - dy / 2, y0 + (rows - 0.5) * dy];
  const cells = Array.from({ length: names ? rows : 1 }, () => [rest.zmin]);
  return { ...rest, x, y, z: cells, meta: { filled: true }, hoverinfo: "skip", hovertemplate: "" };
}

function picture({ z, zmin, zmax, colorscale }, drawn, layout) {
  const [across, up] = axes(drawn).map((name) => layout[name].range[0] < layout[name].range[1]);
  const [columns, rows] = [z[0].length, z.length];
  const shades = shadesOf(colorscale);
  Object.assign(cells, { width: columns, height: rows });
  const image = pen.createImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  const factor = (SHADES - 1) / (zmax - zmin);
  for (let row = 0; row < rows; row++) {
    const [values, start] = [z[row], columns * (up ? rows - 1 - row : row)];
    for (let column = 0; column < columns; column++) {
      const value = values[across ? column : columns - 1 - column];
      if (Number.isNaN(value)) continue; // nothing is drawn
      const shade = Math.round((value - zmin) * factor);
      pixels[start + column] = shades[Math.min(Math.max(shade, 0), SHADES - 1)];
    }
  }
  pen.putImageData(image, 0, 0);
  return cells.toDataURL();
}

// The colours of a scale from end to end, each as its four bytes.
function shadesOf(colorscale) {
  const name = JSON.stringify(colorscale);
  if (!scales.has(name)) scales.set(name, drawn(colorscale));
  return scales.get(name);
}

function drawn(colorscale) {
  Object.assign(cells, { width: SHADES, height: 1 });
  const gradient = pen.createLinearGradient(0.5, 0, SHADES - 0.5, 0);
  for (const [place, colour] of colorscale) gradient.addColorStop(place, colour);
  pen.fillStyle = gradient;
  pen.fillRect(0, 0, SHADES, 1);
  return new Uint32Array(pen.getImageData(0, 0, SHADES, 1).data.buffer.slice(0));
}
