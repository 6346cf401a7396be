"""An actor made of the plate's own frames, to complete a face that is covered in some of them."""

from __future__ import annotations

import numpy as np

from faceplate.core.actor import ActorSettings, build_actor
from faceplate.core.analyse import AnalysisSettings
from faceplate.core.footage import base_name
from faceplate.core.io.footage import FootageReader
from faceplate.core.source import Actor
from faceplate.core.track import FaceTrack
from faceplate.ocio.config import ColorConfig


def actor_of_plate(
    reader: FootageReader, config: ColorConfig, track: FaceTrack, settings: AnalysisSettings
) -> Actor:
    """Return a plate's own face as an actor; it puts nobody else into the picture.

    Args:
        reader: the whole plate, so that it is the same whichever frames are rendered.
        track: the face.
        settings: of the plate's analysis.

    Raises:
        ActorError: the face is nowhere seen well enough.
    """
    known = [o.embedding for o in track.observations.values() if o.embedding.any()]
    return build_actor(
        [reader],
        config,
        name=f"{base_name(reader.footage.pattern)}, its own frames",
        settings=ActorSettings(
            face=None if known else track.index,
            reference=np.median(known, axis=0).astype(np.float32) if known else None,
            threads=settings.threads,
            cache_folder=settings.cache_folder,
        ),
    )
