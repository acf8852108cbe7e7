// Bars that show the column of a heatmap that the cursor is on, and their own again when it leaves.
// A bar trace asks for it: `meta: {columnOf: 2, note: 0, text: "At t = {x}"}` names the heatmap, and the annotation
// that says which column it is. The bars stand on their `base`; what lies below it, or is no number, has no height.

export function followColumns(plot) {
  let wanted = null; // the point that the cursor is on
  let shown = null; // the column that is drawn instead of the bars' own, in which trace
  let frame = 0;

  const ask = (point) => {
    wanted = point;
    frame ||= requestAnimationFrame(draw);
  };

  function draw() {
    frame = 0;
    const index = (plot.data ?? []).findIndex((trace) => trace.meta?.columnOf !== undefined);
    const bars = plot.data?.[index];
    if (shown && shown.bars !== bars) shown = null; // new numbers came
    const matrix = bars && plot._fullData[bars.meta.columnOf];
    const column = matrix && onMatrix(wanted, matrix) ? wanted.pointNumber[1] : null;
    if (!bars || column === (shown?.column ?? null)) return;
    const { note, text } = bars.meta;
    const own = shown?.own ?? { y: bars.y, text: plot.layout.annotations[note].text };
    const heights = column === null ? own.y : heightsOf(matrix.z, column, bars.base);
    const words = column === null ? own.text : text.replace("{x}", wanted.x);
    shown = column === null ? null : { bars, column, own };
    window.Plotly.update(plot, { y: [heights] }, { [`annotations[${note}].text`]: words }, [index]);
  }

  plot.on("plotly_hover", ({ points }) => ask(points[0]));
  plot.on("plotly_unhover", () => ask(null));
}

// The cursor may also be on a mark that lies over the matrix, cell by cell.
function onMatrix(point, matrix) {
  const over = point?.fullData;
  return over?.type === "heatmap" && over.xaxis === matrix.xaxis && over.yaxis === matrix.yaxis;
}

function heightsOf(z, column, base) {
  return Array.from(z, (row) => (Number.isFinite(row[column]) ? Math.max(row[column] - base, 0) : 0));
}
