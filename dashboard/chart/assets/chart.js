// One chart: keeps its place on the page and redraws it when new numbers come.
// After each redraw `data-revision` on the chart counts up and the document gets a `rnnviz:painted` event.

import { followColumns } from "./columns.js";
import { AXIS, fill, keepOutlines, outlined } from "./heat.js";
import { buildFrame, fillFrame, loadStyles, showPlaying, showProblem } from "./frame.js";
import { isPlaying, play, stop } from "./film.js";
import { drawnByThePage, leave, listen } from "./follow.js";
import { openLane } from "./lane.js";
import { differInMarks, marksOf } from "./marks.js";
import { move } from "./move.js";
import { loadPlotly } from "./plotly.js";
import { decode, same, turnOf } from "./wire.js";

const CONFIG = { displayModeBar: false, doubleClick: "reset" };
const ZOOMED = /^[xy]axis\d*\.range\[/;
const WIDTH_IF_HIDDEN = 700;
const charts = new WeakMap();
const byKey = new Map(); // where a picture that comes by the lane belongs

listen(
  (key, bytes) => byKey.get(key)?.receive(bytes, false),
  () => [...byKey.keys()].filter((key) => byKey.get(key).visible),
);
loadPlotly().catch(() => {}); // the first draw says so if it fails; here it only starts early

// Called at every rerun; gives back what to do when the chart leaves the page.
// `tell`: hands a click to the page, for a chart whose message asks for clicks.
export async function show(parent, bytes, tell = () => {}) {
  await loadStyles();
  if (!charts.has(parent)) charts.set(parent, new Chart(parent));
  const chart = charts.get(parent);
  chart.listen(turnOf(bytes), tell);
  chart.receive(bytes);
  return () => {
    // Streamlit also calls this for a run that a later one overtook, and not always in order.
    if (parent.isConnected) return;
    chart.remove();
    charts.delete(parent);
  };
}

// A first picture takes long: in a task of its own the browser can show it before the next one is begun.
let lastTask = Promise.resolve();
function ownTask() {
  lastTask = lastTask.then(() => new Promise((resolve) => setTimeout(resolve)));
  return lastTask;
}

// Plotly measures every tick label again to hide those past the edge, a third of its time; ours fit their margins.
function quick(template) {
  const axis = { ticklabeloverflow: "allow" };
  const { xaxis, yaxis, ...rest } = template?.layout ?? {};
  const layout = { ...rest, xaxis: { ...axis, ...xaxis }, yaxis: { ...axis, ...yaxis } };
  return { ...template, layout };
}

class Chart {
  newest = -1n; // of the pictures that came
  heard = -1n; // of the reruns that say where clicks go
  revision = 0;
  resets = 0;
  bytes = null;
  drawnBytes = null;
  shown = null; // what Plotly drew last, and how
  byThePage = true;
  visible = true;
  drawing = false;
  drawn = Promise.resolve();
  tell = () => {};

  constructor(parent) {
    this.frame = buildFrame(parent, {
      reset: () => this.resetZoom(),
      play: () => this.playOrStop(),
      CSV: () => this.download("csv"),
      PNG: () => this.download("png"),
      SVG: () => this.download("svg"),
    });
    this.showZoomed(false);
    const { plot } = this.frame;
    this.width = Math.floor(plot.getBoundingClientRect().width) || WIDTH_IF_HIDDEN;
    this.observer = new ResizeObserver(([entry]) => this.place(Math.floor(entry.contentRect.width)));
    this.observer.observe(plot);
    this.seeing = new IntersectionObserver(([entry]) => this.see(entry.isIntersecting));
    this.seeing.observe(plot);
  }

  listen(turn, tell) {
    if (turn < this.heard) return;
    this.heard = turn;
    this.tell = tell;
  }

  // `byThePage`: what a rerun has made, by its own way or by the lane. Gives back when it is drawn.
  receive(bytes, byThePage = true) {
    const turn = turnOf(bytes);
    if (turn < this.newest || (byThePage && isPlaying() && this.bytes)) return this.drawn; // the lane was faster
    this.newest = turn;
    const isWhole = this.byThePage || !byThePage; // or it has been drawn quickly, on the way
    if (same(bytes, this.bytes) && isWhole) return this.drawn;
    this.byThePage = byThePage;
    this.bytes = bytes;
    if (!byThePage && !this.visible) return null; // what nobody sees waits for the page, or for somebody
    if (!this.drawing) this.drawn = this.redraw();
    return this.drawn;
  }

  // While one picture is drawn, only the newest of those that arrive is kept.
  async redraw() {
    this.drawing = true;
    do await this.draw((this.drawnBytes = this.bytes));
    while (this.drawnBytes !== this.bytes);
    this.drawing = false;
    this.fit();
  }

  async draw(bytes) {
    try {
      this.message = decode(bytes);
      byKey.set(this.message.key, this);
      if (this.byThePage) drawnByThePage(this, this.message.follow);
      openLane(this.message.lane, (key, picture) => byKey.get(key)?.receive(picture));
      fillFrame(this.frame, this.message);
      await this.paint();
      showProblem(this.frame);
      this.announce();
    } catch (error) {
      window.Plotly?.purge(this.frame.plot);
      this.shown = null;
      showProblem(this.frame, `This chart could not be drawn: ${error.message}`);
    }
  }

  async paint() {
    const Plotly = await loadPlotly();
    const { plot } = this.frame;
    const isNew = !plot._fullLayout;
    if (isNew) await ownTask();
    if (!plot.isConnected) return; // it left the page in the meantime
    const { figure, clicks } = this.message;
    const quick = !this.byThePage && !isNew;
    if (!isNew && this.isShownBut(quick)) {
      this.shown = { ...this.shown, figure };
      // Plotly passes over whatever is the same object as before; `relayout` would draw all of it anew.
      await Plotly.react(plot, plot.data, { ...plot.layout, ...marksOf(figure.layout) });
      if (this.shown.quick) keepOutlines(plot);
      return;
    }
    const moved = quick && this.canMove() && move(plot, this.shown.figure, figure);
    if (moved) {
      this.shown.figure = figure;
      await moved;
      return;
    }
    this.shown = { figure, quick, resets: this.resets };
    // Two quick clicks on two points are not a double click, but Plotly would take them for one.
    const config = clicks ? { ...CONFIG, doubleClickDelay: 0 } : CONFIG;
    const traces = quick ? outlined(figure) : figure.data;
    await Plotly.react(plot, traces, this.fitted(figure.layout), config);
    if (quick) {
      keepOutlines(plot);
      fill(plot, figure.data);
    }
    if (!isNew) return;
    plot.on("plotly_relayout", (changes) => this.noteZoom(changes));
    followColumns(plot);
    plot.on("plotly_click", ({ points }) => this.click(points[0]));
  }

  // Whether only marks are to be moved on what was drawn last; not on what was drawn quickly, if this is the whole.
  isShownBut(quick) {
    const { figure, quick: wasQuick, resets } = this.shown;
    return (quick || !wasQuick) && resets === this.resets && differInMarks(figure, this.message.figure);
  }

  canMove() {
    return this.shown?.quick && this.shown.resets === this.resets && this.frame.resetLink.hidden;
  }

  fitted(layout) {
    const uirevision = `${layout.uirevision ?? ""} ${this.resets}`;
    const dragmode = matchMedia("(pointer: coarse)").matches ? false : layout.dragmode; // a finger scrolls the page
    const template = quick(layout.template);
    const axes = Object.entries(layout).filter(([name]) => AXIS.test(name));
    const own = Object.fromEntries(axes.map(([name, axis]) => [name, { ...axis }])); // Plotly writes its ranges into them
    return { ...layout, ...own, template, uirevision, dragmode, width: this.width, height: this.message.height };
  }

  place(width) {
    if (width === 0) return; // hidden, behind a tab perhaps
    this.width = width;
    this.fit();
  }

  see(visible) {
    this.visible = visible;
    if (visible && this.bytes !== this.drawnBytes && !this.drawing) this.drawn = this.redraw();
  }

  fit() {
    const { plot } = this.frame;
    const drawn = plot._fullLayout?.width;
    if (!this.drawing && drawn && drawn !== this.width) window.Plotly.relayout(plot, { width: this.width });
  }

  noteZoom(changes) {
    const names = Object.keys(changes);
    if (names.some((name) => ZOOMED.test(name))) this.showZoomed(true);
    else if (names.some((name) => name.endsWith(".autorange"))) this.showZoomed(false);
  }

  click(point) {
    if (!this.message.clicks || !point) return;
    const x = typeof point.x === "number" ? point.x : null;
    const carried = Array.from(point.customdata ?? []).filter(Number.isInteger);
    this.tell({ x, carried });
  }

  showZoomed(zoomed) {
    this.frame.resetLink.hidden = !zoomed;
  }

  resetZoom() {
    this.resets += 1;
    this.showZoomed(false);
    this.bytes = this.bytes.slice(); // the same numbers, to be drawn once more
    if (!this.drawing) this.drawn = this.redraw();
  }

  playOrStop() {
    if (isPlaying()) stop();
    else play(this.message.film, this.tell, () => showPlaying(this.frame, false));
    showPlaying(this.frame, isPlaying());
  }

  async download(format) {
    const { download } = await import("./export.js");
    await download(this.frame.plot, this.message, format);
  }

  announce() {
    const { root } = this.frame;
    root.dataset.revision = ++this.revision;
    const detail = { key: this.message.key, revision: this.revision };
    document.dispatchEvent(new CustomEvent("rnnviz:painted", { detail }));
  }

  remove() {
    leave(this);
    if (byKey.get(this.message?.key) === this) byKey.delete(this.message.key);
    this.observer.disconnect();
    this.seeing.disconnect();
    window.Plotly?.purge(this.frame.plot);
    this.frame.root.remove();
  }
}
