// The page's words and pictures follow a slider while it is dragged, without a rerun: dashboard/follow.py draws them.
// On release Streamlit runs the page, which brings the same. Where the server does not answer, the rerun is all there is.

import { parts } from "./wire.js";

const KEYS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"]);
const WATCHED = { subtree: true, attributes: true, attributeFilter: ["aria-valuetext", "value"] };
const OVERTAKEN = 204;
const REFUSED = 422; // the server's own word: what the slider stands at cannot be drawn
const PATIENCE = 4000; // milliseconds until an answer is given up
const FAILURES = 2; // in a row, after which nothing is asked until a slider is touched again
const LEFT_TO_THE_PAGE = 600; // milliseconds after the release in which the page may come by itself

let leader = null; // the chart whose page is followed, and what that page wants to be sent
let held = null; // the slider under the finger, and where it stood last
let wanted = null; // a place that is not asked for yet
let newest = null; // the last place of all
let pageCame = 0; // when the page itself last drew, in milliseconds
let asking = false;
let failures = 0;
let turn = Date.now(); // a page loaded again begins above where it ended
let draw; // hands a picture to its chart, given its key and bytes, and gives back when it is drawn
let inView; // the keys of the pictures that somebody sees
const watcher = new MutationObserver(noteMove);

// A picture that the page itself has drawn; `follow` is what its message says, if it leads at all.
export function drawnByThePage(chart, follow) {
  if (follow) leader = { chart, ...follow };
  if (leader?.chart !== chart) return;
  if (!follow) leader = null;
  pageCame = performance.now();
}

export function leave(chart) {
  if (leader?.chart === chart) leader = null;
}

export function listen(to, seen) {
  draw = to;
  inView = seen;
  document.addEventListener("pointerdown", ({ target }) => hold(target), true);
  document.addEventListener("keydown", ({ target, key }) => KEYS.has(key) && hold(target), true);
  for (const end of ["pointerup", "pointercancel", "keyup"]) document.addEventListener(end, release, true);
}

// Gives back what draws the page with its slider at a place; null where there is no answer.
export async function askFor(at) {
  const answer = leader && (await ask({ ...leader, at, isPlaying: true }));
  return answer && (() => show(answer));
}

function hold(target) {
  const slider = leader && target.closest?.(`[class*="st-key-${leader.sliders}"]:has([data-testid="stSlider"])`);
  if (!slider || slider === held?.slider) return;
  release();
  const field = slider.className.match(new RegExp(`st-key-${leader.sliders}(\\w+)`))[1];
  held = { slider, field, at: placeOf(slider) };
  failures = Math.min(failures, FAILURES - 1);
  watcher.observe(slider, WATCHED);
}

function release() {
  if (!held) return;
  noteMove();
  watcher.disconnect();
  held = null;
  document.body.classList.remove("rnnviz-following");
}

function placeOf(slider) {
  return Number(slider.querySelector('input[type="range"]')?.value);
}

function noteMove() {
  const at = placeOf(held.slider);
  if (at === held.at || !leader) return;
  held.at = at;
  newest = wanted = { ...leader, field: held.field, at };
  answerAll();
}

// While one picture is drawn the next is asked for, and of the places in between only the last.
async function answerAll() {
  if (asking) return;
  asking = true;
  let drawn = null;
  while (wanted && failures < FAILURES && (held || !(await pageComes()))) {
    const asked = { ...wanted, since: performance.now() };
    const isLast = wanted === newest;
    wanted = null;
    const answer = await ask(asked);
    await drawn;
    if (answer && (held || (isLast && pageCame < asked.since))) drawn = show(answer);
  }
  asking = false;
}

// On release the page runs by itself: only where it does not come is the last place asked for.
async function pageComes() {
  const released = performance.now();
  while (performance.now() < released + LEFT_TO_THE_PAGE) {
    if (pageCame > released || held) return !held;
    await new Promise((done) => setTimeout(done, 50));
  }
  return false;
}

async function ask({ to, send, field, at, isPlaying }) {
  const seen = held || isPlaying ? inView() : null; // on release nothing is left out
  const address = new URL(`../../follow/${to}`, import.meta.url);
  const body = JSON.stringify({ ...send, ...("query" in send && { field }), at, turn: ++turn, seen });
  const headers = { "content-type": "application/json" };
  try {
    const response = await fetch(address, { method: "POST", headers, body, signal: AbortSignal.timeout(PATIENCE) });
    if (response.status === OVERTAKEN || response.status === REFUSED) return null;
    if (!response.ok) throw new Error(`${response.status}`);
    failures = 0;
    return new Uint8Array(await response.arrayBuffer());
  } catch {
    failures += 1;
    return null;
  }
}

async function show(answer) {
  document.body.classList.toggle("rnnviz-following", held !== null);
  const drawn = [];
  for (const [key, bytes] of parts(answer)) {
    if (key.startsWith("words:")) say(key.slice("words:".length), new TextDecoder().decode(bytes));
    else drawn.push(draw(key, bytes));
  }
  await Promise.all(drawn);
  await new Promise(requestAnimationFrame); // the browser shows one frame before the next is drawn
}

function say(name, html) {
  const words = document.querySelector(`[data-words="${name}"]`);
  if (words) words.outerHTML = html;
}
