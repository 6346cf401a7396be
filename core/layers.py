"""The layers of a turnover frame: names, types, and how elements become channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.errors import InputError
from faceplate.core.face import FaceObservation
from faceplate.core.frame import Frame
from faceplate.core.geometry import mesh as meshes
from faceplate.core.io.exr import HALF_MAX
from faceplate.core.replace import Element

MATTES = ("matte_face", "matte_hair", "matte_occluder", "matte_mouth", "matte_blend")
_FACE, _HAIR, _OCCLUDER, _, _BLEND = range(len(MATTES))

CHANNELS: Mapping[str, tuple[str, ...]] = {
    "face": ("face.R", "face.G", "face.B", "face.A"),
    "raw": ("raw.R", "raw.G", "raw.B"),
    "matte": tuple(f"{name}.A" for name in MATTES),
    "st": ("st.X", "st.Y", "st.Z"),
    "motion": ("motion.X", "motion.Y", "motion.Z"),
    "confidence": ("confidence.A",),
}
"""Layer choice to channel names; `comp` is the root and has none of its own."""

_FULL_FLOAT = frozenset({"st", "motion"})


class LayerClashError(InputError):
    """The plate has a layer whose name is one of ours."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__(
            f"The plate's frame {number} has a channel {name}, which is a layer of ours.",
            hint="Rename our layers with --layer-prefix.",
            name=name,
            number=number,
        )


def delivered_matte(frame: Frame, prefix: str) -> AnyArray | None:
    """Return the coverage that a finished frame was made with, or None where no layer has it.

    Args:
        frame: read from disk, with its layers.
        prefix: that was put before our layers' names.
    """
    for name in ("matte_blend.A", "face.A"):
        if f"{prefix}{name}" in frame.channels:
            return frame.channels[f"{prefix}{name}"]
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """One face of a frame: the element that was laid over the plate, and what it was seen as.

    Attributes:
        element: the finished face.
        seen: the face that it replaces.
        following: the same face in the next frame, or None where it is not known, a new set-up
            begins, or the element is held still.
    """

    element: Element
    seen: FaceObservation
    following: FaceObservation | None


def turnover_channels(
    frame: Frame,
    root: Mapping[str, AnyArray],
    layers: Sequence[str],
    prefix: str,
    faces: Sequence[Placed],
    face: FloatArray | None,
) -> dict[str, AnyArray]:
    """Return every channel of the output frame; a layer without content is all zero.

    Args:
        root: the frame's own channels, with the comp in R, G and B.
        layers: chosen names of `CHANNELS` and "comp".
        prefix: put before our layers' names.
        faces: in the order in which they were laid over the plate. What lies outside the frame's
            data window is left out.
        face: (H, W, 4) float32, all elements over each other; None when there are none.

    Raises:
        LayerClashError: the plate has such a channel already.
    """
    shape = (frame.data.height, frame.data.width)
    result: dict[str, AnyArray] = dict(root)
    for layer in layers:
        if layer == "comp":
            continue
        kind = np.float32 if layer in _FULL_FLOAT else np.float16
        planes = np.zeros((len(CHANNELS[layer]), *shape), kind)
        for placed in faces:
            element = placed.element
            of_labels = layer == "matte"
            whole = element.labels.window if of_labels else element.window
            window = whole.clipped(frame.data)
            if window.is_empty:
                continue
            rows, columns = window.slices_in(frame.data)
            if layer == "face":  # joined already; outside of the elements it is empty
                if face is not None:
                    planes[:, rows, columns] = np.moveaxis(face[rows, columns], 2, 0)
                continue
            inner = (slice(None), *window.slices_in(whole))
            own, under = _layer_of(layer, placed)[inner], planes[:, rows, columns]
            if of_labels:
                planes[:, rows, columns] = _mattes_over(own, under)
            else:
                cover = element.warped.raster.cover[inner[1:]]
                planes[:, rows, columns] = np.where(cover, own, under)
        for name, plane in zip(CHANNELS[layer], planes, strict=True):
            if f"{prefix}{name}" in result:
                raise LayerClashError(f"{prefix}{name}", frame.number)
            result[f"{prefix}{name}"] = plane
    return result


def _mattes_over(own: FloatArray, under: AnyArray) -> FloatArray:
    """Return a face's mattes joined with those below; the delivered one as the faces themselves.

    So it equals the alpha of the face layer where two faces overlap, too. To each face the other is
    somebody in front; where all are of interest, a face is a face.
    """
    joined = np.maximum(own, under).astype(np.float32)
    for covering in (_HAIR, _OCCLUDER):
        joined[covering] = np.minimum(joined[covering], 1 - joined[_FACE])
    top = own[_BLEND].astype(np.float16).astype(np.float32)
    joined[_BLEND] = top + under[_BLEND].astype(np.float32) * (1 - top)
    return joined


def _layer_of(layer: str, placed: Placed) -> FloatArray:
    """Return (C, h, w): the layer of one face, on the element's window."""
    element = placed.element
    if layer == "raw":
        return np.moveaxis(np.clip(element.raw, -HALF_MAX, HALF_MAX), 2, 0)
    if layer == "matte":
        labels = element.labels
        blend = np.zeros(labels.face.shape, np.float32)
        blend[element.window.slices_in(labels.window)] = element.matte
        return np.stack([labels.face, labels.hair, labels.occluder, labels.mouth, blend])
    if layer == "confidence":
        shape = element.warped.raster.triangle.shape
        return np.full((1, *shape), placed.seen.confidence, np.float32)
    return _st_map(element) if layer == "st" else _motion(placed)


def _st_map(element: Element) -> FloatArray:
    """Return (3, h, w): u, v of the main view (v from the bottom) and the view's index."""
    warped = element.warped
    height, width = warped.main_size
    u, v = warped.map[..., 0] / width, 1 - warped.map[..., 1] / height
    return np.stack([u, v, np.full_like(u, warped.main)]).astype(np.float32)


def _motion(placed: Placed) -> FloatArray:
    """Return (3, h, w): pixels to the next frame, y up, and its confidence."""
    raster, seen, following = placed.element.warped.raster, placed.seen, placed.following
    if following is None:
        return np.zeros((3, *raster.triangle.shape), np.float32)
    step = meshes.widened(following.mesh) - meshes.widened(seen.mesh)
    moved = raster.spread(step[:, :2])
    sure = np.full_like(moved[..., 0], min(seen.confidence, following.confidence))
    return np.stack([moved[..., 0], -moved[..., 1], sure])
