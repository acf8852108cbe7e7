// The files of a picture, made in the browser from what is drawn.

import { toCsv } from "./csv.js";
import { loadPlotly } from "./plotly.js";

const NARROWEST = 800;
const HEADING_HEIGHT = 56;

export async function download(plot, message, format) {
  if (format === "csv") downloadCsv(plot, message.filename);
  else await downloadPicture(plot, message, format);
}

function downloadCsv(plot, filename) {
  const address = URL.createObjectURL(new Blob([toCsv(plot._fullData)], { type: "text/csv;charset=utf-8" }));
  const link = Object.assign(document.createElement("a"), { href: address, download: `${filename}.csv` });
  link.click();
  URL.revokeObjectURL(address);
}

// The question goes into the picture, because the heading above it stays on the page.
async function downloadPicture(plot, message, format) {
  const Plotly = await loadPlotly();
  const width = Math.max(plot.clientWidth, NARROWEST);
  const height = message.height + HEADING_HEIGHT;
  const layout = { ...plot.layout, ...heading(plot, message), width, height, paper_bgcolor: background(plot) };
  const scale = format === "png" ? 2 : 1;
  await Plotly.downloadImage({ data: plot.data, layout }, { format, width, height, scale, filename: message.filename });
}

function heading(plot, { question, subtitle }) {
  const { margin, font } = plot._fullLayout;
  const title = {
    text: `<b>${plain(question)}</b>`,
    subtitle: { text: plain(subtitle), font: { size: 12 } },
    font: { size: 17, color: font.color },
    x: 0,
    y: 1,
    xref: "container",
    yref: "container",
    xanchor: "left",
    yanchor: "top",
    pad: { t: 14, l: 16 },
  };
  return { title, margin: { ...margin, t: margin.t + HEADING_HEIGHT } };
}

// Plotly reads a few tags in a title; what comes from Python is text.
function plain(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

// A see-through picture takes the page's colour along, or its dark theme would be unreadable elsewhere.
function background(plot) {
  const own = plot._fullLayout.paper_bgcolor;
  if (!/^rgba\(.*, ?0\)$|^transparent$/.test(own)) return own;
  return getComputedStyle(plot.closest(".stApp") ?? document.body).backgroundColor;
}
