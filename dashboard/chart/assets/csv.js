// What is drawn, as text: one row for each point, one block of rows for each trace.

const PLOTLY_TAGS = /<\/?(?:b|i|em|sub|sup|span|a|br)\b[^>]*>/gi;
const LOOKS_LIKE_A_FORMULA = /^[=+\-@\t\r]/;
const NEEDS_QUOTES = /[",\r\n]/;

// `traces` are Plotly's own, with its defaults filled in (`gd._fullData`).
export function toCsv(traces) {
  const drawn = traces.filter((trace) => trace.visible === true);
  const columns = drawn.some((trace) => trace.z) ? ["trace", "x", "y", "z"] : ["trace", "x", "y"];
  const lines = [columns.join(",")];
  for (const trace of drawn) {
    const name = cell(label(trace));
    for (const point of points(trace)) {
      const cells = columns.slice(1).map((_, index) => (index < point.length ? cell(point[index]) : ""));
      lines.push([name, ...cells].join(","));
    }
  }
  return lines.join("\r\n") + "\r\n";
}

function label(trace) {
  return String(trace.name ?? `trace ${trace.index}`).replace(PLOTLY_TAGS, "");
}

function* points(trace) {
  if (trace.z) yield* gridPoints(trace);
  else yield* linePoints(trace);
}

function* linePoints(trace) {
  const length = Math.max(trace.x?.length ?? 0, trace.y?.length ?? 0);
  for (let i = 0; i < length; i++) yield [coordinate(trace, "x", i), coordinate(trace, "y", i)];
}

function* gridPoints(trace) {
  for (let row = 0; row < trace.z.length; row++) {
    for (let column = 0; column < trace.z[row].length; column++) {
      const at = [coordinate(trace, "x", column), coordinate(trace, "y", row)];
      yield [...at, trace.z[row][column]];
    }
  }
}

function coordinate(trace, axis, index) {
  if (trace[axis]) return trace[axis][index];
  return (trace[`${axis}0`] ?? 0) + index * (trace[`d${axis}`] ?? 1);
}

export function cell(value) {
  return typeof value === "string" ? textCell(value) : numberCell(value);
}

function numberCell(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "nan";
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  return Object.is(value, -0) ? "-0" : String(value);
}

// A spreadsheet runs text that begins like a formula; a quote in front keeps it text. Numbers stay as they are.
function textCell(text) {
  const isNumber = text.trim() !== "" && Number.isFinite(Number(text));
  const safe = LOOKS_LIKE_A_FORMULA.test(text) && !isNumber ? `'${text}` : text;
  return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
