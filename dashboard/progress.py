"""How far a run has come, in one sentence."""

import streamlit as st

from dashboard.frame import escape
from dashboard.jobs import Snapshot, TrainJob

STATES = {
    "queued": "Waiting for a free place: number {position} in the queue.",
    "running": "Step {steps:,} of {iterations:,} · {rate:.0f} steps a second · {left}",
    "paused": "Paused after {steps:,} of {iterations:,} steps.",
    "stopped": "Stopped after {steps:,} of {iterations:,} steps; what was computed is kept.",
    "interrupted": "Interrupted at step {steps:,} of {iterations:,}: the server was ended. "
    "Resume goes on from there.",
    "finished": "Finished: {steps:,} steps. {sentence}",
    "diverged": "{sentence}",
    "failed": "{sentence}",
}


def progress(job: TrainJob, snapshot: Snapshot) -> None:
    """A bar with the sentence, or the sentence as an error if the run came to a bad end."""
    steps, iterations = len(snapshot.history.rows), job.config.iterations
    left, sentence = snapshot.seconds_left, snapshot.sentence
    words = STATES[snapshot.state].format(
        position=snapshot.position,
        steps=steps,
        iterations=iterations,
        rate=snapshot.steps_per_second,
        left="starting" if left is None else f"{left:.0f} s left",
        sentence=f"{sentence[:1].upper()}{sentence[1:]}." if sentence else "",
    )
    if snapshot.state in ("failed", "diverged"):
        st.error(escape(words))
    else:
        st.progress(min(1.0, steps / iterations), escape(words.strip()))
    if snapshot.unkept:
        st.caption(escape(f"It would be lost if the server ended: {snapshot.unkept}."))
