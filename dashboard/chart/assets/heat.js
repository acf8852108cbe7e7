// Heatmaps drawn quickly, while they follow a slider: Plotly draws one cell in place of all, and its image is filled here.
// That is a fifth of Plotly's own time, to the same colours; hovering and files wait for the picture that is drawn whole.

const SHADES = 1024;
const cells = document.createElement("canvas");
const pen = cells.getContext("2d", { willReadFrequently: true });
const scales = new Map();

// The same traces, with each heatmap that can be filled here as its outline.
export function outlined(traces, layout) {
  return traces.map((trace) => (canFill(trace, layout) ? outline(trace) : trace));
}

// Fills the images of what `outlined` made of the traces.
export function fill(plot, traces) {
  for (const group of plot.querySelectorAll("g.hm")) {
    const drawn = group.__data__?.[0]?.trace; // what Plotly has bound to it
    const trace = drawn?.meta?.filled && traces[drawn.index];
    if (trace) group.querySelector("image")?.setAttribute("href", picture(trace, drawn, plot._fullLayout));
  }
}

// Evenly spaced cells on even axes, in colours of their own.
function canFill(trace, layout) {
  if (trace.type !== "heatmap" || !ArrayBuffer.isView(trace.z?.[0])) return false;
  const { colorscale, zmin, zmax, x, y, xgap, ygap, reversescale } = trace;
  if (!Array.isArray(colorscale) || zmin === undefined || zmax === undefined) return false;
  return !(x || y || xgap || ygap || reversescale || trace.zsmooth) && axes(trace, layout).every(isEven);
}

function axes({ xaxis = "x", yaxis = "y" }, layout) {
  return [xaxis, yaxis].map((name) => layout[`${name[0]}axis${name.slice(1)}`] ?? {});
}

function isEven({ type = "linear" }) {
  return type === "linear";
}

function outline({ z, x0 = 0, dx = 1, y0 = 0, dy = 1, text, customdata, ...rest }) {
  const [columns, rows] = [z[0].length, z.length];
  const x = [x0 - dx / 2, x0 + (columns - 0.5) * dx];
  const y = [y0 - dy / 2, y0 + (rows - 0.5) * dy];
  return { ...rest, x, y, z: [[rest.zmin]], meta: { filled: true }, hoverinfo: "skip", hovertemplate: "" };
}

function picture({ z, zmin, zmax, colorscale }, { xaxis = "x", yaxis = "y" }, layout) {
  const [across, up] = axes({ xaxis, yaxis }, layout).map(({ range }) => range[0] < range[1]);
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
