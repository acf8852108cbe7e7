// Plays a picture's moments one after the other, and every other picture of the page with it.

import { askFor } from "./follow.js";

const FRAME = 1000 / 18; // milliseconds that a moment stays at the least
const BY_RERUNS = 500; // and where every frame is a rerun
let playing = null;

// While a film is on, what the page draws by itself would come in between.
export function isPlaying() {
  return playing !== null;
}

// `steps`: what `tell` is to say of each moment, so that the page looks at it.
export async function play({ steps, at }, tell, shown) {
  const film = (playing = {});
  let place = at === null || at + 1 >= steps.length ? 0 : at;
  let coming = askFor(place);
  for (; place < steps.length && playing === film; place++) {
    const next = performance.now() + FRAME;
    const draw = await coming;
    coming = place + 1 < steps.length ? askFor(place + 1) : null; // while this one is drawn
    await (draw ? draw() : rerun(tell, steps[place]));
    await new Promise((done) => setTimeout(done, Math.max(0, next - performance.now())));
  }
  if (playing === film) playing = null;
  tell({ x: steps[place - 1], carried: [] });
  shown();
}

export function stop() {
  playing = null;
}

async function rerun(tell, step) {
  tell({ x: step, carried: [] });
  await new Promise((done) => setTimeout(done, BY_RERUNS));
}
