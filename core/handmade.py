"""A hand-made face laid into the plate: what precedes its blend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from faceplate.core.errors import FrameFormatError
from faceplate.core.face import FaceObservation
from faceplate.core.frame import Frame
from faceplate.core.io.element import ElementReader
from faceplate.core.replace import (
    Labeller,
    Reenacted,
    extent_of,
    label_around,
    stretch_of,
)
from faceplate.core.stages import views, warp
from faceplate.ocio.network import NetworkView

_MARGIN = 0.06
"""Room around the element, face heights: blurs near its edge need it."""


def lay_element(
    reader: ElementReader,
    frame: Frame,
    face: FaceObservation,
    view: NetworkView,
    label: Labeller,
) -> Reenacted | None:
    """Return a hand-made face as it stands before the blend, or None where it shows nothing.

    Its matte is its own alpha, or the hand-made matte that the labels carry. It is taken as clean:
    as sharp as the plate, and without grain.

    Args:
        reader: of the element.
        frame: the plate's.
        face: the face that it lies on; light, seam and grain are measured there.
        view: the plate's way to linear Rec.709, to code values and back.
        label: says what the pixels of a window show.

    Raises:
        FrameMissingError: the element lacks the frame.
        FrameFormatError: it cannot be used, or has neither alpha nor matte.
    """
    made = reader.read(frame.number, frame.display)
    if made is None:
        return None
    mesh = face.mesh * stretch_of(frame)
    wide, height, _ = extent_of(mesh, frame)
    margin = int(np.ceil(_MARGIN * height)) + 2
    window = made.window.grown(margin).clipped(frame.data)
    inner = made.window.clipped(window)
    if inner.is_empty:
        return None
    labels, plate = label_around(frame, face, window, view, label)
    here, there = inner.slices_in(window), inner.slices_in(made.window)
    matte = labels.cut(window).drawn
    if matte is None and made.coverage is not None:
        matte = np.zeros(plate.shape[:2], np.float32)
        matte[here] = made.coverage[there]
    if matte is None:
        raise FrameFormatError(
            reader.footage.pattern,
            "its layer has no alpha",
            "Name a matte with --matte-in.",
        )
    light = view.linear(made.color) if view.is_scene_linear else made.color
    codes = view.encode(plate)
    new = view.encode(light[there])
    if made.coverage is not None:
        new = np.where(made.coverage[there][..., None] > 0, new, codes[here])
    codes[here] = new
    placed = warp.cover_face(mesh, window, pixel_aspect=frame.pixel_aspect)
    warped = replace(
        placed,
        codes=codes,
        skin=matte,
        features=warp.features_of(placed.raster),
        blur_px=face.sharpness,
    )
    gain = float(view.gain)
    return Reenacted(
        window,
        wide,
        height,
        plate,
        labels,
        warped,
        level=views.MIDDLE / gain,
        exposure=1 / gain,
        matte=matte,
    )
