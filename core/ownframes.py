"""An actor made of the plate's own frames, to complete a face that is covered in some of them."""

from __future__ import annotations

import numpy as np

from faceplate.core.actor import ActorSettings, build_actor, shown_share
from faceplate.core.actorfile import make_actor
from faceplate.core.analyse import AnalysisSettings
from faceplate.core.errors import ActorError
from faceplate.core.footage import FrameRange, base_name
from faceplate.core.io.footage import FootageReader
from faceplate.core.io.roto import RotoReader
from faceplate.core.source import Actor
from faceplate.core.track import FaceTrack
from faceplate.ocio.config import ColorConfig

_CLEAR = 0.93
"""Share of the face that a view must show, of what the clearest view shows."""


def actor_of_plate(
    reader: FootageReader,
    config: ColorConfig,
    track: FaceTrack,
    covers: RotoReader | None,
    settings: AnalysisSettings,
) -> Actor:
    """Return a plate's own face as an actor, from frames in which nothing is in front of it.

    It puts nobody else into the picture.

    Args:
        reader: the whole plate, so that it is the same whichever frames are rendered.
        track: the face.
        covers: a hand-made matte of what is in front; frames in which it is not empty do not
            count. What the segmenter sees in front does not count either.
        settings: of the plate's analysis.

    Raises:
        ActorError: the face is nowhere seen well enough.
    """
    if covers is not None:
        free = tuple(n for n in reader.frames if not _is_covered(covers, reader, n))
        if not free:
            raise ActorError(
                f"In every frame of {reader.footage.pattern} something is in front of the face.",
                hint="Name an --actor.",
            )
        reader = reader.limited(FrameRange(free))
    known = [o.embedding for o in track.observations.values() if o.embedding.any()]
    whole = build_actor(
        [reader],
        config,
        name=f"{base_name(reader.footage.pattern)}, its own frames",
        settings=ActorSettings(
            face=None if known else track.index,
            reference=np.median(known, axis=0).astype(np.float32) if known else None,
            threads=settings.threads,
            cache_folder=settings.cache_folder,
            seers=settings.seers,
        ),
    )
    clear = np.array([shown_share(view) for view in whole.views])
    kept = np.flatnonzero(clear >= _CLEAR * clear.max())
    return make_actor(
        whole.name,
        [whole.views[index] for index in kept],
        points=whole.map.points[kept],
        radius=whole.map.radius,
        neutral=whole.neutral,
        consent=None,
        notes=whole.notes,
    )


def _is_covered(covers: RotoReader, reader: FootageReader, number: int) -> bool:
    if number not in covers.footage.frames.numbers:
        return False
    frame = reader.read(number)
    return bool(covers.coverage(number, frame.data, frame.display).any())
