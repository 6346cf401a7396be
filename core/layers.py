"""The layers of a turnover frame: names, types, and how elements become channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.errors import InputError
from faceplate.core.face import FaceObservation
from faceplate.core.frame import Frame, Window
from faceplate.core.geometry import mesh as meshes
from faceplate.core.replace import Element

MATTES = ("matte_face", "matte_hair", "matte_occluder", "matte_mouth", "matte_blend")

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


def turnover_channels(
    frame: Frame,
    root: Mapping[str, AnyArray],
    layers: Sequence[str],
    prefix: str,
    elements: Sequence[Element],
    face: FloatArray | None,
    observation: FaceObservation | None,
    following: FaceObservation | None,
) -> dict[str, AnyArray]:
    """Return every channel of the output frame; a layer without content is all zero.

    Args:
        root: the frame's own channels, with the comp in R, G and B.
        layers: chosen names of `CHANNELS` and "comp".
        prefix: put before our layers' names.
        elements: the faces, in the order in which they were laid over the plate.
        face: (H, W, 4) float32, all elements over each other; None when there are none.
        observation, following: the first face in this frame and in the next one, for `motion`.

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
        if layer == "face" and face is not None:
            planes[:] = np.moveaxis(face, 2, 0)
        for element in elements if layer != "face" else ():
            where = element.window.slices_in(frame.data)
            planes[:, where[0], where[1]] = _layer_of(
                layer, element, planes[:, where[0], where[1]], frame.data, observation, following
            )
        for name, plane in zip(CHANNELS[layer], planes, strict=True):
            if f"{prefix}{name}" in result:
                raise LayerClashError(f"{prefix}{name}", frame.number)
            result[f"{prefix}{name}"] = plane
    return result


def _layer_of(
    layer: str,
    element: Element,
    under: AnyArray,
    data: Window,
    observation: FaceObservation | None,
    following: FaceObservation | None,
) -> AnyArray:
    """Return (C, h, w): the element's share of a layer over what lies ``under`` it."""
    cover = element.warped.raster.cover
    if layer == "raw":
        return np.where(cover, np.moveaxis(np.clip(element.raw, -65504, 65504), 2, 0), under)
    if layer == "matte":
        own = np.stack([element.mattes[name] for name in MATTES])
        return np.maximum(own, under)
    if layer == "confidence":
        level = 0.0 if observation is None else observation.confidence
        return np.maximum(under, cover[None] * np.float32(level))
    if layer == "st":
        return np.where(cover, _st_map(element), under)
    return np.where(cover, _motion(element, observation, following), under)


def _st_map(element: Element) -> FloatArray:
    """Return (3, h, w): u, v of the main view (v from the bottom) and the view's index."""
    warped = element.warped
    height, width = warped.main_size
    u, v = warped.map[..., 0] / width, 1 - warped.map[..., 1] / height
    return np.stack([u, v, np.full_like(u, warped.main)]).astype(np.float32)


def _motion(
    element: Element, observation: FaceObservation | None, following: FaceObservation | None
) -> FloatArray:
    """Return (3, h, w): pixels to the next frame, y up, and its confidence."""
    shape = element.warped.raster.triangle.shape
    if observation is None or following is None:
        return np.zeros((3, *shape), np.float32)
    step = meshes.widened(following.mesh) - meshes.widened(observation.mesh)
    moved = element.warped.raster.spread(step[:, :2])
    sure = np.full(shape, min(observation.confidence, following.confidence), np.float32)
    return np.stack([moved[..., 0], -moved[..., 1], sure])
