// Everything around a picture: its question, its links, its guide and the place for an error.
// Text from Python becomes text nodes only, never markup.

const styles = new URL("chart.css", import.meta.url);
const openGuides = new Set(); // by chart key, so that a guide is still open after a visit to another page
let styled;
let guides = 0;

export function loadStyles() {
  styled ??= new Promise((resolve) => {
    const link = element("link", { rel: "stylesheet", href: styles, onload: resolve, onerror: resolve });
    document.head.append(link);
  });
  return styled;
}

// `actions`: what each link does, by its label.
export function buildFrame(parent, actions) {
  const question = element("h3", { className: "rnnviz-chart-question" });
  const subtitle = element("p", { className: "rnnviz-chart-subtitle" });
  const guide = element("div", { className: "rnnviz-chart-guide", id: `rnnviz-guide-${++guides}` });
  const guideLink = button("How to read this", () => toggleGuide(frame));
  const resetLink = button("Reset zoom", actions.reset);
  const links = element("div", { className: "rnnviz-chart-links" });
  const filmLink = button("Play", actions.play);
  links.append(guideLink, filmLink, resetLink, ...["CSV", "PNG", "SVG"].map((name) => button(name, actions[name])));
  const heading = element("header", { className: "rnnviz-chart-heading" });
  const words = element("div", { className: "rnnviz-chart-words" });
  words.append(question, " ", subtitle);
  heading.append(words, links);
  const plot = element("div", { className: "rnnviz-chart-plot" });
  const problem = element("p", { className: "rnnviz-chart-problem", hidden: true });
  problem.setAttribute("role", "alert");
  const root = element("section", { className: "rnnviz-chart" });
  root.append(heading, guide, plot, problem);
  parent.append(root);
  const frame = { root, question, subtitle, guide, guideLink, filmLink, resetLink, plot, problem };
  return frame;
}

export function fillFrame(frame, { figure, ...message }) {
  const words = JSON.stringify(message);
  if (words === frame.words) return; // an untouched heading saves the browser a layout of the page
  frame.words = words;
  frame.root.dataset.chart = message.key;
  frame.root.classList.toggle("rnnviz-chart-clickable", message.clicks === true);
  frame.question.textContent = message.question;
  frame.subtitle.textContent = message.subtitle;
  const paragraphs = message.howToRead.split(/\n\s*\n/).map((text) => element("p", { textContent: text.trim() }));
  frame.guide.replaceChildren(...paragraphs);
  frame.guideLink.hidden = message.howToRead === "";
  frame.guideLink.setAttribute("aria-controls", frame.guide.id);
  showGuide(frame, openGuides.has(message.key));
  frame.filmLink.hidden = !(message.film?.steps.length > 1);
  frame.plot.style.height = `${message.height}px`;
  frame.plot.setAttribute("role", "img");
  frame.plot.setAttribute("aria-label", message.alt);
}

export function showPlaying(frame, playing) {
  frame.filmLink.textContent = playing ? "Pause" : "Play";
}

// With a text, the picture gives way to it; without one, it comes back.
export function showProblem(frame, text = "") {
  if (frame.problem.textContent === text) return;
  frame.problem.textContent = text;
  frame.problem.hidden = text === "";
  frame.plot.hidden = text !== "";
}

function toggleGuide(frame) {
  const { chart: key } = frame.root.dataset;
  const open = !openGuides.has(key);
  if (open) openGuides.add(key);
  else openGuides.delete(key);
  showGuide(frame, open);
}

function showGuide(frame, open) {
  frame.guide.hidden = !open;
  frame.guideLink.setAttribute("aria-expanded", String(open));
}

function button(label, onclick) {
  return element("button", { type: "button", textContent: label, onclick });
}

function element(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}
