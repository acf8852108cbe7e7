"""How much memory and time a visitor may ask the server for; sizes are in bytes."""

from typing import Final

RUN_LIMIT: Final = 128 << 20
"""The most that one record may take, on a page or at a training step."""
RUN_SECONDS: Final = 60.0
"""The most that one run may take."""
INLINE_SECONDS: Final = 0.5
"""What a run may take in the server's own process; what takes longer is run in another one."""
ANSWERS_LIMIT: Final = 32 << 20
"""The most that all that was asked of records may take together."""
CACHE_LIMIT: Final = 32 << 20
"""The most that all kept records may take together: memory that is used again costs less CPU."""
LARGE: Final = 16 << 20
"""A record that takes more is kept on the disk, with others of its kind."""
LARGE_LIMIT: Final = RUN_LIMIT
"""The most that all large records may take together, on the disk."""
GHOSTS_LIMIT: Final = 64 << 20
"""The most that all kept pictures of other runs may take together."""
TURN_SECONDS: Final = 0.25
"""How long a page may be drawn before the next begins beside it."""
COMPARE_PATIENCE: Final = 20.0
"""Seconds that all runs of a comparison may take together."""
SWEEP_RUNS: Final = 20_000
"""The most runs of one sweep."""
SWEEP_SECONDS: Final = 1800.0
"""Seconds of one core that a sweep may take."""
SWEEP_AT_ONCE: Final = 3.0
"""Seconds up to which a sweep is begun when its page is opened without one."""
SWEEPS_KEPT: Final = 100
"""Visitors whose sweeps are kept."""
PATIENCE: Final = 1.5
"""Seconds that a section of a page may take; what would take longer is shown in a smaller form."""
FOLLOWED: Final = 0.1
"""Seconds that a run may take to be drawn whole while a slider moves."""
FOLLOWED_PATIENCE: Final = 0.03
"""Seconds that a section may take while a slider moves."""
PASSES: Final = 1e10
"""Multiplications a second of forward and backward passes, on one core."""
CHILD_BYTES: Final = 768 << 20
"""The memory that a child process may take beside what it starts with."""
PAUSED_PROCESSES: Final = 4
"""Trainings on the whole server that keep their process while they are paused."""
RUNS_KEPT: Final = 8
"""Runs of one visitor, whatever their state."""
RUNS_LIMIT: Final = 192 << 20
"""The most that one visitor's runs may keep."""
ALL_RUNS_LIMIT: Final = 384 << 20
"""The most that the runs of all visitors may keep together."""
VISITORS: Final = 200
"""Visitors whose runs are kept."""
KEPT_BYTES: Final = 512 << 20
"""The most that the files of all trainings may take on the disk."""
KEPT_FILES: Final = 800
"""The most such files."""
BROUGHT_LIMIT: Final = 256 << 20
"""The most that the weights and data of all visitors, and what is computed of them, may take."""
OWN_RUN_LIMIT: Final = 64 << 20
"""The most that the record of a visitor's own weights or data may take."""
OWN_SECONDS: Final = 10.0
"""Seconds that one pass of a visitor's own weights may take."""
UPLOADS: Final = 3
"""Files of one session that have come and are not read yet."""
ALL_UPLOADS: Final = 16
"""Such files of all sessions together."""
UPLOAD_BYTES: Final = 21 << 20
"""The largest upload, as ``server.maxUploadSize`` says, and what stands around the file."""
SESSIONS: Final = 40
"""Pages that may be open at once."""
FRAME_BYTES: Final = 1 << 20
"""The most that a page may say at once."""
LEFT_SECONDS: Final = 60.0
"""How long a page whose socket broke can come back to what it was."""
UPLOAD_SECONDS: Final = 120.0
"""How long a file may wait to be read."""
UPKEEP_SECONDS: Final = 10.0
"""How often what is over is looked for."""
