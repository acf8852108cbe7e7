// Plotly, fetched once per page from the server's own installation.

let loading;

export function loadPlotly() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  loading ??= fetchScript(new URL("plotly.min.js", import.meta.url));
  return loading;
}

function fetchScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => {
      rememberArrays(window.Plotly.PlotSchema);
      resolve(window.Plotly);
    };
    script.onerror = () => {
      loading = undefined; // the next chart or the next change tries again
      reject(new Error("the drawing library did not arrive from the server. Reload the page to try again."));
    };
    document.head.append(script);
  });
}

// Plotly goes through its whole schema to find a trace's arrays, at each drawing of each trace: a sixth of a redraw.
// Where the arrays are depends only on what there is, which stays the same from one redraw to the next.
function rememberArrays(schema) {
  const find = schema.findArrayAttributes;
  const found = new Map();
  schema.findArrayAttributes = (trace) => {
    const shape = shapeOf(trace);
    if (!found.has(shape)) found.set(shape, find(trace));
    return [...found.get(shape)];
  };
}

function shapeOf(node) {
  return Object.keys(node).map((name) => {
    const value = node[name];
    if (Array.isArray(value)) return `${name}[${value.map((item) => (isPlain(item) ? shapeOf(item) : ""))}]`;
    if (ArrayBuffer.isView(value)) return `${name}[]`;
    return isPlain(value) && name[0] !== "_" ? `${name}{${shapeOf(value)}}` : name;
  }).join();
}

function isPlain(value) {
  return value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype;
}
